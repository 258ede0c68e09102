"""Signing in at an OIDC provider: the code flow with PKCE, and what somebody could try with it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from slipway.access import keys
from slipway.access.records import read
from tests.gateway.conftest import Gateway
from tests.pages.conftest import Visitor
from tests.support.oidc_provider import CLIENT, SECRET, OidcProvider


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    provider = OidcProvider()
    yield provider
    provider.close()


@pytest.fixture(autouse=True)
def usual(provider: OidcProvider) -> None:
    provider.claims, provider.denies = {}, False


@pytest.fixture(scope="module")
def gateway(provider: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose people sign in at the provider, and which has no users of its own."""
    gateway = Gateway(tmp_path_factory.mktemp("with-provider"))
    keys.add(gateway.home, "tester", gateway.key)
    lines = {
        "ISSUER": provider.url,
        "AUDIENCE": "slipway",
        "JWKS_URL": f"{provider.url}/jwks.json",
        "CLIENT_ID": CLIENT,
        "CLIENT_SECRET": f"'{SECRET.replace(chr(39), chr(92) + chr(39))}'",
        "ROLES": '{"doctors": ["predict"]}',
    }
    (gateway.home / ".env").write_text("".join(f"SLIPWAY_OIDC_{name}={value}\n" for name, value in lines.items()))
    yield gateway.start()
    gateway.stop()


@pytest.fixture
def visitor(gateway: Gateway) -> Iterator[Visitor]:
    with Visitor(gateway.url) as visitor:
        yield visitor


def leave(visitor: Visitor, wanted: str = "/account") -> str:
    """Go to the provider, and return the address to which it sends the visitor back."""
    reply = visitor.get("/sign-in/provider", params={"next": wanted})
    assert reply.status_code == 303
    return httpx.get(reply.headers["location"]).headers["location"]


def test_a_person_signs_in_at_the_provider_with_its_roles_and_ends_all_sessions(visitor, gateway, provider):
    assert (
        f'href="/sign-in/provider?next=/account">Sign in with {urlsplit(provider.url).hostname}</a>'
        in visitor.get("/sign-in?next=/account").text
    )

    done = visitor.get(leave(visitor))

    assert (done.status_code, done.headers["location"]) == (303, "/account")
    page = visitor.get("/account").text
    assert ">dr.who</a>" in page
    assert "make predictions" in page
    assert "Recovery codes" not in page
    assert [session.kind for session in read(gateway.home).sessions.values()] == ["oidc"]
    visitor.submit("/account/sign-out-everywhere", visitor.form("/account"))
    assert visitor.get("/account").headers["location"] == "/sign-in?next=/account"


def test_the_provider_is_asked_with_pkce_state_and_nonce_that_are_new_each_time(visitor, gateway):
    asked = [parse_qs(urlsplit(visitor.get("/sign-in/provider").headers["location"]).query) for _ in range(2)]

    for name in ("state", "nonce", "code_challenge"):
        first, second = (one[name][0] for one in asked)
        assert first != second
        assert len(first) >= 32
    assert asked[0]["code_challenge_method"] == ["S256"]
    assert asked[0]["redirect_uri"] == [f"{gateway.url}/sign-in/callback"]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda visitor, back: visitor.cookies.clear(), id="begun in another browser"),
        pytest.param(lambda visitor, back: back.replace("state=", "state=x"), id="another state"),
        pytest.param(lambda visitor, back: back.replace("code=", "code=x"), id="another code"),
        pytest.param(lambda visitor, back: back.replace("iss=", "iss=https%3A%2F%2Fevil.example%2F&x="), id="another provider"),
        pytest.param(lambda visitor, back: visitor.get(back) and visitor.cookies.clear(), id="a code used twice"),
    ],
)
def test_what_comes_back_must_belong_to_this_browser_and_this_sign_in(visitor, spoil):
    back = leave(visitor)
    changed = spoil(visitor, back)

    reply = visitor.get(changed if isinstance(changed, str) else back)

    assert reply.status_code == 401
    assert "did not let you in" in reply.text
    assert "slipway=" not in reply.headers.get("set-cookie", "").replace("slipway_", "")


def test_what_the_browser_kept_cannot_be_changed(visitor):
    back = leave(visitor)
    text, _, seal = visitor.cookies["slipway_provider"].partition(".")
    kept = json.loads(base64.urlsafe_b64decode(text)) | {"wanted": "//evil.example"}
    changed = base64.urlsafe_b64encode(json.dumps(kept).encode()).decode()

    reply = visitor.get(back, headers={"Cookie": f"slipway_provider={changed}.{seal}"})

    assert reply.status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another sign-in"},
        {"aud": "another-client"},
        {"iss": "https://another.example"},
        {"exp": 1},
        {"amr": ["pwd"]},
        {"sub": ""},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_sign_in_or_without_a_second_factor_opens_nothing(visitor, provider, claims):
    provider.claims = claims

    reply = visitor.get(leave(visitor))

    assert reply.status_code == 401
    assert visitor.get("/account").status_code == 303


def test_a_person_whom_the_provider_sends_back_without_a_code_may_try_again(visitor, provider):
    provider.denies = True

    reply = visitor.get(leave(visitor))

    assert reply.status_code == 401
    assert "did not let you in" in reply.text
    assert 'href="/sign-in/provider' in reply.text


def test_without_a_provider_there_is_no_such_page(pages):
    with Visitor(pages.url) as visitor:
        assert visitor.get("/sign-in/provider").status_code == 404
        assert visitor.get("/sign-in/callback?code=x&state=y").status_code == 404
