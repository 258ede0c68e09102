"""The version that a rollback goes back to, according to registry and ledger."""

from __future__ import annotations

import pytest

from slipway.errors import RollbackError
from slipway.lifecycle.ledger import LedgerEntry, LedgerEvent, entry
from slipway.lifecycle.reasons import reason
from slipway.lifecycle.rollback import before, require_service
from slipway.records import Candidate, RegistryState

MODEL = "heart-failure"


def state(champion: int, previous: int | None = None, **stages: str) -> RegistryState:
    aliases = {"champion": champion} | ({} if previous is None else {"previous": previous})
    return RegistryState(
        registered_as="heart_failure_logistic", aliases=aliases, stages={int(version[1:]): stage for version, stage in stages.items()}
    )


@pytest.fixture
def history(candidate: Candidate):
    """Make entries of (event, version), oldest first."""

    def make(*happened: tuple[LedgerEvent, int]) -> list[LedgerEntry]:
        return [
            entry(event, candidate.model_copy(update={"version": version}), previous=None, aliases=[], stage="", why=f"why {event}")
            for event, version in happened
        ]

    return make


def test_the_alias_previous_is_the_version_before(history):
    assert before(MODEL, state(3, previous=1), history(("promoted", 1), ("promoted", 2), ("promoted", 3))) == 1


def test_without_the_alias_it_is_the_version_that_the_ledger_says_was_in_service_before(history):
    entries = history(("promoted", 1), ("promoted", 2), ("undone", 3), ("refused", 4), ("promoted", 5), ("refused", 6))

    assert before(MODEL, state(5), entries) == 2


def test_a_version_that_came_back_counts_as_in_service_from_then_on(history):
    entries = history(("promoted", 1), ("promoted", 2), ("rolled back", 1), ("promoted", 3))

    assert before(MODEL, state(3), entries) == 1
    assert before(MODEL, state(1), entries[:3]) == 2


@pytest.mark.parametrize("happened", [[], [("promoted", 1)], [("refused", 1), ("undone", 2), ("promoted", 3)]])
def test_the_first_version_in_service_has_none_before_it(history, happened):
    champion = 3 if len(happened) == 3 else 1

    with pytest.raises(RollbackError, match=rf"no version was in service before version {champion}.*slipway history heart-failure.*--to"):
        before(MODEL, state(champion), history(*happened))


def test_a_version_that_was_in_service_may_come_back(history, candidate):
    for event in ("promoted", "rolled back"):
        require_service(candidate, state(3, s2="Archived"), history((event, 2), ("refused", 2)))


@pytest.mark.parametrize("known", [state(3, s2="Archived"), state(3, previous=2, s2="None"), state(2, s2="Production")])
def test_a_version_that_another_host_promoted_may_come_back(candidate, known):
    require_service(candidate, known, [])


@pytest.mark.parametrize("event", ["refused", "undone", "approved", "rejected"])
def test_a_version_that_never_was_in_service_is_refused_with_what_is_known_of_it(history, candidate, event):
    with pytest.raises(RollbackError, match=f"version 2 was never in service.*the ledger says: {event}, why {event}"):
        require_service(candidate, state(3, s2="Staging"), history((event, 2)))


def test_a_line_about_another_run_under_the_same_number_counts_for_nothing(history, candidate):
    """A new registry begins at version 1 again; the ledger goes on."""
    with pytest.raises(RollbackError, match="version 2 was never in service"):
        require_service(candidate.model_copy(update={"run_id": "f" * 32}), state(3, s2="Staging"), history(("promoted", 2)))


def test_a_reason_is_written_in_one_line():
    assert reason("  it refuses\n every row ") == "it refuses every row"


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_a_blank_reason_is_refused(blank):
    with pytest.raises(RollbackError, match="--because"):
        reason(blank)
