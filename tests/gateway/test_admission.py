"""Callers and their rights, over HTTP, at the running gateway."""

from __future__ import annotations

import asyncio
import json
import statistics
import time

import httpx
import jwt
import pyotp
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from slipway import audit
from slipway.access import keys, users
from slipway.access.callers import Grant
from slipway.access.gatekeeper import Gatekeeper
from slipway.access.refusals import UnauthenticatedError

ROW = {"inputs": [[30, 0.0, "F"]]}
PASSWORD = "a long sentence nobody guesses"


def sign_in(gateway, name, password, code=None):
    sent = {"name": name, "password": password} | ({"code": code} if code else {})
    return httpx.post(f"{gateway.url}/sessions", json=sent)


def as_(token):
    return {"Authorization": f"Bearer {token}"}


def key_of(gateway, *roles):
    return as_(keys.issue(gateway.home, "-".join(roles).replace(":", "."), [Grant.parse(role) for role in roles]))


def predicts(gateway, headers, model="toy"):
    return httpx.post(f"{gateway.url}/models/{model}/invocations", json=ROW, headers=headers).status_code


def test_a_password_buys_a_token_that_predicts_until_it_is_given_back(serving):
    users.add(serving.home, "anna", PASSWORD, [Grant("predict", "toy")])

    reply = sign_in(serving, "anna", PASSWORD)

    assert reply.status_code == 200
    assert 0 < reply.json()["expires_in"] <= 15 * 60
    token = as_(reply.json()["token"])
    assert predicts(serving, token) == 200
    assert httpx.delete(f"{serving.url}/sessions", headers=token).json() == {"closed": True}
    assert predicts(serving, token) == 401
    [line] = audit.read(serving.home, "toy", 10)
    assert line.key == "user:anna"
    acts = [(act.who, act.what) for act in audit.administration(serving.home, audit.Wanted())]
    assert sorted(acts) == [("user:anna", "signed in"), ("user:anna", "signed out")]


def test_a_second_factor_is_asked_for_and_good_for_one_use(serving):
    uri = users.add(serving.home, "anna", PASSWORD, [Grant("predict")], with_second_factor=True)
    code = pyotp.parse_uri(uri).now()

    without, right, again = (
        sign_in(serving, "anna", PASSWORD),
        sign_in(serving, "anna", PASSWORD, code),
        sign_in(serving, "anna", PASSWORD, code),
    )

    assert (without.status_code, right.status_code, again.status_code) == (401, 200, 401)
    assert without.json()["message"] == again.json()["message"]


def test_guessing_is_slowed_down_and_does_not_show_which_users_exist(serving):
    users.add(serving.home, "anna", PASSWORD, [Grant("predict")])

    replies = {name: [sign_in(serving, name, f"wrong {number}") for number in range(5)] for name in ("anna", "nobody")}

    for answers in replies.values():
        assert [reply.status_code for reply in answers][:4] == [401] * 4
        assert answers[4].status_code == 429
        assert int(answers[4].headers["retry-after"]) >= 1
    assert replies["anna"][0].json()["message"] == replies["nobody"][0].json()["message"]
    assert serving.ask(ROW).status_code == 200  # keys go on


@pytest.mark.parametrize(
    ("roles", "status"), [(["predict"], 200), (["predict:toy"], 200), (["predict:other"], 403), (["outcome", "audit:toy", "operate"], 403)]
)
def test_a_role_is_for_a_model_or_for_all(serving, roles, status):
    reply = httpx.post(
        f"{serving.url}/models/toy/predict", json={"row": {"Age": 30, "Oldpeak": 0.0, "Sex": "F"}}, headers=key_of(serving, *roles)
    )

    assert reply.status_code == status
    if status == 403:
        assert reply.json()["error_code"] == "PERMISSION_DENIED"
        assert "keys roles" in reply.json()["message"]


def test_a_caller_sees_only_models_for_which_it_has_a_role(serving, bundles, free_port):
    serving.serve(bundles["words-1"], "words", free_port())
    headers = key_of(serving, "predict:words")

    listed = httpx.get(f"{serving.url}/models", headers=headers).json()

    assert [found["model"] for found in listed] == ["words"]
    assert httpx.get(f"{serving.url}/models/toy", headers=headers).status_code == 403
    assert httpx.get(f"{serving.url}/models/words", headers=headers).status_code == 200


def test_metrics_are_for_the_role_operate_and_health_is_for_everybody(serving):
    serving.ask(ROW)
    serving.ask({"inputs": []})

    assert httpx.get(f"{serving.url}/metrics").status_code == 401
    assert httpx.get(f"{serving.url}/metrics", headers=key_of(serving, "predict")).status_code == 403
    metrics = httpx.get(f"{serving.url}/metrics", headers=key_of(serving, "operate"))

    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'slipway_requests_total{endpoint="invocations",model="toy",status="200",worker="0"} 1.0' in metrics.text
    assert 'slipway_refusals_total{kind="BAD_REQUEST",worker="0"} 1.0' in metrics.text
    assert 'slipway_rows_total{model="toy",worker="0"} 1.0' in metrics.text
    assert httpx.get(f"{serving.url}/health/live").json() == {"status": "live"}
    assert httpx.get(f"{serving.url}/health/ready").json()["status"] == "ready"


