"""A promotion, a rollback, a reconciliation and a move by hand, killed at each of their writes: one of two legal states, and it is said.

The cases are generated: a command is started again and again, and killed at its first write, its second, and so on, until it ends unkilled.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psutil
import pytest
from prefect.client.schemas import FlowRun
from prefect.states import Crashed
from typer.testing import CliRunner

from deployments.cli import app
from flows.promote import promote
from flows.recovery import put_back
from flows.rollback import rollback
from slipway.access import keys
from slipway.bundle.reading import read
from slipway.bundle.store.active import active
from slipway.bundle.store.challenger import challenged
from slipway.catalogue import lookup
from slipway.lifecycle import challenge
from slipway.lifecycle.ledger import IN_SERVICE, Ledger, LedgerEntry
from slipway.tracking import registry
from slipway.tracking.connection import connect
from tests.flows.conftest import Place, move_endpoint, serve, wait_until
from tests.support.homes import copy_home
from tests.support.processes import started, started_command
from tests.support.writes import KilledAt

MODEL, NAME = "heart-failure", "heart_failure_logistic"
WHY = {"because": "version 2 calls everybody healthy"}
pytestmark = [
    pytest.mark.drill,
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("ignore:``mlflow.tracking.client.MlflowClient.transition_model_version_stage`` is deprecated"),
]


@dataclass(frozen=True)
class Command:
    """What is killed, the same command once more, in this process, and what a person did before."""

    start: Callable[[KilledAt], BaseProcess]
    again: Callable[[], object]
    before: Callable[[Place], object] = lambda _: None
    is_run: bool = True  # of a flow, after which the worker puts back


def reconciled(*options: str) -> int:
    return CliRunner().invoke(app, ["reconcile", MODEL, *options], catch_exceptions=False).exit_code


def promoted_again() -> object:
    return promote(MODEL, version=1, return_state=True, **WHY)


def move_by_hand(place: Place) -> None:
    client = connect(place.settings)
    client.transition_model_version_stage(NAME, "1", registry.PRODUCTION, archive_existing_versions=True)
    client.set_registered_model_alias(NAME, registry.CHAMPION, "1")


def challenge_by_hand(place: Place) -> None:
    with registry.bundle_of(connect(place.settings), NAME, 1) as bundle:
        challenge.begin(lookup(MODEL), bundle, 0.0, place.settings)


COMMANDS = {
    "rollback": Command(
        lambda at: started("rollback", MODEL, killed_at=at, **WHY), lambda: rollback(MODEL, to=1, return_state=True, **WHY)
    ),
    "promotion of a challenger": Command(lambda at: started("promote", MODEL, killed_at=at, **WHY), promoted_again, challenge_by_hand),
    "promotion of a version moved by hand": Command(
        lambda at: started("promote", MODEL, version=1, killed_at=at, **WHY), promoted_again, move_by_hand
    ),
    "a move by hand put back": Command(
        lambda at: started_command("reconcile", MODEL, "--started-by", "MLflow's page", killed_at=at),
        reconciled,
        move_by_hand,
        is_run=False,
    ),
}


@dataclass(frozen=True)
class Records:
    """The four records of what is in service, and what answers."""

    pointer: int | None
    ledger: int
    alias: int | None
    previous: int | None
    stage: list[int]
    challenger: int | None
    tried: int | None
    unfinished: bool
    answering: int

    @classmethod
    def of(cls, place: Place) -> Records:
        settings = place.settings
        trial = challenged(settings.bundles, MODEL)
        ledger, state, pointer = Ledger(settings.ledger), registry.state(connect(settings), NAME), active(settings.bundles, MODEL)
        return cls(
            pointer=int(pointer.bundle.split("-")[0]) if pointer else None,
            ledger=[entry for entry in ledger.history(MODEL) if entry.event in IN_SERVICE][-1].version,
            alias=state.aliases.get(registry.CHAMPION),
            previous=state.aliases.get(registry.PREVIOUS),
            stage=[version for version, stage in state.stages.items() if stage == registry.PRODUCTION],
            unfinished=ledger.unfinished(MODEL) is not None,
            challenger=state.aliases.get(registry.CHALLENGER),
            tried=int(trial.bundle.split("-")[0]) if trial else None,
            answering=answering(place),
        )

    @property
    def agree(self) -> bool:
        one = {self.pointer, self.ledger, self.alias, *self.stage} == {self.answering}
        others = (len(self.stage), self.previous, self.challenger, self.unfinished) == (1, 3 - self.answering, self.tried, False)
        return one and others and self.tried != self.answering


def answering(place: Place) -> int:
    """Return the version that answers the rows of its own bundle as measured."""
    settings = place.settings
    with httpx.Client(base_url=settings.gateway_url, headers={"Authorization": f"Bearer {place.key}"}) as client:
        version = client.get(f"/models/{MODEL}").raise_for_status().json()["version"]
        (folder,) = (settings.bundles / MODEL).glob(f"{version}-*")
        bundle = read(folder)
        rows = {"columns": [column.name for column in bundle.contract.columns], "data": bundle.probe.rows}
        reply = client.post(f"/models/{MODEL}/invocations", json={"dataframe_split": rows}).raise_for_status()
    said = (reply.json()["predictions"], reply.headers["X-Slipway-Version"], reply.headers["X-Slipway-Run"])
    assert said == (bundle.probe.labels, str(version), bundle.contract.run_id)
    return version


def rehearsals(folder: Path) -> list[psutil.Process]:
    """Return the gateways of rehearsals whose folder is below this one."""
    return [process for process in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(process.info["cmdline"] or [])]


@dataclass
class Drill:
    """Makes homes with version 2 in service and version 1 before it, each with a gateway of its own."""

    kept: Path
    folder: Path
    key: str
    open: Callable[..., Any]

    @contextmanager
    def home(self, number: int) -> Iterator[Place]:
        home = self.folder / str(number)
        copy_home(self.kept, home, "gateway", "locks")
        with self.open(home) as place:
            move_endpoint(place)
            yield place


@pytest.fixture
def drill(place, service, prefect_server, free_ports, monkeypatch, tmp_path_factory) -> Drill:
    service.promote(1)
    service.promote(2)
    kept, folder = tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("killed")
    copy_home(place.home, kept, "gateway", "locks")

    def open(home: Path):
        keys.add(home, "test", place.key)
        (home.parent / f"{home.name}.tmp").mkdir()
        monkeypatch.setenv("TMPDIR", f"{home}.tmp")
        return serve(home, place.key, prefect_server, free_ports(2), monkeypatch)

    return Drill(kept, folder, place.key, open)


def kill(command: Command, number: int, place: Place, server: str) -> str:
    """Kill the command at its write of this number, and return what it was about to write; "" if it ended before."""
    journal = place.home.parent / f"{number}.writes"
    process = command.start(KilledAt(number, place.home, journal, urlsplit(server).port or 0))
    process.join(timeout=120)
    if process.exitcode == 0:
        return ""
    assert process.exitcode == -signal.SIGKILL
    return journal.read_text().splitlines()[-1]


def recover(command: Command, number: int) -> str:
    """Recover in one of three ways, in turn: the worker puts back, `slipway reconcile`, or the same command again."""
    ways: dict[str, Callable[[], object]] = {"reconcile": reconciled, "the same command": command.again}
    if command.is_run:
        run = FlowRun(flow_id=uuid4(), parameters={"name": MODEL})
        ways["the worker"] = lambda: put_back(None, run, Crashed())
    way = list(ways)[number % len(ways)]
    ways[way]()
    return way


def check(command: Command, number: int, place: Place, before: list[LedgerEntry]) -> None:
    now = Records.of(place)
    assert now.answering in (1, 2)
    assert reconciled("--dry-run") == (0 if now.agree else 3), now
    wait_until(lambda: not rehearsals(Path(f"{place.home}.tmp")), "the gateway of the rehearsal has ended")
    assert not list(Path(f"{place.home}.tmp").glob("slipway-rehearsal-*"))  # with rows in its audit log

    way = recover(command, number)

    after = Records.of(place)
    assert after.agree, (way, now, after)
    if way == "the same command":
        assert after.answering == (2 if command.start is COMMANDS["a move by hand put back"].start else 1), after
    assert Ledger(place.settings.ledger).history(MODEL)[: len(before)] == before
    assert set(registry.state(connect(place.settings), NAME).stages) == {1, 2}
    assert reconciled("--json") == 0
    assert Records.of(place) == after


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_each_write_one_of_two_states_is_left_and_it_is_said(name: str, drill: Drill, prefect_server: str) -> None:
    command, number, wrong, writes = COMMANDS[name], 0, [], []
    while True:
        number += 1
        with drill.home(number) as place:
            command.before(place)
            before = Ledger(place.settings.ledger).history(MODEL)
            if not (write := kill(command, number, place, prefect_server)):
                break
            writes.append(write)
            try:
                check(command, number, place, before)
            except BaseException as error:
                if not isinstance(error, Exception | pytest.fail.Exception):
                    raise
                wrong.append(f"write {number}, {write}: {type(error).__name__}: {str(error)[:1500]}")

    print(f"{name}: killed at {len(writes)} writes:", *writes, sep="\n  ")
    assert wrong == []
