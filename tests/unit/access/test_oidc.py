"""Tokens of a provider in place of a real one: a real HTTP server on loopback that publishes real keys."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from slipway.access import keys
from slipway.access.callers import Grant, InvalidGrantError
from slipway.access.gatekeeper import Gatekeeper
from slipway.access.oidc.provider import Provider, ProviderError
from slipway.access.refusals import AccessError, UnauthenticatedError, UndecidedError

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
ISSUER, AUDIENCE = "https://login.example.org", "slipway"


def published(**private: Any) -> str:
    """Return a key set by key id."""
    found = []
    for kid, key in private.items():
        algorithm = jwt.algorithms.ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else jwt.algorithms.RSAAlgorithm
        found.append(json.loads(algorithm.to_jwk(key.public_key())) | {"kid": kid, "use": "sig"})
    return json.dumps({"keys": found})


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "dr.who", "iat": now, "exp": now + 60, "roles": ["doctors"], "amr": ["pwd", "otp"]}
    return {name: value for name, value in (usual | changed).items() if value is not None}


def token(key: Any = RSA, algorithm: str = "RS256", kid: str | None = "one", **changed: Any) -> str:
    return jwt.encode(claims(**changed), key, algorithm, headers={"kid": kid} if kid else None)


class Front:
    """A gatekeeper that knows a provider, and the loop it runs in."""

    def __init__(self, home, website, **options: Any) -> None:
        self.website = website
        self.runner = asyncio.Runner()
        usual = {"roles": {"doctors": ("predict:heart-failure", "outcome")}, "timeout": 2.0}
        self.provider = Provider(issuer=ISSUER, audience=AUDIENCE, jwks_url=f"{website.url}/jwks.json", **usual | options)
        self.keeper = Gatekeeper(home, provider=self.provider)

    def publish(self, text: str) -> None:
        (self.website.folder / "jwks.json").write_text(text)

    def ask(self, sent: str):
        return self.runner.run(self.keeper.authenticate(b"Bearer " + sent.encode()))

    def status(self, sent: str) -> int:
        try:
            self.ask(sent)
        except AccessError as error:
            return error.status
        return 200

    def close(self) -> None:
        self.keeper.close()
        self.runner.close()


@pytest.fixture
def make(tmp_path, website) -> Iterator[Any]:
    made = []

    def front(**options: Any) -> Front:
        made.append(Front(tmp_path / "home", website, **options))
        made[-1].publish(published(one=RSA, curve=CURVE))
        return made[-1]

    yield front
    for front_ in made:
        front_.close()


@pytest.fixture
def front(make) -> Front:
    return make()


def test_a_token_authenticates_its_subject_with_the_roles_of_its_claim(front):
    caller = front.ask(token(roles=["doctors", "gardeners", 7]))

    assert (str(caller), caller.grants) == ("oidc:dr.who", {Grant("predict", "heart-failure"), Grant("outcome")})
    assert front.ask(token(CURVE, "ES256", "curve")).name == "dr.who"
    assert front.ask(token(roles=["gardeners"])).grants == set()
    assert front.website.hits == 1


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": "https://evil.example.org"}, "another issuer"),
        ({"iss": None}, "lacks a claim"),
        ({"aud": "other"}, "another audience"),
        ({"aud": None}, "lacks a claim|another audience"),
        ({"exp": int(time.time()) - 3600}, "expired"),
        ({"exp": None}, "lacks a claim"),
        ({"nbf": int(time.time()) + 3600}, "not valid yet"),
        ({"amr": ["pwd"]}, "second factor"),
        ({"amr": None}, "second factor"),
        ({"amr": {"otp": True}}, "second factor"),
        ({"sub": None}, "'sub' is not a name"),
        ({"sub": "a\nb"}, "'sub' is not a name"),
        ({"sub": ""}, "'sub' is not a name"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused_with_the_reason_and_without_itself(changed, why, front):
    sent = token(**changed)

    with pytest.raises(UnauthenticatedError, match=why) as error:
        front.ask(sent)

    assert sent.split(".")[1] not in str(error.value)
    assert front.status(token()) == 200


def test_only_the_configured_algorithms_are_accepted(front):
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    by_hand = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    head, body, _ = token().split(".")
    forged_head = jwt.utils.base64url_encode(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "one"}).encode()).decode()
    signed_with_public_key = jwt.utils.base64url_encode(by_hand.sign(f"{forged_head}.{body}".encode(), public)).decode()

    for sent in (
        token(None, "none"),
        f"{forged_head}.{body}.{signed_with_public_key}",
        token("0" * 64, "HS256"),
        token(algorithm="RS512"),
        token(CURVE, "ES256", "one"),  # the key's kind is not the token's
        f"{head}.{body}.",
        "a.b.c",
        "..",
    ):
        with pytest.raises(UnauthenticatedError):
            front.ask(sent)


def test_a_token_with_another_algorithm_costs_no_fetch(front):
    assert front.status(token("0" * 64, "HS256")) == 401
    assert front.status(token(kid=None)) == 401
    assert front.website.hits == 0


def test_another_key_under_a_known_id_is_refused(front):
    assert front.status(token(OTHER)) == 401
    assert front.status(token()) == 200


def test_unknown_keys_are_fetched_at_most_once_in_an_interval(make):
    front = make(refetch=0.5)
    assert front.status(token()) == 200

    assert [front.status(token(OTHER, kid=f"unknown-{n}")) for n in range(20)] == [401] * 20
    assert front.website.hits == 1

    front.publish(published(one=RSA, two=OTHER))
    time.sleep(0.5)  # the interval itself
    assert front.status(token(OTHER, kid="two")) == 200
    assert front.website.hits == 2


def test_a_token_is_checked_once_until_it_expires_or_access_changes(front, tmp_path, monkeypatch, until):
    sent = token(exp=int(time.time()) + 2)
    checked = []
    original = jwt.decode
    monkeypatch.setattr(jwt, "decode", lambda *given, **options: (checked.append(1), original(*given, **options))[1])

    for _ in range(5):
        front.ask(sent)
    assert len(checked) == 1

    keys.issue(tmp_path / "home", "erp", [Grant("predict")])
    until(lambda: front.ask(sent) and len(checked) > 1, seconds=1)
    assert len(checked) == 2


def test_an_expired_token_is_refused_even_if_it_is_remembered(make, until):
    front = make(leeway=0.0)
    sent = token(exp=int(time.time()) + 2)
    assert front.status(sent) == 200

    until(lambda: front.status(sent) == 401)


@pytest.mark.parametrize("page", ["", "[]", "{}", '{"keys": []}', "<html>"])
def test_a_provider_that_does_not_publish_keys_is_unavailable(page, front):
    front.publish(page)

    with pytest.raises(UndecidedError, match="the provider that signs tokens does not answer") as error:
        front.ask(token())

    assert (error.value.status, error.value.headers) == (503, ((b"retry-after", b"5"),))


def test_a_provider_that_is_down_is_asked_rarely_and_known_keys_stay_valid(make, tmp_path):
    front = make(refetch=30.0)
    key = keys.issue(tmp_path / "home", "erp", [Grant("predict")])
    front.website.status = 500

    assert [front.status(token()) for _ in range(5)] == [503] * 5
    assert front.website.hits == 1
    assert front.status(key) == 200


def test_fetched_keys_stay_valid_while_the_provider_is_down(make):
    front = make(refetch=0.1)
    assert front.status(token()) == 200
    front.website.status = 500
    time.sleep(0.1)  # the interval itself: the keys are due to be fetched again

    assert front.status(token(sub="another")) == 200
    assert front.status(token(kid="unknown")) == 503


def test_a_provider_that_never_answers_delays_callers_by_the_time_out_at_most(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/jwks"
        provider = Provider(issuer=ISSUER, audience=AUDIENCE, jwks_url=address, timeout=0.3)
        keeper = Gatekeeper(tmp_path, provider=provider)
        key = keys.issue(tmp_path, "erp", [Grant("predict")])

        async def meanwhile() -> tuple[BaseException, float]:
            waiting = asyncio.create_task(keeper.authenticate(b"Bearer " + token().encode()))
            await asyncio.sleep(0.1)
            started = time.perf_counter()
            await keeper.authenticate(b"Bearer " + key.encode())
            quick = time.perf_counter() - started
            (error,) = await asyncio.gather(waiting, return_exceptions=True)
            return error, quick

        started = time.perf_counter()
        error, quick = asyncio.run(meanwhile())

        assert isinstance(error, UndecidedError)
        assert quick < 0.1
        assert time.perf_counter() - started < 5
        keeper.close()


def test_claims_are_found_by_name_or_path_and_a_second_factor_by_any_of_its_claims(make):
    front = make(
        role_claim="realm_access.roles",
        name_claim="email",
        roles={},
        second_factor={"amr": ("mfa",), "acr": ("gold",)},
    )

    caller = front.ask(token(realm_access={"roles": ["audit", "predict:diabetes", "offline"]}, email="who@example.org", acr="gold"))

    assert (caller.name, caller.grants) == ("who@example.org", {Grant("audit"), Grant("predict", "diabetes")})
    assert front.status(token(email="who@example.org", amr=["otp"])) == 401
    dotted = make(role_claim="https://example.org/roles", second_factor={}, roles={})
    assert dotted.ask(token(amr=None, **{"https://example.org/roles": "predict outcome"})).grants == {Grant("predict"), Grant("outcome")}


def test_without_a_provider_its_tokens_are_refused_like_anything_else(tmp_path):
    with pytest.raises(UnauthenticatedError, match="unknown, expired or revoked"):
        asyncio.run(Gatekeeper(tmp_path).authenticate(b"Bearer " + token().encode()))


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"algorithms": ("HS256",)}, ProviderError, "received HS256"),
        ({"algorithms": ("RS256", "none")}, ProviderError, "received none"),
        ({"algorithms": ()}, ProviderError, "received none"),
        ({"jwks_url": "http://login.example.org/jwks"}, ProviderError, "https://"),
        ({"jwks_url": "file:///etc/passwd"}, ProviderError, "https://"),
        ({"issuer": ""}, ProviderError, "an issuer"),
        ({"audience": ""}, ProviderError, "an audience"),
        ({"roles": {"doctors": ("admin",)}}, InvalidGrantError, "'admin'"),
    ],
)
def test_a_description_of_a_provider_that_cannot_be_right_is_refused(wrong, error, words):
    with pytest.raises(error, match=words):
        Provider(**{"issuer": ISSUER, "audience": AUDIENCE, "jwks_url": "https://login.example.org/jwks"} | wrong)
