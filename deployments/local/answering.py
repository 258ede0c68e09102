"""Whether a program really answers, asked the way its users ask it."""

from __future__ import annotations

from datetime import datetime

import httpx

from deployments.local.services import WORKER, WORKER_NAME, Program
from slipway.settings import Settings


def client(settings: Settings) -> httpx.Client:
    """Return a client for this machine: no proxy, and no patience, since every caller asks again."""
    elsewhere = (settings.tracking_uri or "").startswith("https:")  # an MLflow that is not of this machine
    return httpx.Client(timeout=2.0, trust_env=False, verify=settings.trust or elsewhere)


def answers(program: Program, started: float, http: httpx.Client) -> bool:
    """Ask a program once.

    Args:
        started: When its process started, in seconds since the epoch; a worker's heartbeat from before that is not its own.
    """
    if program.health is None:
        return True
    try:
        if program.name == WORKER:
            return _polls(http.post(program.health, json={}), started)
        return http.get(program.health).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _polls(response: httpx.Response, started: float) -> bool:
    if response.status_code != httpx.codes.OK:  # 404 until the worker has created its pool
        return False
    return any(
        worker["name"] == WORKER_NAME
        and worker["status"] == "ONLINE"
        and datetime.fromisoformat(worker["last_heartbeat_time"].replace("Z", "+00:00")).timestamp() >= started
        for worker in response.json()
    )
