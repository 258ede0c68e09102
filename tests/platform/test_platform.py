"""The running platform. One start serves all tests; the last one stops it."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from deployments import local
from slipway.errors import PlatformError
from slipway.settings import Settings
from tests.platform.conftest import PASSWORD, Platform, free_ports, processes_of, wait_until

pytestmark = pytest.mark.timeout(400)


def by_name(settings: Settings) -> dict[str, local.ServiceStatus]:
    return {found.name: found for found in local.status(settings)}


def test_the_gateway_alone_answers_in_seconds_and_starts_nothing_else(platform):
    assert [found.name for found in platform.gateway_alone] == ["gateway"]
    assert platform.gateway_alone[0].answering
    assert platform.seconds_for_gateway < 20  # about 1.5 on an idle machine; Prefect or MLflow alone take 10


def test_up_adds_what_is_missing_and_leaves_the_gateway_as_it_is(platform):
    assert by_name(platform.settings)["gateway"].pid == platform.gateway_alone[0].pid
    assert any(line.startswith("gateway: runs already") for line in platform.progress)
    assert any(line.startswith("prefect: answers after") for line in platform.progress)


def test_all_five_run_and_answer(platform):
    found = by_name(platform.settings)

    assert list(found) == list(local.ALL)
    assert all(one.state == "running" and one.answering and one.reason == "" for one in found.values()), found
    assert local.is_up(platform.settings)
    assert local.running(platform.settings) == set(local.ALL)


def test_status_shows_pids_and_addresses_that_are_true(platform):
    found = by_name(platform.settings)

    assert "slipway.gateway" in psutil.Process(found["gateway"].pid).cmdline()
    assert httpx.get(f"{found['prefect'].url}/api/health").json() is True
    assert httpx.get(f"{found['mlflow'].url}/version").status_code == 200
    assert found["worker"].url is None
    assert all(one.uptime_seconds > 0 for one in found.values())


def test_everything_listens_on_loopback_only(platform):
    listening = [
        connection.laddr.ip
        for process in processes_of(platform.settings)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]

    assert set(listening) == {"127.0.0.1"}
    assert len(listening) >= 3  # Prefect, MLflow, the gateway (and the ports of models that are in service)


def test_up_again_changes_nothing_and_says_so(platform):
    before = {name: found.pid for name, found in by_name(platform.settings).items()}
    said: list[str] = []

    local.up(platform.settings, on_progress=said.append)

    assert {name: found.pid for name, found in by_name(platform.settings).items()} == before
    assert sorted(line.partition(" at ")[0] for line in said) == sorted(f"{name}: runs already" for name in local.ALL)


def test_a_platform_that_runs_refuses_other_ports_instead_of_waiting_for_them(platform):
    moved = platform.settings.model_copy(update={"gateway_port": free_ports(1)[0]})

    with pytest.raises(PlatformError, match=r"gateway of .* runs with other settings .* `slipway down` first"):
        local.up(Settings(**moved.model_dump(exclude_unset=True)))

    assert local.is_up(platform.settings)


def test_the_run_page_finds_its_api_and_other_web_pages_do_not(platform):
    url = platform.settings.prefect_url

    assert httpx.get(f"{url}/ui-settings").json()["api_url"] == f"{url}/api"
    foreign = httpx.post(f"{url}/api/flows/filter", json={}, headers={"Origin": "https://elsewhere.example"})
    assert foreign.status_code == 403
    assert "access-control-allow-origin" not in foreign.headers


def test_mlflow_refuses_a_host_name_that_is_not_local(platform):
    url = platform.settings.mlflow_url

    assert httpx.get(url, headers={"Host": f"localhost:{platform.settings.mlflow_port}"}).status_code == 200
    experiments = f"{url}/api/2.0/mlflow/experiments/search?max_results=1"
    assert httpx.get(experiments, headers={"Host": "elsewhere.example"}).status_code == 403
    for method in ("GET", "POST", "OPTIONS"):
        for kind in ("application/json", "text/plain"):
            foreign = {"Origin": "https://elsewhere.example", "Content-Type": kind}
            assert httpx.request(method, experiments, headers=foreign).status_code == 403
    assert httpx.get(experiments, headers={"Origin": url}).status_code == 200


def test_secrets_are_in_the_credentials_file_only(platform):
    home = platform.settings.home
    key = (home / "credentials.env").read_text().strip().removeprefix("SLIPWAY_API_KEY=").encode()

    with_key = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file() and key in path.read_bytes()}
    with_password = {path for path in home.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()}

    assert len(key) > 20
    assert with_key == {"credentials.env"}
    assert with_password == set()


def test_programs_are_given_the_settings_but_not_the_key(platform):
    for one in local.status(platform.settings):
        environment = psutil.Process(one.pid).environ()
        assert environment["SLIPWAY_LEDGER_URL"] == platform.settings.ledger_url
        assert environment["SLIPWAY_HOME"] == str(platform.settings.home)
        assert "SLIPWAY_API_KEY" not in environment


@pytest.mark.parametrize("name", ["credentials.env", "supervisor/supervisord.conf", "logs/gateway.log", "mlflow/mlflow.db"])
def test_files_are_for_their_owner_only(platform, name):
    assert stat.S_IMODE((platform.settings.home / name).stat().st_mode) == 0o600


def test_a_killed_mlflow_is_restarted_and_answers_again(platform):
    killed = by_name(platform.settings)["mlflow"].pid

    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: by_name(platform.settings)["mlflow"].pid not in (None, killed), 10)
    wait_until(lambda: by_name(platform.settings)["mlflow"].answering, 120)

    assert by_name(platform.settings)["mlflow"].restarts == 1


def test_down_leaves_no_process_and_no_run_that_seems_to_go_on(platform: Platform, tmp_path):
    run_forever(platform.settings, tmp_path)
    before = processes_of(platform.settings)
    assert len(before) >= 8  # supervisord, five programs, the run and what the run started

    assert local.down(platform.settings) is True

    assert not [process for process in before if process.is_running()]
    assert processes_of(platform.settings) == []
    assert {found.state for found in local.status(platform.settings)} == {"stopped"}
    assert local.running(platform.settings) == set()
    assert local.down(platform.settings) is False
    with sqlite3.connect(platform.settings.home / "prefect" / "prefect.db") as database:
        assert database.execute("select state_type from flow_run").fetchall() == [("CRASHED",)]


def run_forever(settings: Settings, folder: Path) -> None:
    """Have the worker run a flow that does not end and that starts a process of its own; return when it goes on."""
    (folder / "endless.py").write_text(ENDLESS)
    environment = os.environ | {"PREFECT_API_URL": f"{settings.prefect_url}/api", "PREFECT_HOME": str(folder)}
    subprocess.run([sys.executable, "endless.py"], cwd=folder, env=environment, check=True, capture_output=True)
    wait_until((folder / "goes-on").exists, 90)


ENDLESS = """
import subprocess, time
from pathlib import Path
from prefect import flow
from prefect.deployments import run_deployment

HERE = Path(__file__).parent

@flow
def endless():
    subprocess.Popen(["sleep", "600"])
    (HERE / "goes-on").touch()
    while True:
        time.sleep(1)

if __name__ == "__main__":
    source = flow.from_source(source=str(HERE), entrypoint="endless.py:endless")
    source.deploy(name="test", work_pool_name="slipway", print_next_steps=False, ignore_warnings=True)
    run_deployment("endless/test", timeout=0)
"""
