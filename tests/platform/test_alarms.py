"""The messages that an operator gets, on a platform started by `slipway up` with a web hook; they arrive at a real receiver."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from pydantic import SecretStr

from deployments import local
from deployments.server import automations
from deployments.server.prefect_api import PrefectServer
from slipway.catalogue import catalogue, services
from slipway.settings import Settings
from tests.platform.conftest import free_ports, processes_of, wait_until
from tests.platform.notified import Notified
from tests.support.receiver import web_hook

KEY = "a-key-that-must-not-show"  # in the path of the web hook
ZOMBIES = "slipway: run without a sign of life"
MINE = {
    "name": "slipway: mine",
    "trigger": {"type": "event", "posture": "Reactive", "expect": ["x"], "match": {"a": "b"}, "within": 0},
    "actions": [{"type": "do-nothing"}],
}
pytestmark = [pytest.mark.drill, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notified]:
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
        with PrefectServer(f"{settings.prefect_url}/api") as server:
            before = Notified(settings, environment, receiver, server, "")
            try:
                yield replace(before, said=before.slipway("up").stderr)
            finally:
                before.slipway("down")


@pytest.fixture
def platform(started: Notified) -> Iterator[Notified]:
    """The platform as `slipway up` left it, whatever became of the test before."""
    yield started
    started.put_back()


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

    message = platform.message("release-heart-failure: failed")

    run_id = re.search(rf"Run: {platform.settings.prefect_url}/runs/flow-run/(\S+)", message["body"])[1]
    run = platform.call("GET", f"/flow_runs/{run_id}")
    assert (run["name"], run["state_type"]) == ("release-heart-failure", "FAILED")
    assert str(tmp_path) in message["body"]  # which rows were missing, and where
    assert "Model: heart-failure" in message["body"]
    assert 'docs/notifications.md, "Run failed"' in message["body"]
    assert message["path"] == f"/hooks/{KEY}"


def test_a_refusal_reaches_the_web_hook(platform):
    run_id = platform.run("release", "release-toy", "COMPLETED", name="Refused", message="accuracy 0.5 is below the floor 0.86")

    message = platform.message("release-toy: refused by the gate", run_id)

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

    body = platform.message(subject, run_id)["body"]

    assert body.startswith("row 7: 0 instead of 1\nModel: toy")
    assert f"Run: release-{event}, {platform.settings.prefect_url}/runs/flow-run/{run_id}" in body


def test_a_gateway_that_hangs_is_down_and_then_up_again_and_each_is_reported_once(platform):
    gateway = gateway_of(platform.settings)
    assert gateway.pid is not None
    with frozen(gateway.pid):
        down = platform.message("gateway: down")
    platform.message("gateway: up again")

    assert f"it does not answer at {platform.settings.gateway_url}; supervisord says it is running" in down["body"]
    subjects = [message["subject"] for message in platform.receiver.messages if message["subject"].startswith("gateway: ")]
    assert subjects == ["gateway: down", "gateway: up again"]


def test_programs_that_hang_are_restarted_and_answer_again(platform):
    programs = {local.GATEWAY, local.MLFLOW, local.PREFECT}
    before = {one.name: one.pid for one in local.status(platform.settings) if one.name in programs}
    for pid in before.values():
        os.kill(pid, signal.SIGSTOP)  # and nobody continues them

    def answer_again() -> bool:
        return all(one.answering and one.pid != before[one.name] for one in local.status(platform.settings) if one.name in programs)

    wait_until(answer_again, 240)  # twelve looks, each of which waits for three answers; then Prefect and MLflow start
    assert not [pid for pid in before.values() if psutil.pid_exists(pid)]
    for name in programs:
        platform.message(f"{name}: down")
        platform.message(f"{name}: up again")


def test_a_run_that_a_person_started_wrongly_notifies_nobody(platform):
    platform.run("release", "release-declined", "FAILED", name="Declined", message="another release of this model is running")
    crashing = platform.run("release", "release-crashing", "CRASHED", message="its process was killed")
    for _ in range(3):
        platform.state(crashing, "RUNNING")
        platform.state(crashing, "CRASHED", message="its process was killed")
    last = platform.run("release", "release-last", "FAILED", message="why")

    platform.message("release-last: failed", last)
    subjects = [message["subject"] for message in platform.receiver.messages if message["subject"].startswith("release-")]
    assert subjects == ["release-crashing: crashed", "release-last: failed"]


def test_the_watchman_is_light(platform):
    watchman = next(found for found in local.status(platform.settings) if found.name == local.WATCHMAN)

    assert psutil.Process(watchman.pid).memory_info().rss < 70e6


def test_a_run_whose_signs_of_life_cease_crashes_and_others_are_left_alone(platform):
    """They are sent here as a process sends them, though ten times as often, until it is killed."""
    platform.hurry(ZOMBIES)
    flows = {"ended": "release", "theirs": "theirs", "killed": "release", "alive": "release"}
    runs = {name: platform.run(flow, f"run-{name}") for name, flow in flows.items()}

    def beat(*names: str) -> None:
        for name in names:
            platform.run_event("heartbeat", runs[name], flows[name])
        time.sleep(1)  # the interval between two signs, not a wait

    for _ in range(4):
        beat(*runs)
    platform.state(runs["ended"], "COMPLETED", name="Promoted")
    for _ in range(4):
        beat("killed", "alive")  # the last to cease, so that the others would have crashed before

    def crashed() -> bool:
        beat("alive")
        return platform.state_of(runs["killed"]) == "CRASHED"

    wait_until(crashed, 60)

    assert "no sign of life for 90 seconds" in platform.message("run-killed: crashed", runs["killed"])["body"]
    assert [platform.state_of(runs[name]) for name in ("alive", "ended", "theirs")] == ["RUNNING", "COMPLETED", "RUNNING"]


def test_a_run_that_nothing_takes_up_is_reported_as_late_after_a_minute_and_one_that_is_taken_up_is_not(platform):
    """The runs are due in the past; that they are late is for the server to find out."""
    now = datetime.now(UTC)
    due = {"run-late": now - timedelta(seconds=61), "run-due": now - timedelta(seconds=36), "run-taken-up": now - timedelta(seconds=36)}
    runs = {name: platform.run("release", name, "SCHEDULED", state_details={"scheduled_time": at.isoformat()}) for name, at in due.items()}

    assert "Model: toy" in platform.message("run-late: late", runs["run-late"])["body"]
    platform.state(runs["run-taken-up"], "RUNNING")
    platform.message("run-due: late", runs["run-due"])

    assert datetime.now(UTC) - due["run-due"] > timedelta(seconds=60)
    assert not [sent for sent in platform.receiver.messages if sent["subject"] == "run-taken-up: late"]


def test_a_web_hook_that_answers_500_is_tried_again_and_then_shown_and_the_run_does_not_suffer(platform):
    before = platform.failures()
    with platform.refused(500):
        run_id = platform.run("release", "release-unheard", "FAILED", message="why")
        wait_until(lambda: len(platform.failures()) > len(before), 60)
        tried = json.loads(platform.slipway("notify", "--test", "--json", status=1).stdout)

    assert platform.failures()[0] | {"at": ""} == {
        "at": "", "automation": "slipway: run failed", "channel": "slipway-webhook", "reason": "the web hook answered 500"}  # fmt: skip
    assert len([sent for sent in platform.receiver.messages if sent["subject"] == "release-unheard: failed"]) == 3
    assert platform.state_of(run_id) == "FAILED"
    assert tried == [{"channel": "slipway-webhook", "problem": "the web hook answered 500"}]

    # and the next message is taken
    assert "slipway-webhook: took the message" in platform.slipway("notify", "--test").stderr
    assert platform.message("Slipway: a test")


def test_the_address_of_the_web_hook_is_in_no_file_and_in_no_programs_environment(platform):
    home = platform.settings.home
    holding = [path.relative_to(home) for path in home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]

    assert holding == []
    assert (home / "logs" / "prefect.log").stat().st_size > 0
    programs = processes_of(platform.settings)
    assert len(programs) > len(local.ALL)
    assert not [program for program in programs if KEY in str(program.environ())]


def test_up_again_changes_nothing_and_leaves_alone_what_is_not_ours_or_was_disabled(platform):
    platform.call("POST", "/automations/", **MINE)
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
    changed = {key: failed[key] for key in ("name", "tags", "trigger", "description")}
    changed |= {"enabled": False, "actions": [{"type": "do-nothing"}]}
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
    assert after["slipway: run failed"]["enabled"] is False


def test_channels_follow_their_settings(platform):
    moved = f"{platform.receiver.url}-moved"
    e_mail = SecretStr("mailto://127.0.0.1:1?from=slipway&to=on-call")
    both = platform.settings.model_copy(update={"notify_webhook": SecretStr(moved), "notify_email": e_mail})

    platform.call("POST", "/automations/", **MINE)

    said = automations.apply(both)

    assert {"channel slipway-webhook: changed", "channel slipway-email: added", "automation 'slipway: run failed': changed"} <= set(said)
    assert sorted(platform.channels()) == ["slipway-email", "slipway-webhook"]
    assert len(platform.automations()["slipway: run failed"]["actions"]) == 2
    assert automations.apply(both) == []
    run_id = platform.run("release", "release-moved", "FAILED", message="why")
    assert platform.message("release-moved: failed", run_id)["path"] == f"/hooks/{KEY}-moved"

    none = platform.settings.model_copy(update={"notify_webhook": None})
    assert "channel slipway-email: removed, it is set no longer" in automations.apply(none)
    assert platform.channels() == []
    retrain = {f"slipway: retrain {name}" for name in services()}  # they start releases, and send no message
    assert {name for name in platform.automations() if name.startswith("slipway")} == {ZOMBIES, "slipway: mine", *retrain}
    assert "nobody is notified" in platform.slipway("notify").stdout
    assert "there is no channel" in platform.slipway("notify", "--test", status=1).stderr
