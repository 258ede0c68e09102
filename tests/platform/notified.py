"""A platform with a web hook, and what tests of alarms ask of it; what one of them leaves behind is put back."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deployments.server import automations
from deployments.server.prefect_api import PrefectServer
from slipway.settings import Settings
from tests.support.receiver import Receiver

ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass(frozen=True)
class Notified:
    """A running platform, the environment it was started with, and the receiver of its messages."""

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

    def run(self, flow: str, run: str, state: str = "RUNNING", **named: Any) -> str:
        """Have Prefect record a run; returns its id. What alarms hear of is the recording, so no process is needed."""
        flow_id = self.call("POST", "/flows/", name=flow)["id"]
        run_id: str = self.call("POST", "/flow_runs/", flow_id=flow_id, name=run, parameters={"name": "toy"})["id"]
        self.state(run_id, state, **named)
        return run_id

    def state(self, run_id: str, state: str, **named: Any) -> None:
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

    def message(self, subject: str, run_id: str = "") -> dict[str, Any]:
        """Return the message with this subject, about this run if one is named, that the web hook took, when it has come."""
        return self.receiver.wait_for(
            lambda message: message["subject"] == subject and message["answered"] == 200 and run_id in message["body"]
        )

    @contextmanager
    def refused(self, status: int) -> Iterator[None]:
        """Have the web hook answer this to every message."""
        self.receiver.status = status
        try:
            yield
        finally:
            self.receiver.status = 200

    def failures(self) -> list[dict[str, str]]:
        """Return the messages that could not be sent, newest first, as `slipway notify` lists them."""
        found: list[dict[str, str]] = json.loads(self.slipway("notify", "--json").stdout)["failures"]
        return found

    def put_back(self) -> None:
        """End the runs that a test began, also when it failed, and make channels and automations what `slipway up` made of them."""
        for run in self.prefect.all("flow_runs"):
            if run["state_type"] not in ENDED:
                self.state(run["id"], "COMPLETED", name="Over")
        for automation in self.automations().values():
            if automations.TAG not in automation["tags"]:
                self.call("DELETE", f"/automations/{automation['id']}")
        automations.apply(self.settings)
        for automation in self.automations().values():
            if not automation["enabled"]:
                self.call("PATCH", f"/automations/{automation['id']}", enabled=True)
        self.receiver.messages.clear()

    def automations(self) -> dict[str, dict[str, Any]]:
        return {found["name"]: found for found in self.prefect.all("automations")}

    def channels(self) -> list[str]:
        return [found["name"] for found in self.prefect.all("block_documents")]


def _resource(named: dict[str, str]) -> dict[str, str]:
    return {f"prefect.resource.{label}": value for label, value in named.items()}
