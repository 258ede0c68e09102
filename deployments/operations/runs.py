"""Runs of deployments, started for a person who is signed in to the gateway's pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from deployments.server.prefect_api import PrefectServer, api_of, page_of
from slipway.errors import SlipwayError
from slipway.settings import Settings

ORIGIN = "gateway's page"
LABELS = {"started_by": "slipway.started-by", "who": "slipway.who"}  # those that tasks.origin reads


class UnknownRunError(SlipwayError, LookupError):
    """No run can have this id."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run: its id, its name, its state (`type` is one of Prefect's, such as RUNNING; `state` its name) and its page."""

    id: str
    name: str
    type: str
    state: str
    message: str
    page: str


def start_run(settings: Settings, deployment: str, parameters: dict[str, Any], who: str, once: str = "") -> Run:
    """Start a run of a deployment such as `rollback/heart-failure`, in the name of a person.

    Args:
        once: A key; a second start with the same one returns the first run, so that a form may be sent twice.
    Raises:
        PlatformError: Prefect does not answer, or has no such deployment.
    """
    with PrefectServer(api_of(settings)) as server:
        found = server.call("GET", f"/deployments/name/{deployment}")
        asked = {
            "state": {"type": "SCHEDULED"},
            "parameters": found["parameters"] | parameters,
            "labels": {LABELS["started_by"]: ORIGIN, LABELS["who"]: who},
            "idempotency_key": once or str(uuid4()),
        }
        return _run(settings, server.call("POST", f"/deployments/{found['id']}/create_flow_run", asked))


def run_state(settings: Settings, id: str) -> Run:
    """Return a run as it is now.

    Raises:
        UnknownRunError: It is no id of a run.
        PlatformError: Prefect does not answer, or has no such run.
    """
    try:
        UUID(id)
    except ValueError:
        raise UnknownRunError(f"there is no run {id[:80]!r}.") from None
    with PrefectServer(api_of(settings)) as server:
        return _run(settings, server.call("GET", f"/flow_runs/{id}"))


def _run(settings: Settings, run: dict[str, Any]) -> Run:
    state = run["state"] or {}
    return Run(
        id=run["id"],
        name=run["name"],
        type=run["state_type"] or "",
        state=run["state_name"] or "",
        message=state.get("message") or "",
        page=page_of(settings, run["id"]),
    )


def progress(settings: Settings, id: str) -> float | None:
    """Return the per cent of its work that a run has reported, None if it reported none. Raises PlatformError: Prefect does not answer."""
    asked = {"artifacts": {"flow_run_id": {"any_": [str(UUID(id))]}, "type": {"any_": ["progress"]}}, "limit": 1, "sort": "UPDATED_DESC"}
    with PrefectServer(api_of(settings)) as server:
        found = server.call("POST", "/artifacts/filter", asked)
    return float(found[0]["data"]) if found else None
