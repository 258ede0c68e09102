"""A person's own predictions: what is shown of them, and how the actual outcome is recorded and corrected."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from html import unescape
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.gateway.conftest import Gateway
from tests.pages.conftest import PATIENT, Person, Visitor, predict, text_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def author(clinic: Gateway, add_person: Callable[..., Person]) -> Iterator[Visitor]:
    """A doctor of this test's own, signed in, with no predictions yet, who reads English."""
    name = f"dr-{secrets.token_hex(4)}"
    person = add_person(name, "predict", "outcome")
    with Visitor(clinic.url, **{"x-name": name}) as visitor:
        assert visitor.sign_in(person).status_code == 303
        yield visitor


def rows(page: str) -> list[str]:
    """Return the lines of the table."""
    return re.findall(r'<tr role="row"><td.*?</tr>', page, flags=re.S)


def listed(page: str) -> list[str]:
    """Return the ids of the predictions of a page."""
    return re.findall(r'<span class="code small">([\w-]+)</span>', page)


def predicted(visitor: Visitor, **more: str) -> str:
    """Predict with an English form, and return the prediction id."""
    values = PATIENT | {"value:bmi": "31.4", "value:HbA1c_level": "8.1"} | more
    reply = predict(visitor, values)
    assert reply.status_code == 200
    return f"{reply.headers['x-request-id']}-0"


def send_outcome(visitor: Visitor, prediction: str, outcome: str, **more: str) -> httpx.Response:
    fields = visitor.form("/predictions") | {"prediction": prediction, "outcome": outcome, "back": "/predictions"} | more
    return visitor.submit("/predictions/outcome", fields)


