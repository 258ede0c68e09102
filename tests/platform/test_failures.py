"""What `up` and `down` do when something is wrong; only the programs that matter are started."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from deployments import local
from deployments.local.supervisor import Supervisor
from slipway.catalogue import services
from slipway.errors import PlatformError, PortTakenError
from slipway.lifecycle.ports import needed_ports
from slipway.settings import Settings
from tests.platform.conftest import MODEL, free_ports, operator_of, processes_of, stranger_on, wait_until
from tests.support.disks import small_disk

pytestmark = pytest.mark.timeout(240)


def test_a_taken_port_is_an_error_that_names_its_holder_and_nothing_is_started(settings):
    with stranger_on(settings.mlflow_port) as stranger, pytest.raises(PortTakenError) as caught:
        local.up(settings)

    message = str(caught.value)
    assert f"port {settings.mlflow_port}, which the MLflow server needs, is held by process {stranger.pid}" in message
    assert "http.server" in message
    assert "SLIPWAY_MLFLOW_PORT" in message
    assert processes_of(settings) == []


def test_a_taken_port_of_a_model_names_the_model(settings):
    (port,) = free_ports(1)

    with stranger_on(port), pytest.raises(PortTakenError, match=rf"port {port}, which the model heart-failure needs.*SLIPWAY_MODEL_PORTS"):
        local.up(settings, programs=[local.GATEWAY], model_ports={"heart-failure": port})


def test_one_port_for_two_is_an_error(settings):
    with pytest.raises(PortTakenError, match=r"is set for both the gateway and the model heart-failure"):
        local.up(settings, programs=[local.GATEWAY], model_ports={"heart-failure": settings.gateway_port})


def test_only_the_port_of_the_model_that_a_command_serves_has_to_be_free(settings):
    ports = dict(zip(services(), free_ports(len(services())), strict=True))
    settings = settings.model_copy(update={"model_ports": ports})
    needed = needed_ports(settings, "heart-failure")

    with stranger_on(ports["telecom-churn"]):
        local.up(settings, programs=[local.GATEWAY], model_ports=needed)
        local.require_usable(settings, [local.GATEWAY], needed)

    # the gateway runs already, and the port is another program's: that is found before a search of minutes
    with stranger_on(ports["heart-failure"]), pytest.raises(PortTakenError, match=r"the model heart-failure needs, is held by"):
        local.require_usable(settings, [local.GATEWAY], needed)
    moved = Settings(home=settings.home, gateway_port=free_ports(1)[0])
    with pytest.raises(PlatformError, match=r"gateway of .* runs with other settings .* `slipway down` first"):
        local.require_usable(moved, [local.GATEWAY], needed)
    gateway = next(one for one in local.status(moved) if one.name == "gateway")
    assert gateway.reason == "it runs with other settings than these; `slipway down`, then `slipway up`, applies them"


@pytest.mark.parametrize(
    "command", [("release", MODEL, "--sample"), ("promote", MODEL, "--because", "better"), ("rollback", MODEL, "--because", "worse")]
)
def test_a_command_whose_models_port_is_taken_is_refused_before_it_starts_anything(tmp_path, command):
    person = operator_of(tmp_path / "home")
    port = person.settings.model_ports[MODEL]

    with stranger_on(port):
        shown = person.slipway(*command, status=1)

    assert f"port {port}, which the model heart-failure needs, is held by process" in shown.stderr
    assert processes_of(person.settings) == []


def test_a_taken_port_of_a_model_that_was_never_released_stops_nothing_and_is_named(settings):
    ports = dict(zip(services(), free_ports(len(services())), strict=True))
    waiting = {"heart-failure": ports["heart-failure"], "telecom-churn": ports["telecom-churn"]}

    with stranger_on(ports["telecom-churn"]) as stranger:
        (line,) = local.taken_ports(settings, waiting)

    assert line.startswith(f"port {ports['telecom-churn']}, which the model telecom-churn needs, is held by process {stranger.pid} (")


def test_a_port_has_to_be_free_on_the_gateways_address_only(settings):
    (port,) = free_ports(1)
    elsewhere = settings.model_copy(update={"gateway_address": "127.0.0.2"})

    with stranger_on(port):  # on 127.0.0.1
        assert local.taken_ports(elsewhere, {"heart-failure": port}) == []
        assert len(local.taken_ports(settings, {"heart-failure": port})) == 1


def test_a_program_that_cannot_start_shows_its_last_log_lines_and_nothing_stays(settings):
    (settings.home / "mlflow").mkdir(parents=True)
    (settings.home / "mlflow" / "mlflow.db").write_text("this is not a database " * 100)

    with pytest.raises(PlatformError) as caught:
        local.up(settings, programs=[local.MLFLOW])

    message = str(caught.value)
    assert message.startswith("mlflow did not start: it exited 2 times (exit status 1")
    assert "file is not a database" in message
    assert str(settings.home / "logs" / "mlflow.log") in message
    assert len(message.splitlines()) <= 17  # the reason, the log's address, fifteen lines
    assert processes_of(settings) == []


def test_ctrl_c_leaves_nothing_half_started(settings):
    interrupt_while_mlflow_starts(settings)

    assert processes_of(settings) == []


def test_ctrl_c_leaves_what_ran_before(settings):
    (gateway,) = local.up(settings, programs=[local.GATEWAY])

    interrupt_while_mlflow_starts(settings)

    found = {one.name: one for one in local.status(settings)}
    assert (found["gateway"].pid, found["gateway"].answering) == (gateway.pid, True)
    assert local.running(settings) == {"gateway"}


def test_what_runs_is_known_after_a_call_that_ctrl_c_has_cut_short(settings):
    local.up(settings, programs=[local.GATEWAY])
    supervisor = Supervisor(settings.home)
    process = supervisor.process()
    assert process is not None
    process.suspend()  # so that the call waits for its answer when the signal comes
    former = signal.signal(signal.SIGUSR1, signal.default_int_handler)
    interrupt = threading.Timer(0.3, signal.pthread_kill, (threading.get_ident(), signal.SIGUSR1))
    interrupt.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            supervisor.states()
    finally:
        interrupt.join()
        signal.signal(signal.SIGUSR1, former)
        process.resume()

    assert set(supervisor.states()) == {"gateway"}  # `up` asks this to stop what it has started


def test_a_program_that_lives_and_answers_nobody_is_restarted_with_all_its_processes(settings):
    settings = Settings(home=settings.home, gateway_port=settings.gateway_port, gateway_workers=2)
    local.up(settings, programs=[local.GATEWAY])
    supervisor = Supervisor(settings.home)
    before = supervisor.marked("gateway")
    assert len(before) >= 3
    for process in before:
        process.suspend()  # SIGSTOP
    hanging = next(one for one in local.status(settings) if one.name == "gateway")
    assert (hanging.state, hanging.answering) == ("running", False)
    assert f"`kill -CONT {hanging.pid}` continues it" in hanging.reason

    supervisor.restart("gateway", patience=0.5)

    wait_until(lambda: next(one for one in local.status(settings) if one.name == "gateway").answering, 30)
    # one that nobody has waited for yet is a zombie: it has ended
    assert [process for process in before if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
    assert not supervisor.pids("gateway").intersection(process.pid for process in before)


def interrupt_while_mlflow_starts(settings: Settings) -> None:
    program = """
