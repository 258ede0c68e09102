"""What becomes of a release when something around it breaks, or somebody cancels it. Servers and processes are really killed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from slipway.audit import AUDIT
from slipway.lifecycle.ledger import Ledger
from tests.platform.conftest import processes_of
from tests.platform.holding import Hold
from tests.platform.site import MANY_ROWS, MODEL, Run, Site, build, until

pytestmark = [pytest.mark.drill, pytest.mark.timeout(600)]

MAKE_VERSION = "POST /api/2.0/mlflow/model-versions/create"
SET_ALIAS = "POST /api/2.0/mlflow/registered-models/alias"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A platform with one version of heart-failure in service."""
    made = build(tmp_path_factory.mktemp("faults"), tmp_path_factory.mktemp("rows"))
    try:
        started = made.slipway("up")
        assert started.returncode == 0, started.stderr
        made.start().ends("COMPLETED")
        yield made
    finally:
        made.slipway("down")
        made.proxy.close()


# Each starts a release and returns when it is in that step, where it stays until the stack is closed.


def in_fetch(site: Site, stack: ExitStack) -> Run:
    _forget_rows(site)
    held = stack.enter_context(site.proxy.hold("GET /rows/many.csv"))
    run = site.start(MANY_ROWS, trials=1)
    until(held.reached.is_set)
    return run


def in_validate(site: Site, stack: ExitStack) -> Run:
    _forget_rows(site)
    run = site.start(MANY_ROWS, trials=1)
    until(lambda: run.steps().get("validate") == "RUNNING")  # for seconds: there are three million rows
    return run


def in_tune(site: Site, stack: ExitStack) -> Run:
    run = site.start(sample=True, trials=5000)
    until(lambda: len(run.tuners()) >= 2)
    return run


def in_register(site: Site, stack: ExitStack) -> Run:
    """The version is made, and the release does not know it yet."""
    return _held(site, stack, MAKE_VERSION, answered=True)


def in_judge(site: Site, stack: ExitStack) -> Run:
    return _held_in(site, stack, "judge")[0]


def in_promote(site: Site, stack: ExitStack) -> Run:
    """The promotion is about to be announced: another program holds the ledger."""
    run, reporting = _held_in(site, stack, "report")
    stack.enter_context(_locked(site.settings.home / "ledger.db"))
    reporting.let_go()
    until(lambda: run.steps().get("promote") == "RUNNING")
    return run


def in_serve(site: Site, stack: ExitStack) -> Run:
    """The pointer has moved, and the gateway hangs."""
    before = site.pointer()
    run, reporting = _held_in(site, stack, "report")
    _suspend_gateway(site, stack)
    reporting.let_go()
    until(lambda: site.pointer() != before)
    return run


def in_smoke_test(site: Site, stack: ExitStack) -> Run:
    """The first rows are sent, and the gateway hangs before it has logged an answer."""
    run, reporting = _held_in(site, stack, "report")
    with _locked(site.settings.home / AUDIT):
        reporting.let_go()
        until(lambda: any(other.raddr and other.raddr.port == site.own_port for other in run.engine().net_connections("tcp")))
        _suspend_gateway(site, stack)
    return run


def _suspend_gateway(site: Site, stack: ExitStack) -> None:
    gateway = site.process("gateway")
    stack.callback(_resume, gateway)
    gateway.suspend()


def _resume(gateway: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):  # `slipway down` has ended it
        gateway.resume()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a database as another program that writes would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def _held_in(site: Site, stack: ExitStack, step: str) -> tuple[Run, Hold]:
    """Start a release and hold its first request to MLflow in this step."""
    run = site.start()
    held = stack.enter_context(site.proxy.hold("", when=lambda: run.steps().get(step) == "RUNNING"))
    until(held.reached.is_set)
    return run, held


def _forget_rows(site: Site) -> None:
    for kept in site.settings.snapshots.glob(f"{MANY_ROWS}-*.csv"):
        kept.unlink()


def _held(site: Site, stack: ExitStack, line: str, body: bytes = b"", **how) -> Run:
    held = stack.enter_context(site.proxy.hold(line, body, **how))
    run = site.start()
    until(held.reached.is_set)
    return run


