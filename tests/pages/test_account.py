"""A person's own page: the second factor that the first sign-in asks for, recovery codes, sessions, keys."""

from __future__ import annotations

import itertools
import re

import msgspec
import pyotp
import pytest

from slipway.access import keys, users
from slipway.access.callers import Grant
from slipway.access.records import change, read
from slipway.gateway.endpoints.browser.form_tokens import _unmasked
from tests.pages.conftest import PASSWORD, Visitor

NUMBERS = itertools.count()


@pytest.fixture
def bert(add_person):
    """A user without a second factor, of this test alone."""
    return add_person(f"bert-{next(NUMBERS)}", "predict", second_factor=False)


def set_up(visitor: Visitor) -> tuple[str, list[str]]:
    """Set up the second factor, and return its secret and the recovery codes."""
    fields = visitor.form("/second-factor")
    reply = visitor.submit("/second-factor", fields | {"code": pyotp.TOTP(fields["secret"]).now()})
    assert reply.status_code == 200
    token = re.search(r'name="form_token" value="(\w+)"', reply.text)[1]
    assert _unmasked(token) == _unmasked(visitor.form("/")["form_token"])  # that of the new session
    return fields["secret"], re.findall(r"<li>([\w-]{14})</li>", reply.text)


def test_without_a_second_factor_a_person_sees_only_the_page_that_sets_it_up(visitor, bert):
    assert visitor.sign_in(bert).headers["location"] == "/"

    for path in ("/", "/account"):
        assert visitor.get(path).headers["location"] == "/second-factor"
    secret, codes = set_up(visitor)

    assert len(set(codes)) == 10
    user = read(bert.home).users[bert.name]
    assert user.second_factor == secret
    assert not any(code in repr(msgspec.to_builtins(user)) for code in codes)
    assert "You have 10 unused recovery codes." in visitor.get("/account").text
    assert visitor.get("/second-factor").headers["location"] == "/account"


def test_the_session_goes_on_under_a_new_cookie_and_those_opened_with_the_password_alone_end(pages, visitor, bert):
    with Visitor(pages.url) as other:
        other.sign_in(bert)
        visitor.sign_in(bert)
        before = visitor.cookies["slipway"]

        set_up(visitor)

        assert visitor.cookies["slipway"] != before
        assert other.get("/account").headers["location"] == "/sign-in?next=/account"
        assert other.get("/second-factor", headers={"Cookie": f"slipway={before}"}).headers["location"].startswith("/sign-in")


def test_a_wrong_code_changes_nothing_and_the_same_picture_is_shown_again(visitor, bert):
    visitor.sign_in(bert)
    fields = visitor.form("/second-factor")

    reply = visitor.submit("/second-factor", fields | {"code": "000000"})

    assert reply.status_code == 400
    assert "Enter the 6 digits that the app shows now" in reply.text
    assert f'name="secret" value="{fields["secret"]}"' in reply.text
    assert read(bert.home).users[bert.name].second_factor is None


def test_a_secret_that_the_gateway_did_not_make_is_not_accepted(visitor, bert):
    visitor.sign_in(bert)
    fields, own = visitor.form("/second-factor"), pyotp.random_base32()

    reply = visitor.submit("/second-factor", fields | {"secret": own, "code": pyotp.TOTP(own).now()})

    assert reply.headers["location"] == "/second-factor"
    assert read(bert.home).users[bert.name].second_factor is None


def test_a_recovery_code_opens_one_session_and_is_then_used_up(pages, visitor, bert):
    visitor.sign_in(bert)
    _, codes = set_up(visitor)
    sent = {"name": bert.name, "password": PASSWORD, "code": codes[3].upper().replace("-", " ")}
    with Visitor(pages.url) as first, Visitor(pages.url) as second:
        reply = first.submit("/sign-in", first.form("/sign-in") | sent)
        assert reply.headers["location"] == "/account?done=recovery_used"
        assert "which is now used up. 9 are left" in first.get("/account?done=recovery_used").text

        assert second.submit("/sign-in", second.form("/sign-in") | sent).status_code == 401


