"""Checks that every service of the platform answers, reports outages to Prefect, restarts a program that hangs, and notices what a person
moves by hand in MLflow.

`python -m deployments.local.watchman`. supervisord restarts a process that exits, but it does not notice one that hangs, and it notifies
nobody.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator

import httpx
import psutil

from deployments.local.answering import client
from deployments.local.hand_moves import HandMoves
from deployments.local.hangs import LOOKS as HUNG_LOOKS
from deployments.local.hangs import Hangs
from deployments.local.outages import Event, Outages
from deployments.local.platform import ServiceStatus, ask
from deployments.local.services import GATEWAY, PREFECT, WATCHMAN, WORKER
from deployments.local.supervisor import Supervisor
from slipway.errors import PlatformError
from slipway.settings import Settings

LOOK_SECONDS, LOOKS = 5.0, 3  # between two looks; at least so many come before a service counts as down
MLFLOW_SECONDS = 15.0  # between two looks at alias and stage of every model
STARTING = 120.0
MOST_WAITING = 1_000

logger = logging.getLogger("slipway.watchman")


def watch(settings: Settings) -> None:
    """Look until the process is ended. An event that Prefect does not take waits until it does, in memory."""
    outages, hangs, waiting = Outages(settings.down_seconds, STARTING), Hangs(), deque[Event](maxlen=MOST_WAITING)
    supervisor = Supervisor(settings.home)
    pause = min(LOOK_SECONDS, settings.down_seconds / LOOKS)
    hand_moves, next_look = HandMoves(settings), 0.0
    with client(settings) as http:
        while True:
            for service, reason in looks(settings, http):
                if event := outages.look(service.name, reason):
                    logger.warning("%s: %s, %s", event["event"], service.name, event["payload"]["reason"])
                    waiting.append(event)
                if hangs.look(service.name, service.pid, service.answering):
                    restart(service, supervisor)
            deliver(waiting, settings, http)
            if time.monotonic() >= next_look:
                hand_moves.look(http)
                next_look = time.monotonic() + MLFLOW_SECONDS
            time.sleep(pause)


def restart(service: ServiceStatus, supervisor: Supervisor) -> None:
    """Restart a program that hangs. A worker whose runs go on is left alone: they would end with it."""
    if service.name == WORKER and _has_runs(service):
        logger.warning("%s does not answer, and its runs go on; it is restarted when they have ended", service.name)
        return
    logger.warning("%s did not answer at %d looks in a row, so it is restarted", service.name, HUNG_LOOKS)
    try:
        supervisor.restart(service.name)
    except PlatformError as error:
        logger.error("%s was not restarted, and it is tried again: %s", service.name, error)


def _has_runs(worker: ServiceStatus) -> bool:
    try:
        return bool(worker.pid and psutil.Process(worker.pid).children())
    except psutil.NoSuchProcess:
        return False


def looks(settings: Settings, http: httpx.Client) -> Iterator[tuple[ServiceStatus, str]]:
    """Yield each service whose state is known, with the reason why it cannot be used; empty if it can."""
    found = {service.name: service for service in ask(settings, http)}
    for name, service in found.items():
        if name == WATCHMAN or (name == WORKER and not found[PREFECT].answering):  # a worker is asked through Prefect
            continue
        yield service, _reason(service, settings, http)


def deliver(waiting: deque[Event], settings: Settings, http: httpx.Client) -> None:
    """Hand the events to Prefect, oldest first; those that it does not take stay."""
    while waiting:
        event = f"{waiting[0]['event']} of {waiting[0]['resource']['prefect.resource.name']}"
        try:
            response = http.post(f"{settings.prefect_url}/api/events", json=[waiting[0]])
        except httpx.TransportError:
            logger.debug("%s waits for Prefect, which does not answer", event)
            return
        if response.is_server_error:
            logger.debug("%s waits for Prefect, which answered %d", event, response.status_code)
            return
        if response.is_success:
            logger.info("Prefect received %s", event)
        else:
            logger.error("Prefect refuses %s, so nobody is notified: %d %s", event, response.status_code, response.text[:500])
        waiting.popleft()


def _reason(service: ServiceStatus, settings: Settings, http: httpx.Client) -> str:
    if not service.answering:
        return f"it does not answer{f' at {service.url}' if service.url else ''}; supervisord says it is {service.state}"
    return _not_ready(settings, http) if service.name == GATEWAY else ""


def _not_ready(settings: Settings, http: httpx.Client) -> str:
    """Return why the gateway answers and yet not all of its models do, or its log cannot be written."""
    try:
        response = http.get(f"{settings.gateway_url}/health/ready")
    except httpx.TransportError as error:
        return f"it stopped answering at {settings.gateway_url}: {error}"
    if response.status_code == httpx.codes.OK:
        return ""
    return "; ".join(response.json().get("reasons", [])) or f"it is not ready: it answered {response.status_code}"


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every request
    watch(Settings.load())
