"""An operator's acts over real HTTP: what is refused, what stays typed, and what happens without the process that does them.

The acts that change something are tested on a whole platform, in tests/platform/test_release_on_platform.py.
"""

from __future__ import annotations

import psutil
import pytest

from tests.pages.conftest import Visitor

MODEL = "heart-failure"  # of the catalogue; nothing of it was released in this home
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture(scope="module")
def orla(add_person):
    """An operator."""
    return add_person("orla", "operate")


@pytest.fixture
def operator(pages, orla):
    with Visitor(pages.url) as visitor:
        assert visitor.sign_in(orla).status_code == 303
        yield visitor


def test_a_form_without_a_reason_comes_back_as_it_was_filled_in(operator):
    fields = operator.form(f"/service/{MODEL}/release")

    reply = operator.submit(f"/service/{MODEL}/release", fields | {"dry_run": "1", "why": "  "})

    assert reply.status_code == 400
    assert 'href="#why">Enter a reason.' in reply.text
    assert 'name="dry_run" value="1" checked' in reply.text
    assert f'name="once" value="{fields["once"]}"' in reply.text


def test_a_reason_is_shown_as_text(operator):
    fields = operator.form(f"/service/{MODEL}/release")

    reply = operator.submit(f"/service/{MODEL}/release", fields | {"why": HOSTILE * 30})

    assert reply.status_code == 400
    assert "Shorten the reason" in reply.text
    assert "<script" not in reply.text


def test_without_prefect_nothing_is_started_and_the_page_says_so(operator):
    fields = operator.form(f"/service/{MODEL}/release")

    reply = operator.submit(f"/service/{MODEL}/release", fields | {"why": "to see"})

    assert reply.status_code == 503
    assert "Prefect does not answer" in reply.text


def test_an_act_that_is_not_possible_says_why_and_an_unknown_model_is_not_found(operator):
    page = operator.get(f"/service/{MODEL}/roll-back")
    assert (page.status_code, "there is none to go back to" in page.text, "<textarea" in page.text) == (200, True, False)

    unknown = operator.get("/service/hart-failure/release")
    assert (unknown.status_code, "heart-failure" in unknown.text) == (404, True)
    assert operator.get(f"/service/{MODEL}/destroy").status_code == 404
    assert operator.get(f"/service/{MODEL}/run?id=../deployments").status_code == 404


def test_the_switch_is_set_in_the_name_of_the_person(operator):
    fields = operator.form(f"/service/{MODEL}/release")  # nothing is in service, so the page of the switch has no form

    frozen = operator.submit(f"/service/{MODEL}/freeze", fields | {"why": "calibration"})
    page = operator.get(f"/service/{MODEL}/resume")
    resumed = operator.submit(f"/service/{MODEL}/resume", fields | {"why": "done"})

    assert frozen.headers["location"] == f"/service/{MODEL}?done=freeze"
    assert "Alarms are held back: calibration" in page.text
    assert resumed.headers["location"] == f"/service/{MODEL}?done=resume"
    assert "Nothing holds automations back." in operator.get(f"/service/{MODEL}/resume").text


@pytest.mark.parametrize("act", ["release", "freeze", "approve"])
def test_a_form_of_another_site_or_without_its_token_does_nothing(operator, act):
    fields = operator.form(f"/service/{MODEL}/release") | {"why": "because"}

    assert operator.submit(f"/service/{MODEL}/{act}", fields, origin="https://evil.example").status_code == 403
    assert operator.submit(f"/service/{MODEL}/{act}", fields | {"form_token": "0" * 64}).status_code == 403
    assert "Nothing holds automations back." in operator.get(f"/service/{MODEL}/resume").text


def test_after_its_process_was_killed_the_next_page_starts_another(operator, pages, soon):
    assert operator.get(f"/service/{MODEL}/release").status_code == 200
    (process,) = [one for one in psutil.Process(pages.process.pid).children() if "deployments.operations" in one.cmdline()]

    process.kill()

    assert soon(lambda: operator.get(f"/service/{MODEL}/release").status_code == 200)