@pytest.mark.parametrize(
    ("step", "reach"),
    [
        ("fetch", in_fetch),
        ("validate", in_validate),
        ("tune", in_tune),
        ("register", in_register),
        ("judge", in_judge),
        ("promote", in_promote),
        ("serve", in_serve),
        ("smoke-test", in_smoke_test),
    ],
)
def test_run_cancelled_in_a_step_leaves_no_process_and_everything_as_it_was(site, step, reach: Callable[[Site, ExitStack], Run]):
    before, versions = site.standing(), site.versions()
    with ExitStack() as stack:
        run = reach(site, stack)
        started = run.processes()
        run.cancel()
        run.ends("CANCELLED")

    until(lambda: not any(process.is_running() for process in started))
    assert run.processes() == []
    assert site.standing() == before
    assert step in ("judge", "promote", "serve", "smoke-test") or site.versions() == versions  # a registered one stays, in Staging
    until(lambda: run.steps().get(step) == "CRASHED")
    assert set(run.steps().values()) == {"COMPLETED", "CRASHED"}


def test_prefect_server_killed_during_a_run_is_waited_for_and_everything_is_recorded(site):
    with site.proxy.hold(MAKE_VERSION) as registering, site.proxy.hold(SET_ALIAS, b'"champion"') as promoting:
        run = site.start()
        until(registering.reached.is_set)
        lease = run.as_shown()["state"]["state_details"]["deployment_concurrency_lease_id"]
        killed = site.process("prefect")
        killed.kill()
        registering.let_go()  # the run goes on, and writes its report while no server answers
        until(promoting.reached.is_set)
        assert site.process("prefect").pid != killed.pid
        # a server that forgot who runs would refuse this, and the run would be ended at its next renewal
        site.ask("POST", f"/v2/concurrency_limits/leases/{lease}/renew", {"lease_duration": 300})
        promoting.let_go()
        run.ends("COMPLETED")

    assert run.as_shown()["state_name"] == "Promoted"
    until(lambda: set(run.steps().values()) == {"COMPLETED"})
    assert {"tune", "register", "report", "promote", "smoke-test", "confirm"} <= run.steps().keys()


def test_mlflow_killed_during_a_registration_is_waited_for_and_one_version_is_made(site):
    versions = site.versions()
    with site.proxy.hold(MAKE_VERSION, answered=True) as registering:
        run = site.start()
        until(registering.reached.is_set)
        site.process("mlflow").kill()
        registering.let_go(lost=True)  # the version is made, and nobody will ever say so
        run.ends("COMPLETED")

    assert run.as_shown()["state_name"] == "Promoted"
    (made,) = site.versions() - versions
    assert site.standing()[0]["champion"] == made


def test_second_release_of_a_model_is_refused_at_once_and_the_first_completes(site):
    with ExitStack() as stack:
        run = in_register(site, stack)

        second = site.start()
        second.ends("CANCELLED")  # by the deployment's limit
        third = site.slipway("release", MODEL, "--sample", "--trials", "2")  # by the model's lock

        assert third.returncode == 1
        assert "another release" in third.stderr
    run.ends("COMPLETED")
    assert site.standing()[3:] == (max(site.versions()), None)


def test_process_of_a_run_killed_after_the_promotion_is_undone_by_the_worker(site):
    before, pointer = site.standing(), site.pointer()
    with ExitStack() as stack:
        run = in_smoke_test(site, stack)
        assert site.pointer() != pointer
        run.engine().kill()
        run.ends("CRASHED")

    until(lambda: site.standing() == before)


@pytest.mark.parametrize("reach", [in_tune, in_serve])
def test_worker_and_run_killed_together_leave_no_process_and_everything_as_it_was(site, reach: Callable[[Site, ExitStack], Run]):
    before, worker = site.standing(), site.process("worker")
    with ExitStack() as stack:
        run = reach(site, stack)
        started = run.processes()
        worker.kill()
        run.engine().kill()

    until(lambda: not any(process.is_running() for process in started), 30)
    until(lambda: site.status("worker").answering and site.status("worker").pid != worker.pid)
    assert site.standing() == before
    # nobody is left to say that the run ended: its heartbeats cease, and an automation does this
    assert run.state() == "RUNNING"
    site.ask("POST", f"/flow_runs/{run.id}/set_state", {"state": {"type": "CRASHED"}, "force": True})


def test_down_in_the_middle_of_a_promotion_undoes_it_and_ends_every_process(site):
    before = site.pointer()
    with ExitStack() as stack:
        in_smoke_test(site, stack)
        assert site.pointer() != before
        site.slipway("down")

    assert processes_of(site.settings) == []
    assert site.pointer() == before
    assert Ledger(site.settings.ledger).history(MODEL)[-1].event == "undone"  # written when the registry is put back
