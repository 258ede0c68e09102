"""Runs that a person ends early: by a mistake, as Declined, or by Ctrl-C, as Cancelled. No automation notifies anybody of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from prefect.client.schemas import State
from prefect.context import FlowRunContext
from prefect.exceptions import TerminationSignal
from prefect.states import Cancelled, Failed

from slipway.errors import DeclinedError, ReleaseInProgressError
from slipway.files.storage import storage_at_fault
from slipway.settings import home_folder

DECLINED = "Declined"
BY_CTRL_C, BY_SIGTERM = "cancelled by Ctrl-C", "cancelled by SIGTERM"
AT_THE_SHELL: ContextVar[bool] = ContextVar("AT_THE_SHELL", default=False)  # whether a command of the shell runs the flow

P = ParamSpec("P")
T = TypeVar("T")


def declines(*mistakes: type[Exception]) -> Callable[[Callable[P, T]], Callable[P, T | State[Any]]]:
    """Decorate the function of a flow: an error that is the mistake of a person ends the run as Declined, and Ctrl-C as Cancelled.

    A run that a schedule or an alarm started fails as usual, because no person reads its end, unless another release of the model runs.
    A full disk, a busy database and the like are named, whatever library met them.

    Args:
        mistakes: Errors that are mistakes in this flow, besides `DeclinedError`.
    """

    declined: tuple[type[Exception], ...] = (DeclinedError, *mistakes)

    def decorate(flow: Callable[P, T]) -> Callable[P, T | State[Any]]:
        @wraps(flow)
        def run(*args: P.args, **kwargs: P.kwargs) -> T | State[Any]:
            try:
                return flow(*args, **kwargs)
            except declined as error:
                if not isinstance(error, ReleaseInProgressError) and not _of_a_person():
                    raise
                return Failed(name=DECLINED, message=str(error), data=error)
            except (KeyboardInterrupt, TerminationSignal, Exception) as error:
                end = _signal_in(error)
                if end is None and (found := storage_at_fault(error, home_folder())):
                    raise found from error
                if end is None or not AT_THE_SHELL.get():  # a worker ends its runs itself
                    raise
                return _cancelled(BY_CTRL_C if isinstance(end, KeyboardInterrupt) else BY_SIGTERM)

        # Prefect resolves the names of annotations in the module of the function that it is given, which is this one
        run.__signature__ = inspect.signature(flow, eval_str=True)  # type: ignore[attr-defined]
        return run

    return decorate


def _of_a_person() -> bool:
    from tasks.origin import origin  # rarely needed

    return origin().person


def _signal_in(error: BaseException) -> BaseException | None:
    """Return the signal that ended the run. One that arrives while Prefect begins or ends a task hides behind an error of Prefect."""
    while error and not isinstance(error, (KeyboardInterrupt, TerminationSignal)):
        if error.__context__ is None:
            return None
        error = error.__context__
    return error


def _cancelled(why: str) -> State[Any]:
    """Put back what the run left half-done. Prefect itself would call it crashed, and an automation would notify people."""
    state: State[Any] = Cancelled(message=why)
    if (context := FlowRunContext.get()) and context.flow and context.flow_run:
        for put_back in context.flow.on_cancellation_hooks:
            put_back(context.flow, context.flow_run, state)
    return state