def outcomes(clinic: Gateway, prediction: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(clinic.home / "gateway" / "audit.db") as log:
        return log.execute("SELECT key, model, label FROM outcomes WHERE prediction_id = ? ORDER BY id", (prediction,)).fetchall()


def test_a_person_without_predictions_reads_what_will_be_here(author):
    page = author.get("/predictions")

    assert page.status_code == 200
    assert "You have made no predictions yet." in text_of(page)
    assert '<a href="/predictions" aria-current="page">My predictions</a>' in page.text


def test_a_prediction_is_listed_in_words_and_the_answer_leads_to_the_list(author):
    reply = predict(author, PATIENT | {"value:bmi": "31.4", "value:HbA1c_level": "8.1", "subject": "HC 4711"})
    page = author.get("/predictions")

    assert 'href="/predictions">Your predictions' in reply.text
    words = text_of(page)
    assert re.search(r"UTC Diabetes, version 4 Sample rows only Diabetes The probability of “diabetes” is \d+\.\d%\.", words)
    assert listed(page.text) == [f"{reply.headers['x-request-id']}-0"]
    assert "Not known yet" in words
    assert "4711" not in page.text  # only the role audit sees ids of persons
    assert (page.headers["cache-control"], len(page.content) < 60_000) == ("no-store", True)


def test_an_outcome_is_recorded_corrected_and_not_recorded_twice(clinic, author):
    prediction = predicted(author)
    name = f"user:{author.headers['x-name']}"

    first = send_outcome(author, prediction, "=1")
    assert (first.status_code, first.headers["location"]) == (303, "/predictions?done=outcome.recorded")
    assert "The outcome has been recorded." in text_of(author.get(first.headers["location"]))
    corrected = send_outcome(author, prediction, "=0")
    page = text_of(author.get(corrected.headers["location"]))
    assert "The outcome has been corrected. The earlier one stays in the log." in page
    assert re.search(r"no diabetes recorded \d+ \w+ 2026, \d\d:\d\d UTC, by you\. Before: diabetes\.", page)
    again = send_outcome(author, prediction, "=0")
    assert "This outcome was recorded before, so nothing has changed." in text_of(author.get(again.headers["location"]))

    assert outcomes(clinic, prediction) == [(name, "diabetes", 1), (name, "diabetes", 0)]


def test_an_outcome_of_a_program_is_shown_with_its_caller(clinic, author):
    prediction = predicted(author)
    sent = {"outcomes": [{"prediction_id": prediction, "outcome": 1}]}
    httpx.post(f"{clinic.url}/models/diabetes/outcomes", json=sent, headers=clinic.bearer).raise_for_status()

    assert "by key:tester." in text_of(author.get("/predictions"))


@pytest.mark.parametrize("outcome", ["", "=2", "1", HOSTILE])
def test_an_outcome_that_is_none_is_refused_beside_its_field_and_nothing_is_recorded(clinic, author, outcome):
    prediction = predicted(author)
    predicted(author)

    reply = send_outcome(author, prediction, outcome)

    assert reply.status_code == 400
    assert text_of(reply).count("Choose what really happened") == 2
    assert listed(reply.text) == [prediction]
    assert '<a href="#o1">' in reply.text
    assert 'id="o1"' in reply.text
    assert "<script" not in reply.text
    assert outcomes(clinic, prediction) == []


def test_the_prediction_of_another_person_is_neither_listed_nor_given_an_outcome(clinic, author, doctor, add_person):
    foreign = predicted(author)
    unknown = "0" * 24 + "-0"

    replies = [send_outcome(doctor, id, "=1") for id in (foreign, unknown, HOSTILE, "")]

    assert foreign not in doctor.get("/predictions").text
    assert [reply.status_code for reply in replies] == [404] * 4
    assert not any("<script" in reply.text for reply in replies)
    assert outcomes(clinic, foreign) == []


def test_who_may_predict_only_sees_the_outcome_and_records_none(clinic, add_person):
    person = add_person("paula", "predict:diabetes")
    with Visitor(clinic.url) as visitor:
        visitor.sign_in(person)
        prediction = predicted(visitor)
        page = visitor.get("/predictions")
        reply = send_outcome(visitor, prediction, "=1")

    assert listed(page.text) == [prediction]
    assert "/predictions/outcome" not in page.text
    assert reply.status_code == 403
    assert outcomes(clinic, prediction) == []


def test_a_role_that_was_taken_away_hides_the_predictions_of_its_model(clinic, add_person, soon):
    from slipway.access import users
    from slipway.access.callers import Grant

    person = add_person("petra", "predict:diabetes")
    with Visitor(clinic.url) as visitor:
        visitor.sign_in(person)
        predicted(visitor)
        users.grant(clinic.home, "petra", [Grant.parse("predict:toy")])

        assert soon(lambda: "You have made no predictions yet." in text_of(visitor.get("/predictions")))
        assert "None of your predictions" in text_of(visitor.get("/predictions?model=diabetes"))


@pytest.mark.parametrize("role", ["audit", "operate"])
def test_other_roles_have_no_predictions(clinic, add_person, role):
    with Visitor(clinic.url) as visitor:
        visitor.sign_in(add_person(f"no-{role}", role))

        assert visitor.get("/predictions").status_code == 403
        assert visitor.submit("/predictions", visitor.form("/account") | {"subject": "HC 1"}).status_code == 403
        assert send_outcome(visitor, "0-0", "=1").status_code == 403


def test_a_form_of_another_site_records_nothing(clinic, author, visitor):
    prediction = predicted(author)
    fields = author.form("/predictions") | {"prediction": prediction, "outcome": "=1"}

    foreign = author.submit("/predictions/outcome", fields, origin="https://evil.example")
    stolen = author.submit("/predictions/outcome", fields | {"form_token": "0" * 64})
    nobody = visitor.submit("/predictions/outcome", fields)

    assert [reply.status_code for reply in (foreign, stolen, nobody)] == [403, 403, 401]
    assert outcomes(clinic, prediction) == []


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/account", "/predictions/../account", "javascript:alert(1)"])
def test_after_an_outcome_the_list_is_shown_and_no_other_address(author, back):
    reply = send_outcome(author, predicted(author), "=1", back=back)

    assert reply.headers["location"] == "/predictions?done=outcome.recorded"


def test_the_list_is_filtered_by_model_and_by_what_is_not_known_yet(clinic, author):
    known, unknown = predicted(author), predicted(author)
    toy = predict(author, {"value:Age": "80", "value:Oldpeak": "2", "value:Sex": "=M"}, "/predict/toy")
    send_outcome(author, known, "=1")

    assert listed(author.get("/predictions?model=diabetes").text) == [unknown, known]
    assert listed(author.get("/predictions?open=1").text) == [f"{toy.headers['x-request-id']}-0", unknown]
    page = author.get("/predictions?model=diabetes&open=1").text
    assert listed(page) == [unknown]
    assert '<option value="diabetes" selected>' in page
    assert "None of your predictions match this choice." in text_of(author.get("/predictions?model=nothing"))


def test_pages_of_fifty_follow_each_other_while_predictions_are_made(clinic, author):
    name, before = author.headers["x-name"], predicted(author)
    with sqlite3.connect(clinic.home / "gateway" / "audit.db") as log:  # as 60 more predictions would
        columns = [column[1] for column in log.execute("PRAGMA table_info(predictions)")]
        row = dict(zip(columns, log.execute("SELECT * FROM predictions WHERE prediction_id = ?", (before,)).fetchone(), strict=True))
        for number in range(60):
            line = row | {"prediction_id": f"{name}{number}-0"}
            log.execute(f"INSERT INTO predictions VALUES ({','.join('?' * len(line))})", [*line.values()])

    first = author.get("/predictions")
    later = unescape(re.search(r'href="(/predictions\?after=\w+)">Older predictions', first.text)[1])
    predicted(author)
    second = author.get(later)

    expected = [f"{name}{number}-0" for number in reversed(range(60))] + [before]
    assert listed(first.text) + listed(second.text) == expected
    assert first.num_bytes_downloaded < 60_000
    assert "Older predictions" not in second.text
    recorded = send_outcome(author, expected[-1], "=1", back=later)
    assert recorded.headers["location"] == f"{later}&done=outcome.recorded"


@pytest.mark.parametrize(
    "after", ["x", "00", HOSTILE, b"[1,2]".hex(), b'[-1,"2026-11-30T00:00:00+00:00"]'.hex(), b'[1,"now"]'.hex(), f"{2**70:x}"]
)
def test_a_place_that_no_page_has_named_is_refused(author, after):
    reply = author.get("/predictions", params={"after": after})

    assert reply.status_code == 400
    assert "<script" not in reply.text


def test_predictions_about_one_person_are_found_by_the_id_and_the_search_is_logged_without_it(clinic, author):
    mine = predicted(author, subject="HC-77 <b>")
    predicted(author, subject="HC-78")
    fields = author.form("/predictions")

    found = author.submit("/predictions", fields | {"subject": " HC-77 <b> "})
    none = author.submit("/predictions", fields | {"subject": "HC-99"})
    wrong = author.submit("/predictions", fields | {"subject": " "})

    assert listed(found.text) == [mine]
    assert "Your prediction about this person" in text_of(found)
    assert "<b>" not in found.text
    assert "You have made no predictions about this person." in text_of(none)
    assert (wrong.status_code, text_of(wrong).count("Enter the id of the person")) == (400, 2)
    with sqlite3.connect(clinic.home / "gateway" / "audit.db") as log:
        acts = log.execute("SELECT what, about FROM administration WHERE who = ?", (f"user:{author.headers['x-name']}",)).fetchall()
    assert [what for what, _ in acts].count("looked for a subject") == 2
    assert "HC-77" not in str(acts)


def test_predictions_about_one_person_by_another_author_stay_hidden(clinic, author, doctor):
    predicted(author, subject="HC-88")

    found = doctor.submit("/predictions", doctor.form("/predictions") | {"subject": "HC-88"})

    assert "No ha hecho predicciones sobre esta persona." in text_of(found)


# in a real browser


@pytest.fixture
def browse(clinic: Gateway, author: Visitor, chromium: Browser) -> Iterator[Callable[..., Page]]:
    windows = []

    def open_page(**settings: Any) -> Page:
        window = chromium.new_context(base_url=clinic.url, locale="es-CO", java_script_enabled=False, **settings)
        windows.append(window)
        window.add_cookies([{"name": "slipway", "value": author.cookies["slipway"], "url": clinic.url}])
        return window.new_page()

    yield open_page
    for window in windows:
        window.close()


def test_a_doctor_records_the_outcome_on_a_phone_and_corrects_it(browse, author, tmp_path):
    predicted(author)
    page = browse(viewport={"width": 390, "height": 844})
    page.goto("/predictions")

    page.get_by_text("Anotar el resultado").click()
    page.get_by_role("radio", name="sin diabetes").check()
    page.get_by_role("button", name="Anotar").click()
    assert page.get_by_role("status").inner_text() == "El resultado ha quedado anotado."
    page.get_by_text("Corregirlo").click()
    page.get_by_role("button", name="Corregir").click()
    assert "Elija lo que ocurrió en realidad" in page.get_by_role("alert").inner_text()
    page.get_by_role("radio", name="diabetes", exact=True).check()
    page.get_by_role("button", name="Corregir").click()

    assert "se ha corregido" in page.get_by_role("status").inner_text()
    assert "Antes: sin diabetes." in page.locator("table").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.screenshot(path=tmp_path / "predictions.png", full_page=True)
