"""All checks of `slipway status`. A new one is a function in a file of this folder and a line in `CHECKS`."""

from __future__ import annotations

from collections.abc import Collection

from deployments.checks import machine, service, work
from deployments.checks.finding import Asked, Check, Finding
from deployments.local.services import PREFECT
from deployments.server.prefect_api import PrefectServer
from slipway.errors import SlipwayError
from slipway.settings import Settings

PATIENCE = 5.0  # seconds for each answer of Prefect

# the name of the line -> its check, in the order in which they are shown
CHECKS: dict[str, Check] = {
    "work pool": work.pool,
    "work queues": work.queues,
    "deployments": work.deployments,
    "limits": work.limits,
    "schedules": work.schedules,
    "late runs": work.late_runs,
    "model files": service.model_files,
    "models": service.models,
    "records": service.records,
    "audit log": service.audit_log,
    "notifications": service.notifications,
    "disk": machine.disk,
    "certificates": machine.certificates,
}
OF_PREFECT = ("work pool", "work queues", "deployments", "limits", "schedules", "late runs")


def findings(settings: Settings, answering: Collection[str]) -> dict[str, Finding]:
    """Return the answer of every check, by name. A check that cannot get its answer says so, and stops no other.

    Args:
        answering: The programs that run and answer.
    """
    with PrefectServer(f"{settings.prefect_url}/api", PATIENCE) as prefect:
        asked = Asked(settings, frozenset(answering), prefect)
        return {name: _finding(name, check, asked) for name, check in CHECKS.items()}


def _finding(name: str, check: Check, asked: Asked) -> Finding:
    if name in OF_PREFECT and PREFECT not in asked.answering:
        return Finding("unknown", "Prefect does not answer", "slipway up")
    try:
        return check(asked)
    except SlipwayError as error:
        return Finding("unknown", str(error), "slipway status")
