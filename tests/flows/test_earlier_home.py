"""A home folder that an earlier Slipway left works with today's code. `tests/data/earlier_home.sh` says how it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from flows.release import release
from flows.rollback import rollback
from slipway import audit
from slipway.access import records
from slipway.audit import Wanted, disclosure
from slipway.backup.restoring import restore
from slipway.bundle.reading import read
from slipway.bundle.store.active import active
from slipway.lifecycle.ledger import Ledger
from slipway.settings import Settings
from tests.flows.conftest import MODEL, Place, move_endpoint, serve
from tests.support.homes import relocate

ARCHIVE = Path(__file__).parents[1] / "data" / "earlier_home.tar.gz"


@pytest.fixture(scope="module")
def earlier(prefect_server: str, tmp_path_factory: pytest.TempPathFactory, free_ports: Callable[[int], list[int]]) -> Iterator[Place]:
    """The home folder, restored here, with a gateway of today that serves it under the key of then."""
    home = tmp_path_factory.mktemp("earlier") / "home"
    backup, _ = restore(ARCHIVE, home)
    relocate(home, backup.home, str(home))
    key = Settings(_env_file=home / "credentials.env").api_key
    assert key is not None
    with pytest.MonkeyPatch.context() as patch, serve(home, key.get_secret_value(), prefect_server, free_ports(2), patch) as opened:
        move_endpoint(opened)
        yield opened


def asked(place: Place, **column: str) -> httpx.Response:
    """Send the rows that the bundle in service was measured on."""
    pointer = active(place.settings.bundles, MODEL)
    assert pointer is not None
    bundle = read(place.settings.bundles / MODEL / pointer.bundle)
    rows = [dict(zip([column.name for column in bundle.contract.columns], row, strict=True)) for row in bundle.probe.rows]
    url, headers = f"{place.settings.gateway_url}/models/{MODEL}/predict", {"Authorization": f"Bearer {place.key}"}
    answer = httpx.post(url, json={"rows": [row | column for row in rows]}, headers=headers).raise_for_status()
    assert [one["label"] for one in answer.json()["predictions"]] == bundle.probe.labels
    return answer


def test_the_promoted_version_answers_as_it_was_measured_and_the_key_counts(earlier):
    assert asked(earlier).headers["X-Slipway-Version"] == "2"
    assert "clinic" in records.read(earlier.home).keys


def test_the_history_and_the_approval_are_shown(earlier):
    history = earlier.history()

    assert [(entry["event"], entry["version"], entry["previous"]) for entry in history] == [
        ("promoted", 1, None),
        ("approved", 2, 1),
        ("promoted", 2, 1),
    ]
    assert history[1]["why"] == "the figures hold"


def test_the_log_is_read_with_its_refusals_outcomes_and_subjects(earlier):
    def lines() -> list[audit.Line]:
        pseudonyms = disclosure.pseudonyms(earlier.home, earlier.home, "Ada", "P-03")
        return audit.predictions(earlier.home, Wanted(model=MODEL, pseudonyms=pseudonyms))

    (line,) = lines()
    assert disclosure.reveal(earlier.home, earlier.home, "Ada", [line]) == {line.prediction_id: "P-03"}
    assert [outcome.label for outcome in audit.history(earlier.home, line.prediction_id)] == [1]
    assert audit.refusals(earlier.home, Wanted())
    assert any(act.about.startswith("clinic") for act in audit.administration(earlier.home, Wanted()))
    asked(earlier, subject="P-03")
    assert len(lines()) == 41


def test_it_is_rolled_back_and_released_again(earlier):
    back = rollback(MODEL, because="to see whether it can be", return_state=True)

    assert back.name == "RolledBack"
    assert asked(earlier).headers["X-Slipway-Version"] == "1"
    state = release(MODEL, sample=True, trials=2, jobs=1, return_state=True)
    assert (state.name, state.result().candidate.version, state.result().tuned.trials) == ("Promoted", 3, 2)
    assert [entry.event for entry in Ledger(earlier.settings.ledger).history(MODEL)][3:] == ["rolled back", "promoted"]
