"""`slipway up` on a home folder that an earlier Slipway left. `tests/data/earlier_home.sh` says how it was made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deployments.server.prefect_api import PrefectServer
from slipway.backup.restoring import restore
from slipway.data import samples
from slipway.spec import ModelSpec
from tests.platform.conftest import MODEL, Operator, operator_of
from tests.support.homes import relocate

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]

ARCHIVE = Path(__file__).parents[1] / "data" / "earlier_home.tar.gz"


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Somebody who restored the home folder and started the platform of today in it."""
    person = operator_of(tmp_path_factory.mktemp("earlier") / "home")
    backup, _ = restore(ARCHIVE, person.home)
    relocate(person.home, backup.home, str(person.home))
    try:
        person.slipway("up")
        yield person
    finally:
        person.slipway("down")


def version_that_answers(operator: Operator, heart: ModelSpec) -> str:
    rows = samples.draw(heart, samples.statistics(heart)).head(3)[heart.columns.names].astype(object).to_dict(orient="records")
    url, key = f"{operator.settings.gateway_url}/models/{MODEL}/predict", operator.settings.api_key
    assert key is not None
    answer = httpx.post(url, json={"rows": rows}, headers={"Authorization": f"Bearer {key.get_secret_value()}"})
    return answer.raise_for_status().headers["X-Slipway-Version"]


def test_the_version_that_was_promoted_answers_under_the_key_of_then(operator, heart):
    assert version_that_answers(operator, heart) == "2"


def test_the_history_is_shown_and_nothing_waits_for_approval(operator):
    assert [(entry["event"], entry["version"]) for entry in operator.history()] == [("promoted", 1), ("approved", 2), ("promoted", 2)]
    assert json.loads(operator.slipway("approvals", "--json").stdout) == []


def test_the_schedule_that_was_switched_on_still_is_and_all_deployments_are_kept(operator):
    with PrefectServer(f"{operator.settings.prefect_url}/api") as server:
        schedules = server.call("GET", f"/deployments/name/release/{MODEL}")["schedules"]
    assert [(one["schedule"]["cron"], one["active"]) for one in schedules] == [("0 3 1 * *", True)]
    deployments = json.loads(operator.slipway("deploy", "--dry-run", "--json").stdout)
    assert {one["action"] for one in deployments} == {"keep"}


def test_it_is_rolled_back(operator, heart):
    rolled = json.loads(operator.slipway("rollback", MODEL, "--because", "to see whether it can be", "--json").stdout)

    assert (rolled["outcome"], rolled["candidate"]["version"], rolled["previous"]) == ("rolled back", 1, 2)
    assert version_that_answers(operator, heart) == "1"
    assert operator.history()[-1]["event"] == "rolled back"
