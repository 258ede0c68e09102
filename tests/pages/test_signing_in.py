"""Signing in and out: what a visitor without a browser sends and receives, hostile ones too."""

from __future__ import annotations

import re

import pytest

from tests.pages.conftest import PASSWORD, Visitor


def test_a_visitor_is_led_to_the_sign_in_and_from_there_to_the_wanted_page(visitor, anna):
    reply = visitor.get("/?a=b")
    assert (reply.status_code, reply.headers["location"]) == (303, "/sign-in?next=/%3Fa%3Db")

    done = visitor.sign_in(anna, "/%3Fa%3Db")

    assert (done.status_code, done.headers["location"]) == (303, "/?a=b")
    page = visitor.get("/")
    assert page.status_code == 200
    assert "toy" in page.text
    assert ">anna</a>" in page.text


def test_pages_are_shown_to_nobody_without_a_session_whatever_else_they_send(pages, visitor):
    assert visitor.get("/", headers=pages.bearer).headers["location"] == "/sign-in"
    assert visitor.get("/", headers={"Cookie": "slipway=0123456789abcdef"}).headers["location"] == "/sign-in"
    assert visitor.get("/", headers={"Cookie": f"slipway={pages.key}"}).headers["location"] == "/sign-in"


def test_the_cookie_is_no_credential_of_the_api(signed_in, pages):
    cookie = signed_in.cookies["slipway"]

    assert signed_in.get("/models").status_code == 401
    assert signed_in.get("/models", headers={"Authorization": f"Bearer {cookie}"}).status_code == 401


def test_the_cookie_is_not_for_scripts_nor_other_sites_and_new_at_each_sign_in(visitor, anna):
    visitor.cookies.set("slipway", "fixed-by-somebody-else", domain="127.0.0.1")

    first = visitor.sign_in(anna)
    cookie = next(value for name, value in first.headers.multi_items() if name == "set-cookie" and value.startswith("slipway="))

    assert re.fullmatch(r"slipway=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", cookie)
    assert "fixed-by" not in cookie


def test_under_tls_the_cookie_is_for_this_host_only(pages, anna):
    proxy = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "clinic.example", "X-Forwarded-Prefix": "/ml"}
    with Visitor(pages.url, **proxy) as visitor:
        page = visitor.get("/sign-in")
        assert re.fullmatch(r"__Host-slipway_form=[\w-]{32}; Path=/; HttpOnly; SameSite=Lax; Secure", page.headers["set-cookie"])
        assert 'action="/ml/sign-in"' in page.text
        assert 'href="/ml/style.css' in page.text
        token = re.search(r'name="form_token" value="(\w+)"', page.text)[1]
        fields = {"form_token": token, "name": anna.name, "password": PASSWORD, "code": anna.code(), "next": "/account"}
        cookie = {"Cookie": page.headers["set-cookie"].partition(";")[0]}

        assert visitor.post("/sign-in", data=fields, headers=cookie | {"Origin": pages.url}).status_code == 403
        done = visitor.post("/sign-in", data=fields, headers=cookie | {"Origin": "https://clinic.example"})

    assert done.headers["location"] == "/ml/account"
    assert re.match(r"__Host-slipway=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Secure", done.headers["set-cookie"])


def test_a_page_can_be_neither_framed_nor_kept_and_loads_nothing_from_elsewhere(visitor):
    reply = visitor.get("/sign-in")

    policy = reply.headers["content-security-policy"]
    assert policy == (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["referrer-policy"] == "same-origin"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"https?://|<script|style=", reply.text)


def test_the_style_sheet_is_kept_by_browsers_as_long_as_it_is_the_same(visitor):
    address = re.search(r'href="(/style.css\?v=\w+)"', visitor.get("/sign-in").text)[1]

    assert "immutable" in visitor.get(address).headers["cache-control"]
    assert visitor.get("/style.css?v=old").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/a\r\nSet-Cookie: x=y", "evil", "/%00\u00e9"],
)
def test_after_the_sign_in_nobody_is_led_to_another_site(visitor, anna, wanted):
    fields = visitor.form("/sign-in") | {"name": anna.name, "password": PASSWORD, "code": anna.code(), "next": wanted}

    assert visitor.submit("/sign-in", fields).headers["location"] == "/"
    assert visitor.get("/language", params={"to": "es", "next": wanted}).headers["location"] == "/"


@pytest.mark.parametrize(
    ("changes", "headers"),
    [
        ({"form_token": ""}, {}),
        ({"form_token": "0" * 64}, {}),
        ({"form_token": "é"}, {}),
        ({}, {"Origin": "https://evil.example"}),
        ({}, {"Origin": "null"}),
        ({}, {"Origin": "http://127.0.0.1:1"}),
        ({}, {"Sec-Fetch-Site": "cross-site"}),
        ({}, {"Sec-Fetch-Site": "same-site"}),
        ({}, {"Cookie": ""}),
    ],
)
def test_nobody_can_be_signed_in_by_another_site(pages, visitor, anna, changes, headers):
    fields = visitor.form("/sign-in") | {"name": anna.name, "password": PASSWORD, "code": anna.code()}

    reply = visitor.post("/sign-in", data=fields | changes, headers={"Origin": pages.url} | headers)

    assert reply.status_code == 403
    assert "The form could not be sent" in reply.text
    assert "slipway=" not in reply.headers.get("set-cookie", "")


def test_the_token_of_one_visitor_is_worth_nothing_to_another(pages, visitor, anna):
    with Visitor(pages.url) as other:
        theirs = other.form("/sign-in")
    visitor.get("/sign-in")

    reply = visitor.submit("/sign-in", theirs | {"name": anna.name, "password": PASSWORD, "code": anna.code()})

    assert reply.status_code == 403


def test_signing_out_ends_the_session_and_needs_the_form(signed_in, pages):
    cookie = signed_in.cookies["slipway"]
    assert signed_in.submit("/sign-out", {"form_token": ""}).status_code == 403
    assert signed_in.get("/").status_code == 200

    reply = signed_in.submit("/sign-out", signed_in.form("/"))

    assert (reply.status_code, reply.headers["location"]) == (303, "/sign-in")
    assert signed_in.get("/", headers={"Cookie": f"slipway={cookie}"}).status_code == 303


def test_a_wrong_password_is_one_message_and_the_form_keeps_the_name_only(visitor, anna):
    fields = visitor.form("/sign-in")

    reply = visitor.submit("/sign-in", fields | {"name": anna.name, "password": "wrong-horse", "code": "123456"})

    assert reply.status_code == 401
    assert reply.text.count("The user name, password or security code is not right") == 1
    assert 'value="anna"' in reply.text
    assert "wrong-horse" not in reply.text
    assert "123456" not in reply.text
    assert "<title>Error: Sign in" in reply.text


def test_what_is_missing_is_said_beside_its_field(visitor):
    reply = visitor.submit("/sign-in", visitor.form("/sign-in") | {"name": "<b>", "password": ""})

    assert reply.status_code == 400
    assert '<a href="#password">Enter your password</a>' in reply.text
    assert 'aria-describedby=" password-error"' in reply.text
    assert 'value="&lt;b&gt;"' in reply.text


@pytest.mark.parametrize("path", ["/acount", "/models/toy/nothing", "/predict"])
def test_a_mistake_in_an_address_is_a_page_for_a_browser_and_json_for_a_program(visitor, path):
    shown = visitor.get(path)
    assert (shown.status_code, shown.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "Page not found" in shown.text

    answered = visitor.get(path, headers={"Accept": "*/*"})
    assert (answered.status_code, answered.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
