"""A request is checked in the order of the table in docs/security.md: what breaks several rules is refused by the first of them."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from slipway.access import keys
from slipway.access.callers import Grant

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
MEGABYTES = b" " * (11 * 2**20)
STEPS = re.findall(r"^\| (\d+) \| (.+?) \| ([\d, ]+)(?: <!--.*?-->)? \|$", PAGE.read_text(), re.MULTILINE)
RATE, HTTP, LENGTH, PATH, CREDENTIAL, CALLER, ROLE, CODING, SIZE, TYPE, CELLS = range(1, 12)


def test_the_table_has_these_steps():
    assert [int(number) for number, _, _ in STEPS] == list(range(RATE, CELLS + 1))


@pytest.fixture
def strict(cold_gateway, bundles, until):
    """A gateway that takes two requests of a caller and 200 of an address."""
    (cold_gateway.home / ".env").write_text("SLIPWAY_RATE_PER_CALLER=2/hour\nSLIPWAY_RATE_PER_ADDRESS=200/hour\n")
    cold_gateway.point_at(bundles["toy-1"])
    cold_gateway.start()
    until(lambda: httpx.get(f"{cold_gateway.url}/models/toy/ping").is_success)
    return cold_gateway


def test_what_breaks_a_rule_and_all_later_ones_is_refused_by_that_rule(strict):
    key = {CALLER: keys.issue(strict.home, "spent", [Grant("audit")]), ROLE: keys.issue(strict.home, "auditor", [Grant("audit")])}
    with httpx.Client(base_url=strict.url, timeout=30) as client:

        def ask(first: int) -> httpx.Response:
            """Send a request that breaks the rule of this step and of all that follow."""
            headers = [("Content-Type", "application/xml" if first <= TYPE else "application/json")]
            if first <= HTTP:
                headers.append(("Content-Type", "application/json"))
            if first > CREDENTIAL:
                own = key.get(first) or keys.issue(strict.home, f"caller-{first}", [Grant("predict")])
                headers.append(("Authorization", f"Bearer {own}"))
            if first <= CODING:
                headers.append(("Content-Encoding", "br"))
            path = "/nothing" if first <= PATH else "/models/toy/invocations"
            large = MEGABYTES if first <= LENGTH else (MEGABYTES[: 2**20] for _ in range(11))
            content = large if first <= SIZE else b'{"inputs": [[30, 0.0, "X"]]}'
            return client.post(path, content=content, headers=headers)

        spent = {"Authorization": f"Bearer {key[CALLER]}"}
        assert [client.get("/models", headers=spent).status_code for _ in range(3)] == [200, 200, 429]
        replies = {step: ask(step) for step in range(HTTP, CELLS + 1)}
        assert any(client.get("/ping").status_code == 429 for _ in range(201))  # the rate of the address is for open paths too
        replies[RATE] = ask(RATE)

    for number, what, statuses in STEPS:
        reply = replies[int(number)]
        assert str(reply.status_code) in statuses.split(", "), (what, reply.text)
        assert reply.json().keys() >= {"error_code", "message"}
    assert "from one address" in replies[RATE].json()["message"]
    assert replies[CELLS].json()["violations"]
