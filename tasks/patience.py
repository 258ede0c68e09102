"""Which failures of a step heal by themselves, how often it is tried again, and how long it may take.

A step that is tried again must be safe to repeat; each says beside its own code why it is. A time-out is for one attempt. It interrupts
any wait, but a computation only between two calls of a library. A flow has no time-out, because inside one the time-outs of its steps
would interrupt nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from slipway.errors import EndpointUnreachableError, GatewayUnreachableError, OriginUnreachableError
from slipway.files import storage
from slipway.retries import retry
from slipway.tracking.connection import is_away, without_password

logger = logging.getLogger("slipway.tasks.patience")

Result = TypeVar("Result")

MINUTE, HOUR = 60, 3600
MLFLOW_DELAYS = (2, 4, 8, 16, 32, 64)
GATEWAY_RETRIES = 3  # it is supervised and back in seconds; if it is not, waiting does not help


def heals(_task: Any, run: Any, state: Any) -> bool:
    """Return whether to try a step again: after no answer, or 5xx. What is refused, changed, missing or wrong stays so."""
    error = state.result(raise_on_failure=False)
    again = _heals(error, run.run_count)
    if again:
        of = f"attempt {run.run_count} of {_task.retries + 1}"
        logger.warning("%s, %s: %s; it is tried again", run.name, of, without_password(error))
    return again


def retrying(*delays: int) -> dict[str, Any]:
    """Return the options of a task that is tried again after each of these delays: seconds, give or take half."""
    return {"retries": len(delays), "retry_delay_seconds": list(delays), "retry_jitter_factor": 0.5, "retry_condition_fn": heals}


def patiently(step: Callable[[], Result], delays: tuple[int, ...] = MLFLOW_DELAYS) -> Result:
    """Call a step again while its failure can heal, within one attempt of a task.

    It is for the steps of a transaction, which must have no retries: Prefect rolls the transaction back when an attempt fails.
    """
    return retry(step, pauses=delays, heals=_heals, spread=0.5, report=_log)


def _log(error: object, seconds: float) -> None:
    logger.warning("%s; it is tried again in %.0f s", without_password(error), seconds)


def _heals(error: Any, attempts: int) -> bool:
    if isinstance(error, Exception) and not storage.heals(error):
        return False
    if isinstance(error, GatewayUnreachableError | EndpointUnreachableError):
        return attempts <= GATEWAY_RETRIES
    return isinstance(error, OriginUnreachableError) or is_away(error)


FOR_ORIGIN = retrying(2, 8, 30)
FOR_MLFLOW = retrying(*MLFLOW_DELAYS)
FOR_MLFLOW_AT_FIRST = retrying(*MLFLOW_DELAYS[:4])  # nothing is lost yet, and a wrong address should be reported soon
