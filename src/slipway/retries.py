"""Waiting until a condition is true, and repeating a call whose failure may heal.

The functions import tenacity, because loading it would slow down commands that retry nothing.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tenacity import RetryCallState

Result = TypeVar("Result")
Errors = type[Exception] | tuple[type[Exception], ...]
Heals = Callable[[Any, int], bool]


def wait_until(condition: Callable[[], Result], *, every: float, within: float | None = None, despite: Errors = ()) -> Result:
    """Call a condition until its result is true, and return that result. When the time is up, return the last one.

    Args:
        every: Seconds between two calls.
        within: Seconds after which it is not called again; None for no limit. It is called at least once.
        despite: Errors that mean "not yet". The last one is raised when the time is up.
    """
    from tenacity import Retrying, retry_if_exception_type, retry_if_not_result, stop_after_delay, stop_never, wait_fixed

    return Retrying(
        retry=retry_if_exception_type(despite) | retry_if_not_result(bool),
        wait=wait_fixed(every),
        stop=stop_never if within is None else stop_after_delay(within),
        retry_error_callback=_last,
    )(condition)


def retry(
    call: Callable[[], Result],
    *,
    pauses: Sequence[float],
    heals: Heals,
    spread: float = 0.0,
    report: Callable[[Any, float], None] | None = None,
) -> Result:
    """Call, and call again after each pause while the outcome may heal. Return the last result, or raise the last error.

    Args:
        pauses: Seconds before each repetition.
        heals: Whether another call may help, given the outcome (a result or an error) and the number of calls so far.
        spread: The fraction by which a pause is longer or shorter at random, so that not all callers come at once.
        report: Called before each pause with the outcome and the seconds of the pause.
    """
    from tenacity import Retrying

    return Retrying(**_policy(pauses, heals, spread, report))(call)


async def retry_async(call: Callable[[], Awaitable[Result]], *, pauses: Sequence[float], heals: Heals) -> Result:
    """Do as `retry` does, in an event loop."""
    from tenacity import AsyncRetrying

    return await AsyncRetrying(**_policy(pauses, heals))(call)


def _policy(
    pauses: Sequence[float], heals: Heals, spread: float = 0.0, report: Callable[[Any, float], None] | None = None
) -> dict[str, Any]:
    from tenacity import stop_after_attempt

    def wait(state: RetryCallState) -> float:
        pause = [*pauses, 0.0][state.attempt_number - 1]  # tenacity computes one more, after the last call
        return pause * random.uniform(1 - spread, 1 + spread)  # noqa: S311 - it spreads the callers

    def before_sleep(state: RetryCallState) -> None:
        if report:
            report(_outcome(state), state.upcoming_sleep)

    return {
        "retry": lambda state: heals(_outcome(state), state.attempt_number),
        "wait": wait,
        "stop": stop_after_attempt(len(pauses) + 1),
        "before_sleep": before_sleep,
        "retry_error_callback": _last,
    }


def _outcome(state: RetryCallState) -> Any:
    """Return the result of the last call, or its error."""
    return state.outcome.exception() or state.outcome.result() if state.outcome else None


def _last(state: RetryCallState) -> Any:
    return state.outcome.result() if state.outcome else None
