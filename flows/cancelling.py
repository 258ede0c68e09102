"""A run of the shell that a person cancels ends as Cancelled: Prefect would call it crashed, and an automation would notify people.

Runs of a worker are left to it: it ends their processes and their states.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from prefect.client.schemas import State
from prefect.context import FlowRunContext
from prefect.exceptions import TerminationSignal
from prefect.states import Cancelled

BY_CTRL_C, BY_SIGTERM = "cancelled by Ctrl-C", "cancelled by SIGTERM or in the run page"

_at_the_shell: ContextVar[bool] = ContextVar("at_the_shell", default=False)


@contextmanager
def at_the_shell() -> Iterator[None]:
    """Have the flows that begin inside end as Cancelled when this process is interrupted."""
    before = _at_the_shell.set(True)
    try:
        yield
    finally:
        _at_the_shell.reset(before)


def why_cancelled(error: BaseException) -> str:
    """Return which signal ended a run of the shell; "" if none did, or if the run is not the shell's.

    A signal that arrives while Prefect begins or ends a task hides behind an error of Prefect.
    """
    one: BaseException | None = error if _at_the_shell.get() else None
    while one is not None:
        if isinstance(one, KeyboardInterrupt | TerminationSignal):
            return BY_CTRL_C if isinstance(one, KeyboardInterrupt) else BY_SIGTERM
        one = one.__context__
    return ""


def cancelled(why: str) -> State[Any]:
    """Put back what the current run left half-done, and return the state to end in."""
    state: State[Any] = Cancelled(message=why)
    if (context := FlowRunContext.get()) and context.flow and context.flow_run:
        for put_back in context.flow.on_cancellation_hooks:
            put_back(context.flow, context.flow_run, state)
    return state