def test_a_refused_request_is_logged_with_caller_and_reason_and_no_value(serving, until):
    httpx.post(f"{serving.url}/models/toy/invocations?name=secret", json=ROW)
    serving.ask({"inputs": [[7777, 0.0, "F"]]})

    def logged():
        lines = [line for line in audit.refusals(serving.home, audit.Wanted()) if line.path.endswith("/invocations")]
        return len(lines) == 2 and lines

    found = until(logged)

    assert sorted((line.key, line.status, line.code, line.violations) for line in found) == [
        ("", 401, "UNAUTHENTICATED", 0),
        ("key:tester", 400, "BAD_REQUEST", 1),
    ]
    assert not any(secret in str(found) for secret in ("secret", "7777"))


def test_a_sign_in_that_cannot_be_read_is_refused_without_quoting_it(serving):
    for content in (b"[]", b'{"name": "anna"}', b'{"name": "anna", "password": 7}', b'{"password": "hush hush', b"\xff"):
        reply = httpx.post(f"{serving.url}/sessions", content=content, headers={"content-type": "application/json"})
        assert reply.status_code == 400
        assert "hush" not in reply.text
    assert httpx.post(f"{serving.url}/sessions", content=b" " * 5_000, headers={"content-type": "application/json"}).status_code == 413


def test_every_answer_has_the_security_headers_and_the_rest_of_the_limit(serving):
    for reply in (serving.ask(ROW), httpx.get(f"{serving.url}/ping"), httpx.get(f"{serving.url}/nothing")):
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"
    assert serving.ask(ROW).headers["ratelimit-limit"] == "60000"


def test_how_long_a_wrong_key_takes_says_nothing_about_right_ones(tmp_path):
    """One that lacks the last letter of a right key is refused in the time of any other: medians of many, asked in turn."""
    right = keys.issue(tmp_path, "clinic", [Grant("predict")])
    near, far = right[:-1] + ("a" if right[-1] != "a" else "b"), keys.generate()
    times = {near: [], far: []}

    async def ask():
        gatekeeper = Gatekeeper(tmp_path)
        for key in [near, far] * 1_500:
            started = time.perf_counter()
            with pytest.raises(UnauthenticatedError):
                await gatekeeper.authenticate(f"Bearer {key}".encode())
            times[key].append(time.perf_counter() - started)
        gatekeeper.close()

    asyncio.run(ask())

    assert 0.7 < statistics.median(times[near]) / statistics.median(times[far]) < 1.4


def test_an_identity_provider_that_cannot_be_right_stops_the_start(cold_gateway):
    (cold_gateway.home / ".env").write_text(
        "SLIPWAY_OIDC_ISSUER=https://id.example\nSLIPWAY_OIDC_AUDIENCE=slipway\nSLIPWAY_OIDC_JWKS_URL=http://id.example/keys\n"
    )

    cold_gateway.run()

    assert cold_gateway.process.wait(timeout=20) == 1
    assert "https://" in cold_gateway.log()


def test_a_providers_token_predicts_with_a_second_factor_and_the_role_its_claim_means(cold_gateway, bundles, website):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    published = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "one", "use": "sig"}
    (website.folder / "jwks.json").write_text(json.dumps({"keys": [published]}))
    (cold_gateway.home / ".env").write_text(
        f"SLIPWAY_OIDC_ISSUER=https://id.example\nSLIPWAY_OIDC_AUDIENCE=slipway\nSLIPWAY_OIDC_JWKS_URL={website.url}/jwks.json\n"
        'SLIPWAY_OIDC_ROLES={"doctors": ["predict:toy"]}\n'
    )
    cold_gateway.start().serve(bundles["toy-1"])

    def token(**changed):
        now = int(time.time())
        usual = {"iss": "https://id.example", "aud": "slipway", "sub": "dr.who", "iat": now, "exp": now + 60, "amr": ["otp"]}
        return as_(jwt.encode({**usual, "roles": ["doctors"]} | changed, key, "RS256", headers={"kid": "one"}))

    assert predicts(cold_gateway, token()) == 200
    assert predicts(cold_gateway, token(amr=["pwd"])) == 401
    assert predicts(cold_gateway, token(roles=["gardeners"])) == 403
    assert predicts(cold_gateway, token(aud="another")) == 401
    [line] = audit.read(cold_gateway.home, "toy", 10)
    assert line.key == "oidc:dr.who"
