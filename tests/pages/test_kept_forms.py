"""A form that was filled in for longer than its session lasted is not lost, and goes to nobody else."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from tests.pages.conftest import PASSWORD, Visitor

ACTION = "/account/recovery-codes"
TYPED = 'kept "as it is" & <b>ñ</b>'


@pytest.fixture
def late(signed_in, end_sessions) -> Visitor:
    """Anna, who has sent a form after the end of her session. `reply` is the answer to it."""
    fields = signed_in.form("/account") | {"code": TYPED}
    end_sessions(signed_in)
    signed_in.reply = signed_in.submit(ACTION, fields)
    return signed_in


def hidden(text: str) -> dict[str, str]:
    """Return the hidden fields of a page's last form."""
    return {
        name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text[text.rindex("<form") :])
    }


def sign_in(visitor: Visitor, person, **changes: str):
    sent = {"name": person.name, "password": PASSWORD, "code": person.code()}
    return visitor.submit("/sign-in", hidden(visitor.reply.text) | sent | changes)


def test_the_sign_in_form_keeps_it_and_its_person_sends_it_again(late, anna):
    assert late.reply.status_code == 401
    assert "What you entered is kept" in late.reply.text
    assert "<b>" not in late.reply.text

    page = sign_in(late, anna)

    assert page.status_code == 200
    fields = hidden(page.text)
    assert fields["code"] == TYPED
    assert f'action="{ACTION}"' in page.text
    again = late.submit(ACTION, fields)
    assert "The code is not right" in again.text  # it reached the page that it was meant for


def test_a_wrong_password_does_not_lose_it(late, anna):
    late.reply = sign_in(late, anna, password="wrong-horse-battery")
    assert late.reply.status_code == 401

    assert hidden(sign_in(late, anna).text)["code"] == TYPED


def test_another_person_at_the_same_screen_does_not_get_it(late, add_person):
    olga = add_person("olga")

    reply = sign_in(late, olga)

    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    assert TYPED not in reply.text


@pytest.mark.parametrize(
    "kept",
    [
        {"path": "//evil.example", "fields": {"code": ["x"]}},
        {"path": ACTION, "fields": {"code": ["x"]}},
        {"path": ACTION, "fields": {"code": ["x"], "form_token": ["0" * 64]}},
        {"fields": []},
        "[",
    ],
    ids=str,
)
def test_what_the_gateways_own_page_did_not_send_is_not_kept(late, anna, kept):
    reply = sign_in(late, anna, kept=kept if isinstance(kept, str) else json.dumps(kept))

    assert (reply.status_code, reply.headers["location"]) == (303, "/")


def test_nothing_of_another_site_is_kept(signed_in, end_sessions):
    fields = signed_in.form("/account") | {"code": TYPED}
    end_sessions(signed_in)

    reply = signed_in.submit(ACTION, fields, origin="https://evil.example")

    assert reply.status_code == 403
    assert "kept" not in reply.text