from deployments import local
from deployments.local.supervisor import Supervisor
from slipway.settings import Settings
local.up(Settings(), programs=["mlflow"], on_progress=print)
"""
    environment = os.environ | {"SLIPWAY_MLFLOW_PORT": str(settings.mlflow_port), "SLIPWAY_HOME": str(settings.home)}
    command = [sys.executable, "-u", "-c", program]
    # a test run in the background ignores Ctrl-C, and its children would inherit that
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c) as starting:
        assert starting.stdout is not None
        while starting.stdout.readline() != "mlflow: starting\n":
            assert starting.poll() is None
        wait_until(lambda: "mlflow" in local.running(settings), 20)
        starting.send_signal(signal.SIGINT)
        starting.communicate(timeout=60)
    assert starting.returncode not in (0, None)


def heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_down_also_ends_what_a_killed_supervisord_left(settings):
    local.up(settings, programs=[local.GATEWAY])
    supervisord, *_ = [process for process in processes_of(settings) if "supervisor.supervisord" in process.cmdline()]
    supervisord.kill()
    wait_until(lambda: len(processes_of(settings)) == 1, 10)
    assert "supervisord was killed" in local.status(settings)[-1].reason

    assert local.down(settings) is True

    assert processes_of(settings) == []


def test_up_replaces_what_a_killed_supervisord_left(settings):
    (before,) = local.up(settings, programs=[local.GATEWAY])
    supervisord, *_ = [process for process in processes_of(settings) if "supervisor.supervisord" in process.cmdline()]
    supervisord.kill()

    (after,) = local.up(settings, programs=[local.GATEWAY])

    assert after.answering
    assert after.pid != before.pid


def test_a_stale_pid_file_harms_nobody(settings):
    (settings.home / "supervisor").mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as bystander:
        (settings.home / "supervisor" / "supervisord.pid").write_text(f"{bystander.pid}\n")

        assert local.running(settings) == set()
        assert local.down(settings) is False
        assert bystander.poll() is None
        bystander.kill()


def test_a_home_that_supervisord_cannot_write_down_is_refused_by_name(tmp_path, settings):
    odd = settings.model_copy(update={"home": tmp_path / "a;b"})

    with pytest.raises(PlatformError, match=r"SLIPWAY_HOME=.*a;b.* holds \[';'\]"):
        local.up(odd, programs=[local.GATEWAY])


def test_a_home_too_deep_for_a_socket_works_and_its_socket_is_private(settings):
    deep = Settings(home=settings.home / "/".join(["deep"] * 30), gateway_port=settings.gateway_port)
    try:
        (gateway,) = local.up(deep, programs=[local.GATEWAY])
        socket = Path(Supervisor(deep.home).socket.removeprefix("unix://"))

        assert gateway.answering
        assert deep.home not in socket.parents
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    finally:
        local.down(deep)
    assert not socket.exists()


def test_a_supervisord_whose_pid_file_a_full_disk_left_empty_is_the_one_that_is_used(settings):
    local.up(settings, programs=[local.GATEWAY])
    supervisor = Supervisor(settings.home)
    (only,) = supervisor.supervisords()
    supervisor.pid_file.write_text("")

    assert local.is_up(settings, [local.GATEWAY])
    local.up(settings, programs=[local.GATEWAY])

    assert supervisor.supervisords() == [only]
    assert local.down(settings)
    assert processes_of(settings) == []


def test_a_supervisord_that_lost_its_pid_file_is_ended_before_a_second_one_starts(settings):
    local.up(settings, programs=[local.GATEWAY])
    supervisor = Supervisor(settings.home)
    (first,) = supervisor.supervisords()
    supervisor.pid_file.unlink()

    local.up(settings, programs=[local.GATEWAY])

    (second,) = supervisor.supervisords()
    assert second != first
    assert not first.is_running()


def test_a_disk_that_fills_while_programs_start_leaves_what_ran_before_and_nothing_else(tmp_path, with_tables):
    with small_disk(tmp_path / "disk") as disk:
        ports = dict(zip(("gateway_port", "prefect_port", "mlflow_port"), free_ports(3), strict=True))
        settings = Settings(home=with_tables(disk.folder / "home"), **ports)
        (before,) = local.up(settings, programs=[local.GATEWAY])
        try:
            with pytest.raises((OSError, PlatformError)):
                local.up(settings, programs=[local.PREFECT, local.MLFLOW], on_progress=lambda line: "mlflow" in line and disk.fill())

            assert local.running(settings) == {local.GATEWAY}
            assert len(Supervisor(settings.home).supervisords()) == 1
            (after,) = [service for service in local.status(settings) if service.name == local.GATEWAY]
            assert (after.pid, after.answering) == (before.pid, True)
        finally:
            local.down(settings)
        assert processes_of(settings) == []
