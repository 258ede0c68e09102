"""What an operator is told, on a platform started by `slipway up` with a web hook: the messages arrive at a real receiver."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psutil
import pytest
from pydantic import SecretStr

from deployments import automations, local
from deployments.prefect_api import PrefectServer
from slipway.catalogue import catalogue
from slipway.settings import Settings
from tests.platform.conftest import free_ports, processes_of, wait_until
from tests.receiver import Receiver, web_hook

KEY = "a-key-that-must-not-show"  # in the path of the web hook
ZOMBIES = "slipway: run without a sign of life"
pytestmark = [pytest.mark.drill, pytest.mark.timeout(400)]


@dataclass(frozen=True)
class Platform:
    """A running platform, the environment it was started with, and who is told."""

    settings: Settings
    environment: dict[str, str]
    receiver: Receiver
    prefect: PrefectServer
    said: str

    def slipway(self, *arguments: str, status: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deployments.cli", *arguments]
        ran = subprocess.run(command, env=self.environment | environment, capture_output=True, text=True, timeout=300)
        assert ran.returncode == status, f"{arguments} ended with {ran.returncode}:\n{ran.stdout}\n{ran.stderr}"
        return ran

    def call(self, method: str, path: str, **body: Any) -> Any:
        return self.prefect.call(method, path, body or None)

    def run(self, flow: str, run: str, state: str = "RUNNING", **named: str) -> str:
        """Have Prefect record a run; returns its id. What alarms hear of is the recording, so no process is needed."""
        flow_id = self.call("POST", "/flows/", name=flow)["id"]
        run_id: str = self.call("POST", "/flow_runs/", flow_id=flow_id, name=run, parameters={"name": "toy"})["id"]
        self.state(run_id, state, **named)
        return run_id

    def state(self, run_id: str, state: str, **named: str) -> None:
        self.call("POST", f"/flow_runs/{run_id}/set_state", state={"type": state, **named}, force=True)

    def state_of(self, run_id: str) -> str:
        return str(self.call("GET", f"/flow_runs/{run_id}")["state_type"])

    def event(self, event: str, resource: dict[str, str], related: dict[str, str], **payload: Any) -> None:
        """Send an event that a run, or Prefect itself, would have sent."""
        sent = {"id": str(uuid.uuid4()), "occurred": datetime.now(UTC).isoformat(), "event": event, "payload": payload,
                "resource": _resource(resource), "related": [_resource(related)]}  # fmt: skip
        self.prefect.call("POST", "/events", [sent])

    def run_event(self, event: str, run_id: str, flow: str = "release") -> None:
        of_flow = {"id": f"prefect.flow.{uuid.uuid4()}", "role": "flow", "name": flow}
        self.event(f"prefect.flow-run.{event}", {"id": f"prefect.flow-run.{run_id}"}, of_flow)

    def hurry(self, name: str) -> None:
        """Put a copy of an automation beside it that waits for 10 seconds only, the least that Prefect takes."""
        held = self.automations()[name]
        self.call("POST", "/automations/", name=f"quick {name}", trigger=held["trigger"] | {"within": 10}, actions=held["actions"])

    def told(self, subject: str, seconds: float = 60) -> dict[str, Any]:
        return self.receiver.wait_for(lambda message: message["subject"] == subject and message["answered"] == 200, seconds)

    def automations(self) -> dict[str, dict[str, Any]]:
        return {found["name"]: found for found in self.prefect.all("automations")}

    def channels(self) -> list[str]:
        return [found["name"] for found in self.prefect.all("block_documents")]


def _resource(named: dict[str, str]) -> dict[str, str]:
    return {f"prefect.resource.{label}": value for label, value in named.items()}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    home = tmp_path_factory.mktemp("alarms")
    prefect, mlflow, gateway, *own = free_ports(3 + len(catalogue()))
    with web_hook(f"/hooks/{KEY}") as receiver, pytest.MonkeyPatch.context() as patch:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY_", "PREFECT_", "MLFLOW_"))} | {
            "SLIPWAY_HOME": str(home),
            "SLIPWAY_PREFECT_PORT": str(prefect),
            "SLIPWAY_MLFLOW_PORT": str(mlflow),
            "SLIPWAY_GATEWAY_PORT": str(gateway),
            "SLIPWAY_MODEL_PORTS": json.dumps(dict(zip(catalogue(), own, strict=True))),
            "SLIPWAY_NOTIFY_WEBHOOK": receiver.url,
            "SLIPWAY_DOWN_SECONDS": "8",
        }
        for name, value in environment.items():
            patch.setenv(name, value)
        settings = Settings.load()
        with PrefectServer(settings.prefect_url) as server:
            started = Platform(settings, environment, receiver, server, "")
            try:
                yield Platform(settings, environment, receiver, server, started.slipway("up").stderr)
            finally:
                started.slipway("down")


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Have a process hang: it lives, keeps its port, and answers nobody."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def gateway_of(settings: Settings) -> local.ServiceStatus:
    return next(found for found in local.status(settings) if found.name == local.GATEWAY)


def test_up_says_what_it_put_into_effect(platform):
    assert "channel slipway-webhook: added" in platform.said
    assert "automation 'slipway: run failed': added" in platform.said
    assert "nobody is notified" not in platform.said


def test_a_failing_release_reaches_the_web_hook_with_name_reason_and_link(platform, tmp_path):
    platform.slipway("release", "heart-failure", status=1, SLIPWAY_MIRROR=str(tmp_path))  # a mirror without the rows

    message = platform.told("release-heart-failure: failed")

    run_id = re.search(rf"Run: {platform.settings.prefect_url}/runs/flow-run/(\S+)", message["body"])[1]
    run = platform.call("GET", f"/flow_runs/{run_id}")
    assert (run["name"], run["state_type"]) == ("release-heart-failure", "FAILED")
    assert str(tmp_path) in message["body"]  # which rows were missing, and where
    assert "Model: heart-failure" in message["body"]
    assert 'docs/notifications.md, "Run failed"' in message["body"]
    assert message["path"] == f"/hooks/{KEY}"


def test_a_refusal_reaches_the_web_hook(platform):
    run_id = platform.run("release", "release-toy", "COMPLETED", name="Refused", message="accuracy 0.5 is below the floor 0.86")

    message = platform.told("release-toy: refused by the gate")

    assert message["body"].startswith("accuracy 0.5 is below the floor 0.86\nModel: toy")
    assert f"/runs/flow-run/{run_id}" in message["body"]


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        ("slipway.approval.waiting", "toy: version 3 waits for approval"),
        ("slipway.smoke-test.failed", "toy: smoke test of version 3 failed"),
    ],
)
def test_an_event_of_a_model_reaches_the_web_hook_with_the_run_it_came_from(platform, event, subject):
    run_id = platform.run("release", f"release-{event}")
    run = {"id": f"prefect.flow-run.{run_id}", "role": "flow-run"}
    platform.event(event, {"id": "slipway.model.toy", "name": "toy"}, run, model="toy", version=3, reason="row 7: 0 instead of 1")

    body = platform.told(subject)["body"]

    assert body.startswith("row 7: 0 instead of 1\nModel: toy")
    assert f"Run: release-{event}, {platform.settings.prefect_url}/runs/flow-run/{run_id}" in body


def test_a_gateway_that_hangs_is_down_and_then_up_again_and_each_is_told_once(platform):
    gateway = gateway_of(platform.settings)
    assert gateway.pid is not None
    with frozen(gateway.pid):
        down = platform.told("gateway: down")
    platform.told("gateway: up again")

    assert f"it does not answer at {platform.settings.gateway_url}; supervisord says it is running" in down["body"]
    told = [message["subject"] for message in platform.receiver.messages if message["subject"].startswith("gateway: ")]
    assert told == ["gateway: down", "gateway: up again"]


def test_the_watchman_is_light(platform):
    watchman = next(found for found in local.status(platform.settings) if found.name == local.WATCHMAN)

    assert psutil.Process(watchman.pid).memory_info().rss < 70e6


def test_runs_without_a_sign_of_life_crash_and_late_ones_are_told_and_others_are_left_alone(platform):
    """Events are sent here as a process would send them until it is killed."""
    platform.hurry(ZOMBIES)
    platform.hurry("slipway: run late")
    flows = {"killed": "release", "alive": "release", "ended": "release", "theirs": "theirs", "late": "release", "slow": "release"}
    runs = {name: platform.run(flow, f"run-{name}") for name, flow in flows.items()}
    for name in ("killed", "alive", "ended", "theirs"):
        platform.run_event("heartbeat", runs[name], flows[name])
    for name in ("late", "slow"):
        platform.run_event("Late", runs[name])
    platform.state(runs["ended"], "COMPLETED", name="Promoted")

    def crashed() -> bool:
        platform.run_event("heartbeat", runs["alive"])
        platform.run_event("Running", runs["slow"])  # more than once: Prefect may take up two events of one moment in another order
        time.sleep(1)  # a process gives signs of life at intervals
        return platform.state_of(runs["killed"]) == "CRASHED"

    wait_until(crashed, 90)

    assert "no sign of life for 90 seconds" in platform.told("run-killed: crashed")["body"]
    assert f"/runs/flow-run/{runs['late']}" in platform.told("run-late: late")["body"]
    assert [platform.state_of(runs[name]) for name in ("alive", "ended", "theirs")] == ["RUNNING", "COMPLETED", "RUNNING"]
    assert not [sent for sent in platform.receiver.messages if sent["subject"] == "run-slow: late"]


def test_a_web_hook_that_answers_500_is_tried_again_and_then_shown_and_the_run_does_not_suffer(platform):
    platform.receiver.status = 500
    run_id = platform.run("release", "release-unheard", "FAILED", message="why")

    def failures() -> list[dict[str, str]]:
        return json.loads(platform.slipway("notify", "--json").stdout)["failures"]

    wait_until(lambda: bool(failures()), 60)

    assert failures()[0] | {"at": ""} == {
        "at": "", "automation": "slipway: run failed", "channel": "slipway-webhook", "reason": "the web hook answered 500"}  # fmt: skip
    assert len([sent for sent in platform.receiver.messages if sent["subject"] == "release-unheard: failed"]) == 3
    assert platform.state_of(run_id) == "FAILED"
    tried = json.loads(platform.slipway("notify", "--test", "--json", status=1).stdout)
    assert tried == [{"channel": "slipway-webhook", "problem": "the web hook answered 500"}]

    platform.receiver.status = 200  # and the next message is taken
    assert "slipway-webhook: took the message" in platform.slipway("notify", "--test").stderr
    assert platform.told("Slipway: a test")


def test_the_address_of_the_web_hook_is_in_no_file_and_in_no_programs_environment(platform):
    home = platform.settings.home
    holding = [path.relative_to(home) for path in home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]

    assert holding == []
    assert (home / "logs" / "prefect.log").stat().st_size > 0
    programs = processes_of(platform.settings)
    assert len(programs) > len(local.ALL)
    assert not [program for program in programs if KEY in str(program.environ())]


def test_up_again_changes_nothing_and_leaves_alone_what_is_not_ours_or_was_disabled(platform):
    mine = {
        "name": "slipway: mine",
        "trigger": {"type": "event", "posture": "Reactive", "expect": ["x"], "match": {"a": "b"}, "within": 0},
        "actions": [{"type": "do-nothing"}],
    }
    platform.call("POST", "/automations/", **mine)
    late = platform.automations()["slipway: run late"]
    platform.call("PATCH", f"/automations/{late['id']}", enabled=False)
    before = platform.automations()

    said = platform.slipway("up").stderr

    assert "automation" not in said
    assert "channel" not in said
    assert platform.automations() == before
    assert before["slipway: run late"]["enabled"] is False


def test_what_was_changed_by_hand_or_left_the_file_is_put_right(platform):
    before = platform.automations()
    failed = before["slipway: run failed"]
    changed = {key: failed[key] for key in ("name", "enabled", "tags", "trigger", "description")} | {"actions": [{"type": "do-nothing"}]}
    platform.call("PUT", f"/automations/{failed['id']}", **changed)
    platform.call("DELETE", f"/automations/{before['slipway: release refused']['id']}")
    platform.call("POST", "/automations/", **changed | {"name": "slipway: of an earlier version"})

    said = automations.apply(platform.settings)

    assert sorted(said) == [
        "automation 'slipway: of an earlier version': removed",
        "automation 'slipway: release refused': added",
        "automation 'slipway: run failed': changed",
    ]
    after = platform.automations()
    assert set(after) == set(before)
    assert automations.says(after["slipway: run failed"]["actions"], failed["actions"])
    assert after["slipway: run late"]["enabled"] is False


def test_channels_follow_their_settings(platform):
    moved = f"{platform.receiver.url}-moved"
    e_mail = SecretStr("mailto://127.0.0.1:1?from=slipway&to=on-call")
    both = platform.settings.model_copy(update={"notify_webhook": SecretStr(moved), "notify_email": e_mail})

    said = automations.apply(both)

    assert {"channel slipway-webhook: changed", "channel slipway-email: added", "automation 'slipway: run failed': changed"} <= set(said)
    assert sorted(platform.channels()) == ["slipway-email", "slipway-webhook"]
    assert len(platform.automations()["slipway: run failed"]["actions"]) == 2
    assert automations.apply(both) == []
    platform.run("release", "release-moved", "FAILED", message="why")
    assert platform.told("release-moved: failed")["path"] == f"/hooks/{KEY}-moved"

    none = platform.settings.model_copy(update={"notify_webhook": None})
    assert "channel slipway-email: removed, it is set no longer" in automations.apply(none)
    assert platform.channels() == []
    assert {name for name in platform.automations() if name.startswith("slipway")} == {ZOMBIES, "slipway: mine"}
    assert "nobody is notified" in platform.slipway("notify").stdout
    assert "there is no channel" in platform.slipway("notify", "--test", status=1).stderr
