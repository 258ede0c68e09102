"""Runs of deployments, started for a person who is signed in to the gateway's pages."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from pydantic_core import to_json

from deployments.server.prefect_api import PrefectServer, api_of, page_of
from slipway.errors import SlipwayError
from slipway.pages.runs import StartedRun
from slipway.records import STARTED_BY, WHO
from slipway.settings import Settings

ORIGIN = "gateway's page"


class UnknownRunError(SlipwayError, LookupError):
    """No run can have this id."""


def start_run(settings: Settings, deployment: str, parameters: dict[str, Any], who: str, once: str = "") -> StartedRun:
    """Start a run of a deployment such as `rollback/heart-failure`, in the name of a person.

    Args:
        once: A key; a second start with the same one and the same parameters returns the first run, so that a form may be sent twice.
    Raises:
        PlatformError: Prefect does not answer, or has no such deployment.
    """
    with PrefectServer(api_of(settings)) as server:
        found = server.call("GET", f"/deployments/name/{deployment}")
        asked = {
            "state": {"type": "SCHEDULED"},
            "parameters": found["parameters"] | parameters,
            "labels": {STARTED_BY: ORIGIN, WHO: who},
            "idempotency_key": sha256(to_json([deployment, parameters, once])).hexdigest() if once else str(uuid4()),
        }
        return _run(settings, server.call("POST", f"/deployments/{found['id']}/create_flow_run", asked))


def run_state(settings: Settings, id: str) -> StartedRun:
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


def _run(settings: Settings, run: dict[str, Any]) -> StartedRun:
    state = run["state"] or {}
    return StartedRun(
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
