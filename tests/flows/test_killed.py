"""What a killed release leaves behind, and how the next one clears it up. Processes are really killed."""

from __future__ import annotations

import contextlib
import os
import signal
from multiprocessing.process import BaseProcess

import httpx
import psutil
import pytest

from flows.release import release
from slipway.bundle.store.active import active
from slipway.catalogue import lookup
from slipway.data import samples, validation
from slipway.lifecycle.ledger import Ledger
from slipway.tracking import registry
from slipway.tracking.connection import connect
from slipway.training import splitting
from slipway.training.search import tuning
from tests.support.processes import started

MODEL = "heart-failure"
pytestmark = [pytest.mark.drill, pytest.mark.timeout(600)]


def start(trials: int, **time_outs: int) -> BaseProcess:
    """Start a release in a process of its own; some of its steps may be given less time, in seconds."""
    return started("release", MODEL, time_outs=time_outs, sample=True, trials=trials)


def kill(process: BaseProcess) -> None:
    process.kill()
    process.join()


def finished_trials(place) -> int:
    return sum(path.read_text().count('"op_code":4') for path in place.settings.studies.glob("*.journal"))


def test_a_release_killed_during_tuning_leaves_no_worker_and_no_lock_and_the_next_goes_on_where_it_was(place, until, tmp_path):
    process = start(trials=500)
    until(lambda: finished_trials(place) >= 3, "three trials are finished", within=120)
    released = psutil.Process(process.pid)
    until(lambda: len(released.children(recursive=True)) >= 2, "several processes tune a long study", within=120)
    workers = released.children(recursive=True)
    kill(process)
    until(lambda: not any(worker.is_running() for worker in workers), "its workers have ended as well")
    assert (place.history(), active(place.settings.bundles, MODEL)) == ([], None)

    state = release(MODEL, sample=True, trials=6, return_state=True)

    assert state.name == "Promoted"
    # an undisturbed study of as many trials finds the same: nothing was lost, nothing was counted twice
    spec, done = lookup(MODEL), state.result().tuned
    snapshot = samples.generate(spec, tmp_path / "again")
    rows = splitting.split(spec, validation.validate(spec, snapshot.path))
    undisturbed = tuning.tune(spec, rows, snapshot.sha256, done.trials, tmp_path / "again")
    assert done.parameters == undisturbed.parameters


@pytest.mark.usefixtures("released")
def test_release_killed_between_promotion_and_smoke_test_is_undone_by_the_next(place, until):
    served = active(place.settings.bundles, MODEL)
    place.gateway.send_signal(signal.SIGSTOP)  # a gateway that hangs holds the release between promotion and smoke test
    process = start(trials=2)
    until(lambda: moved(place, served), "alias and pointer have moved", within=120)
    kill(process)
    place.gateway.send_signal(signal.SIGCONT)

    state = release(MODEL, sample=True, trials=2, return_state=True)

    assert state.name == "Promoted"
    assert [(entry["event"], entry["version"], entry["previous"]) for entry in place.history()] == [
        ("promoted", 1, None),
        ("undone", 2, 1),
        ("promoted", 3, 1),
    ]
    now = registry.state(connect(place.settings), lookup(MODEL).registered_as)
    assert (now.aliases["champion"], now.aliases["previous"]) == (3, 1)
    assert [version for version, stage in now.stages.items() if stage == "Production"] == [3]
    answer = httpx.get(f"{place.settings.gateway_url}/models/{MODEL}", headers={"Authorization": f"Bearer {place.key}"})
    assert answer.json()["version"] == 3


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("released")
def test_interrupted_release_undoes_its_promotion_itself(place, until, how):
    served = active(place.settings.bundles, MODEL)
    place.gateway.send_signal(signal.SIGSTOP)
    process = start(trials=2)
    until(lambda: moved(place, served), "alias and pointer have moved", within=120)

    os.kill(process.pid, how)
    process.join(timeout=60)
    place.gateway.send_signal(signal.SIGCONT)

    assert process.exitcode not in (None, 0)
    assert active(place.settings.bundles, MODEL) == served
    assert registry.state(connect(place.settings), lookup(MODEL).registered_as).aliases["champion"] == 1
    assert [entry["event"] for entry in place.history()] == ["promoted", "undone"]
    assert place.history()[-1]["why"].startswith("the release failed: ")


@pytest.mark.usefixtures("released")
def test_step_that_takes_too_long_is_ended_and_its_promotion_undone(place):
    served = active(place.settings.bundles, MODEL)
    place.gateway.send_signal(signal.SIGSTOP)  # it would be waited for longer than this step has

    process = start(trials=2, serve=2)
    process.join(timeout=120)
    place.gateway.send_signal(signal.SIGCONT)

    assert process.exitcode == 1
    assert active(place.settings.bundles, MODEL) == served
    assert registry.state(connect(place.settings), lookup(MODEL).registered_as).aliases["champion"] == 1
    assert [entry["event"] for entry in place.history()] == ["promoted", "undone"]


def test_tuning_that_takes_too_long_is_ended_with_its_workers_and_goes_on_later(place, until):
    process = start(trials=5000, tune=8)
    released, workers = psutil.Process(process.pid), set()

    def ended() -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            workers.update(released.children(recursive=True))
        return process.exitcode is not None

    until(ended, "its time is over", within=200)

    assert process.exitcode == 1
    assert len(workers) >= 2
    until(lambda: not any(worker.is_running() for worker in workers), "its workers have ended as well")
    tried = finished_trials(place)
    assert 0 < tried < 5000
    assert release(MODEL, sample=True, trials=1, return_state=True).result().tuned.trials == tried


def moved(place, served) -> bool:
    return active(place.settings.bundles, MODEL) != served and Ledger(place.settings.ledger).unfinished(MODEL) is not None
