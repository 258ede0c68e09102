"""The version that was in service before, and which versions a rollback may restore, according to the ledger."""

from __future__ import annotations

import pytest

from slipway.errors import RollbackError
from slipway.lifecycle.ledger import LedgerEntry, LedgerEvent, entry
from slipway.lifecycle.reasons import reason
from slipway.lifecycle.record import InService, before
from slipway.lifecycle.rollback import candidate_of, require_service
from slipway.records import Candidate, RegistryState

MODEL = "heart-failure"
RUN = "0123456789abcdef" * 2


def now(version: int, run_id: str = RUN) -> InService:
    return InService(MODEL, version, run_id, served=True, contract=None, entry=None)


def registry(champion: int = 0, previous: int = 0, **stages: str) -> RegistryState:
    aliases = {alias: version for alias, version in (("champion", champion), ("previous", previous)) if version}
    stages_of = {int(version[1:]): stage for version, stage in stages.items()}
    return RegistryState(registered_as="heart_failure_logistic", aliases=aliases, stages=stages_of)


@pytest.fixture
def history(candidate: Candidate):
    """Make entries of (event, version), oldest first."""

    def make(*happened: tuple[LedgerEvent, int]) -> list[LedgerEntry]:
        return [
            entry(event, candidate.model_copy(update={"version": version}), previous=None, aliases=[], stage="", why=f"why {event}")
            for event, version in happened
        ]

    return make


def test_the_version_before_is_the_one_that_was_in_service_last(history):
    entries = history(("promoted", 1), ("promoted", 2), ("undone", 3), ("refused", 4), ("promoted", 5), ("refused", 6))

    found = before(entries, now(5))

    assert found is not None
    assert found.version == 2


@pytest.mark.parametrize(("version", "length", "expected"), [(3, 4, 1), (1, 3, 2)])
def test_a_version_that_came_back_counts_as_in_service_from_then_on(history, version, length, expected):
    entries = history(("promoted", 1), ("promoted", 2), ("rolled back", 1), ("promoted", 3))[:length]

    found = before(entries, now(version))

    assert found is not None
    assert found.version == expected


@pytest.mark.parametrize("happened", [[], [("promoted", 1)], [("refused", 1), ("undone", 2), ("promoted", 3)]])
def test_the_first_version_in_service_has_none_before_it(history, happened):
    assert before(history(*happened), now(3 if len(happened) == 3 else 1)) is None


def test_the_same_number_of_another_run_is_another_version(history):
    """A new registry begins at version 1 again; the ledger goes on."""
    entries = history(("promoted", 1), ("promoted", 2))
    entries.append(entries[0].model_copy(update={"run_id": "f" * 32}))

    found = before(entries, now(1, "f" * 32))

    assert found is not None
    assert (found.version, found.run_id) == (2, RUN)


def test_a_version_that_was_in_service_may_come_back(history):
    for event in ("promoted", "rolled back"):
        require_service(MODEL, 2, RUN, history((event, 2), ("refused", 2)), registry())


@pytest.mark.parametrize("known", [registry(3, v2="Archived"), registry(3, previous=2, v2="None"), registry(2, v2="Production")])
def test_a_version_that_another_host_promoted_may_come_back(known):
    require_service(MODEL, 2, RUN, [], known)


@pytest.mark.parametrize("event", ["refused", "undone", "approved", "rejected"])
def test_a_version_that_never_was_in_service_is_refused_with_what_is_known_of_it(history, event):
    with pytest.raises(RollbackError, match=f"version 2 was never in service.*the ledger says: {event}, why {event}"):
        require_service(MODEL, 2, RUN, history((event, 2)), registry(3, v2="Staging"))


def test_a_line_about_another_run_under_the_same_number_counts_for_nothing(history):
    with pytest.raises(RollbackError, match="version 2 was never in service"):
        require_service(MODEL, 2, "f" * 32, history(("promoted", 2)), registry(3, v2="Staging"))


def test_an_earlier_version_has_the_trust_that_its_release_recorded(heart, candidate, contract_of):
    contract = contract_of(version=2)
    trusting = candidate.model_copy(update={"trusted": ["lightgbm.basic.Booster"], "run_id": contract.run_id})
    lines = [entry("promoted", one, previous=None, aliases=[], stage="", why="") for one in (trusting, candidate)]

    assert candidate_of(heart, 2, contract, contract.run_id, lines[:1]).trusted == ["lightgbm.basic.Booster"]
    assert candidate_of(heart, 2, contract, contract.run_id, []).trusted == []
    assert LedgerEntry.model_validate_json(lines[0].model_dump_json()).trusted == ["lightgbm.basic.Booster"]
    earlier = lines[1].model_dump(exclude={"trusted"})  # as written before there was any trust
    assert LedgerEntry.model_validate(earlier).trusted == []


def test_a_reason_is_written_in_one_line():
    assert reason("  it refuses\n every row ") == "it refuses every row"


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_a_blank_reason_is_refused(blank):
    with pytest.raises(RollbackError, match="--because"):
        reason(blank)