def test_new_recovery_codes_need_a_code_of_the_app_and_end_the_old_ones(visitor, anna):
    visitor.sign_in(anna)
    fields = visitor.form("/account")
    refused = visitor.submit("/account/recovery-codes", fields | {"code": "000000"})
    assert refused.status_code == 401
    assert "The code is not right" in refused.text

    first = visitor.submit("/account/recovery-codes", fields | {"code": anna.code()})
    second = visitor.submit("/account/recovery-codes", fields | {"code": anna.code()})

    found = [re.findall(r"<li>([\w-]{14})</li>", reply.text) for reply in (first, second)]
    assert [len(codes) for codes in found] == [10, 10]
    assert not set(found[0]) & set(found[1])
    with Visitor(visitor.own) as other:
        sent = {"name": anna.name, "password": PASSWORD, "code": found[0][0]}
        assert other.submit("/sign-in", other.form("/sign-in") | sent).status_code == 401


def test_own_sessions_are_listed_and_one_of_them_is_ended(pages, signed_in, anna):
    with Visitor(pages.url) as other:
        other.sign_in(anna)
        page = signed_in.get("/account").text
        assert page.count("This session") == 1
        ids = re.findall(r'name="session" value="(\w{64})"', page)
        newest = ids[0]  # the other visitor's: the newest is first

        reply = signed_in.submit("/account/end-session", signed_in.form("/account") | {"session": newest})

        assert reply.headers["location"] == "/account?done=session_ended"
        assert "The session has ended." in signed_in.get("/account?done=session_ended").text
        assert other.get("/").headers["location"] == "/sign-in"
        assert signed_in.get("/").status_code == 200


def test_nobody_ends_the_session_of_another_person(pages, signed_in, add_person):
    eva = add_person("eva")
    with Visitor(pages.url) as other:
        other.sign_in(eva)
        theirs = next(id for id, session in read(pages.home).sessions.items() if session.user == "eva")

        signed_in.submit("/account/end-session", signed_in.form("/account") | {"session": theirs})

        assert other.get("/").status_code == 200


def test_signing_out_everywhere_ends_all_sessions_and_tokens(pages, visitor, add_person):
    carl = add_person("carl")
    with Visitor(pages.url) as other:
        other.sign_in(carl)
        visitor.sign_in(carl)
        body = {"name": "carl", "password": PASSWORD, "code": carl.code()}
        token = visitor.post("/sessions", json=body).json()["token"]
        assert visitor.get("/models", headers={"Authorization": f"Bearer {token}"}).status_code == 200

        visitor.submit("/account/sign-out-everywhere", visitor.form("/account"))

        assert other.get("/").headers["location"] == "/sign-in"
        assert visitor.get("/models", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_session_ends_when_its_user_is_revoked_or_its_time_is_over(pages, visitor, add_person, soon):
    dora = add_person("dora")
    visitor.sign_in(dora)
    assert visitor.get("/").status_code == 200

    def over(content):
        past = {id: msgspec.structs.replace(one, expires=1.0) if one.user == "dora" else one for id, one in content.sessions.items()}
        return msgspec.structs.replace(content, sessions=past)

    kept = read(pages.home).sessions
    change(pages.home, over)
    assert soon(lambda: visitor.get("/").status_code == 303)
    change(pages.home, lambda content: msgspec.structs.replace(content, sessions=content.sessions | kept))
    assert soon(lambda: visitor.get("/").status_code == 200)
    users.revoke(pages.home, "dora")
    assert soon(lambda: visitor.get("/").status_code == 303)


def test_own_keys_are_listed_without_the_key(pages, signed_in):
    key = keys.issue(pages.home, "annas-erp", [Grant("predict", "toy")], 90, "anna")
    keys.issue(pages.home, "berts-erp", [Grant("predict")], None, "bert")

    page = signed_in.get("/account").text

    assert "annas-erp" in page
    assert "make predictions (toy)" in page
    assert "berts-erp" not in page
    assert "tester" not in page
    assert key not in page


def test_what_people_do_is_in_the_log(pages, signed_in):
    from slipway.audit import Wanted, administration

    signed_in.submit("/sign-out", signed_in.form("/account"))

    acts = [(act.who, act.what) for act in administration(pages.home, Wanted()) if act.who == "user:anna"]
    assert {("user:anna", "signed in"), ("user:anna", "signed out")} <= set(acts)
