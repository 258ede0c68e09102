"""Trying again: one way to wait for what is not yet so, and one to repeat what may heal.

tenacity is imported when something is tried: it loads asyncio, which no quick command needs.
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
Report = Callable[[Any, float], None]


def wait_until(condition: Callable[[], Result], *, every: float, within: float | None = None, despite: Errors = ()) -> Result:
    """Call a condition until it returns something true, and return that. When the time is up, return its last result.

    Args:
        every: Seconds between two calls.
        within: Seconds after which it is not called again; None for no limit. It is called once at least.
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
    call: Callable[[], Result], *, pauses: Sequence[float], heals: Heals, spread: float = 0.0, report: Report | None = None
) -> Result:
    """Call, and call again after each pause while the outcome may heal. Return the last result, or raise the last error.

    Args:
        pauses: Seconds; their number is that of the repetitions.
        heals: Gets the outcome, a result or an error, and how often it was called. Returns whether another call may help.
        spread: The part of a pause by which it is lengthened or shortened at random, so that not all callers come at once.
        report: Gets the outcome and the seconds until the next call.
    """
    from tenacity import Retrying

    return Retrying(**_policy(pauses, heals, spread, report))(call)


async def retry_async(call: Callable[[], Awaitable[Result]], *, pauses: Sequence[float], heals: Heals) -> Result:
    """Do as `retry` does, in an event loop."""
    from tenacity import AsyncRetrying

    return await AsyncRetrying(**_policy(pauses, heals))(call)


def _policy(pauses: Sequence[float], heals: Heals, spread: float = 0.0, report: Report | None = None) -> dict[str, Any]:
    from tenacity import stop_after_attempt

    def wait(state: RetryCallState) -> float:
        pause = [*pauses, 0.0][state.attempt_number - 1]  # tenacity asks also after the last call
        return pause * random.uniform(1 - spread, 1 + spread)  # noqa: S311 - it spreads callers

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
