"""A mistake of the person who started a run: the run ends as Declined, with the reason, and no automation notifies anybody."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from prefect.client.schemas import State
from prefect.states import Failed

from flows.cancelling import cancelled, why_cancelled
from slipway.errors import DeclinedError, ReleaseInProgressError
from slipway.files.storage import storage_at_fault
from slipway.settings import home_folder

DECLINED = "Declined"

P = ParamSpec("P")
T = TypeVar("T")


def declines(*mistakes: type[Exception]) -> Callable[[Callable[P, T]], Callable[P, T | State[Any]]]:
    """Decorate the function of a flow: an error that is the mistake of a person ends the run as Declined.

    A run that a schedule or an alarm started fails as usual, because no person reads its end, unless another release of the model runs.
    Ctrl-C ends a run of the shell as Cancelled. A full disk, a busy database and the like are named, whatever library met them.

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
            except BaseException as error:
                if why := why_cancelled(error):
                    return cancelled(why)
                if isinstance(error, Exception) and (found := storage_at_fault(error, home_folder())) and found is not error:
                    raise found from error
                raise

        # Prefect resolves the names of annotations in the module of the function that it is given, which is this one
        run.__signature__ = inspect.signature(flow, eval_str=True)  # type: ignore[attr-defined]
        return run

    return decorate


def _of_a_person() -> bool:
    from tasks.origin import origin  # rarely needed

    return origin().person
