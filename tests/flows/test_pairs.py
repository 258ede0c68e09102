"""What happens when two features meet: every cell of the table in docs/in-service.md is a test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.server import approvals
from flows.promote import promote
from flows.release import release
from flows.rollback import rollback
from flows.watch import watch
from slipway.catalogue import lookup
from slipway.lifecycle import challenge, holds, mirroring, record
from slipway.lifecycle.ledger import Ledger
from slipway.monitoring.journal import Journal, Switch
from slipway.tracking import registry
from slipway.tracking.connection import connect
from tasks import approval as asking
from tests.flows.conftest import wait_until

MODEL = "heart-failure"
QUICK = {"sample": True, "trials": 1, "jobs": 1}
pytestmark = pytest.mark.timeout(600)

PAGE = Path(__file__).parents[2] / "docs" / "in-service.md"


def table() -> dict[tuple[str, str], list[str]]:
    """Return the cells by row and column: what happens, and what follows from it."""
    section = PAGE.read_text().split("\n## One beside the other\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    (_, *columns), _, *rest = rows
    return {(row, column): cell.split("; ") for row, *cells in rest for column, cell in zip(columns, cells, strict=True)}


TABLE = table()


@dataclass
class Meeting:
    """A place in which one feature is under way when another begins."""

    place: Any
    service: Any
    started_by: Callable[..., Any]
    waiting: Any = None
    gateways: list[subprocess.Popen[bytes]] = field(default_factory=list)

    spec = lookup(MODEL)

    @property
    def settings(self):
        return self.place.settings

    @property
    def version(self) -> int:
        found = record.in_service(self.spec, self.settings)
        assert found
        return found.version

    def answers(self) -> dict[str, Any]:
        url, key = f"{self.settings.gateway_url}/models/{MODEL}", {"Authorization": f"Bearer {self.place.key}"}
        return httpx.get(url, headers=key).json()

    def mlflow(self):
        return connect(self.settings)


# rows: what is under way, with versions 1 and 2, of which 2 is in service


def challenged(meeting: Meeting) -> None:
    with registry.bundle_of(meeting.mlflow(), meeting.spec.registered_as, 1) as bundle:
        challenge.begin(meeting.spec, bundle, 0.3, meeting.settings)


def rolled_back(meeting: Meeting) -> None:
    meeting.service.promote(3)
    assert rollback(MODEL, because="it calls everybody healthy", to=2, return_state=True).name == "RolledBack"


def frozen(meeting: Meeting) -> None:
    Journal(meeting.settings.ledger).add(Switch(model=MODEL, frozen=True, why="the ward is moving"))


def moved_by_hand(meeting: Meeting) -> None:
    meeting.mlflow().set_registered_model_alias(meeting.spec.registered_as, registry.CHAMPION, "1")
    meeting.mlflow().transition_model_version_stage(meeting.spec.registered_as, "1", "Production", archive_existing_versions=True)


WAITS = "a release waits for approval"
ROWS: dict[str, Callable[[Meeting], None]] = {
    "a challenger has a share of the traffic": challenged,
    WAITS: lambda _: None,  # begun by the test, which sees to its end
    "a person's rollback or rejection holds": rolled_back,
    "alarms are frozen": frozen,
    "alias and stage were moved by hand": moved_by_hand,
}

# columns: what begins then


def restart(meeting: Meeting) -> None:
    meeting.place.gateway.kill()
    meeting.place.gateway.wait()
    meeting.gateways.append(subprocess.Popen([sys.executable, "-m", "slipway.gateway"], env=os.environ.copy()))


COLUMNS: dict[str, Callable[[Meeting], Any]] = {
    "release by a person": lambda _: release(MODEL, return_state=True, **QUICK),
    "release by a schedule or an alarm": lambda meeting: meeting.started_by("schedule", release, name=MODEL, **QUICK),
    "rollback": lambda _: rollback(MODEL, because="as before", to=1, return_state=True),
    "promote": lambda _: promote(MODEL, because="right more often", version=1, return_state=True),
    "watch": lambda _: watch(MODEL, return_state=True),
}
RESTART = "restart of the gateway"
ENDS = {
    "goes on": {"Promoted", "RolledBack", "Steady", "Unjudged", "Suspect"},
    "declined": {"Declined"},
    "held": {"Held"},
}

# what follows, by the words of the table


def put_into_service(meeting: Meeting) -> None:
    assert meeting.version == meeting.answers()["version"] != 2
    assert mirroring.disagreements(meeting.spec, meeting.settings) == []


def nothing_changes(meeting: Meeting) -> None:
    assert meeting.version == meeting.answers()["version"] == 2


def challenger_stays(meeting: Meeting) -> None:
    wait_until(lambda: meeting.answers()["challenger"], "the challenger answers, after the version in service")
    assert meeting.answers()["challenger"]["version"] == 1
    assert registry.state(meeting.mlflow(), meeting.spec.registered_as).aliases["challenger"] == 1


def challenge_ends(meeting: Meeting) -> None:
    assert meeting.answers().get("challenger") is None
    assert "challenger" not in registry.state(meeting.mlflow(), meeting.spec.registered_as).aliases


def approval_waits(meeting: Meeting) -> None:
    assert not meeting.waiting.done()


def approval_is_rejected(meeting: Meeting) -> None:
    asked = approvals.waiting(meeting.settings, MODEL)[0]
    approvals.answer(meeting.settings, asked, approved=True, who="Ada", why="the figures hold")
    state = meeting.waiting.result(timeout=120)
    assert (state.name, state.result().decision.who) == ("Rejected", "slipway")


def why_held(meeting: Meeting) -> str:
    entries = Ledger(meeting.settings.ledger).history(MODEL)
    return holds.why_held(entries, record.of_entries(MODEL, entries, meeting.settings))


def holds_on(meeting: Meeting) -> None:
    assert "rolled back to version " in why_held(meeting)


def hold_ends(meeting: Meeting) -> None:
    assert why_held(meeting) == ""


def stays_frozen(meeting: Meeting) -> None:
    assert Journal(meeting.settings.ledger).frozen(MODEL) == "the ward is moving"


def stays_moved(meeting: Meeting) -> None:
    assert "the alias champion is on version 1 instead of on version 2" in mirroring.disagreements(meeting.spec, meeting.settings)


FOLLOWS: dict[str, Callable[[Meeting], None]] = {
    "its version answers": put_into_service,
    "version, alias and stage are its own": put_into_service,
    "nothing changes": nothing_changes,
    "the challenger stays": challenger_stays,
    "the challenge ends": challenge_ends,
    "the approval waits": approval_waits,
    "an approval then counts as rejected": approval_is_rejected,
    "the hold stays": holds_on,
    "the hold ends": hold_ends,
    "alarms stay frozen": stays_frozen,
    "the move waits for the watchman": stays_moved,
}


@pytest.fixture
def meeting(place, service, started_by, monkeypatch) -> Iterator[Meeting]:
    monkeypatch.setattr(asking, "POLL", 0.2)
    monkeypatch.setenv("SLIPWAY_APPROVAL_HOURS", "0.1")  # what a test that fails leaves waiting ends by itself
    service.promote(1)
    service.promote(2)
    yield (met := Meeting(place, service, started_by))
    for gateway in met.gateways:
        gateway.kill()
        gateway.wait()


def test_the_table_is_whole():
    assert {row for row, _ in TABLE} == set(ROWS)
    assert {column for _, column in TABLE} == {*COLUMNS, RESTART}
    assert {effect for effect, *_ in TABLE.values()} <= set(ENDS)
    assert all(follows and set(follows) <= set(FOLLOWS) for _, *follows in TABLE.values())


@pytest.mark.parametrize(
    ("row", "column"),
    [pytest.param(row, column, id=f"{row} x {column}", marks=[pytest.mark.drill] if row == WAITS else []) for row, column in TABLE],
)
def test_cell(place, meeting, begin, waits, until, row, column):
    effect, *follows = TABLE[row, column]
    ROWS[row](meeting)
    if row == WAITS:
        meeting.waiting = begin(release, MODEL, approval=True, **QUICK)
        waits()

    if column == RESTART:
        restart(meeting)
        until(lambda: reachable(meeting), "the gateway answers again")
    else:
        state = COLUMNS[column](meeting)
        assert state.name in ENDS[effect], state.message

    for words in follows:
        FOLLOWS[words](meeting)
    if meeting.waiting and not meeting.waiting.done():
        approvals.answer(place.settings, waits(), approved=False, who="Ada", why="the test ends")
        assert meeting.waiting.result(timeout=120).name == "Rejected"


def reachable(meeting: Meeting) -> bool:
    try:
        return bool(meeting.answers().get("version"))
    except httpx.TransportError:
        return False
