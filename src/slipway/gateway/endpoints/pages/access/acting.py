"""What an administrator does on a page: confirmed by a code where it lasts, logged with who and about whom, explained if refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from slipway.access.callers import GrantsChangedError
from slipway.access.keys import KeyNameTakenError, UnknownKeyError
from slipway.access.refusals import AccessError, LockedOutError, UnauthenticatedError, UndecidedError
from slipway.access.users import LastAdministratorError, UnknownUserError, UserNameTakenError
from slipway.errors import SlipwayError
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import ShownError
from slipway.gateway.endpoints.pages.session import session_of
from slipway.gateway.endpoints.pages.waiting import waiting
from slipway.gateway.endpoints.sessions import log_act
from slipway.gateway.parts import Parts
from slipway.gateway.replies import BAD_REQUEST, NOT_FOUND, Reply, RequestError
from slipway.gateway.routing import Call
from slipway.pages.rendering import FieldError
from slipway.pages.texts import text

T = TypeVar("T")

Again = Callable[[list[FieldError], int], Awaitable[Reply]]
"""Shows the form again, as it was filled in, with errors and with this status."""


@dataclass(frozen=True, slots=True)
class AccessChange(Generic[T]):
    """A change of users or keys. `what` and `about` are for the audit log, in the words of `slipway users` and `slipway keys`."""

    what: str
    about: str
    work: Callable[[Path], T]


async def give(parts: Parts, call: Call, act: AccessChange[T], again: Again) -> T:
    """Do what gives access, after a code of the administrator's app. It is logged before it is done, so that none is given unlogged.

    Raises:
        ShownError: The code is wrong, the act is refused, or it cannot be logged or stored now; the page says which.
        RequestError: 404, the user or key was removed in the meantime.
    """
    await _confirm(parts, call, again)
    try:
        await _log(parts, call, act)
        return await parts.gatekeeper.register(act.work)
    except (SlipwayError, RequestError) as error:
        raise await _refused(parts, call, error, again) from None


async def take_away(parts: Parts, call: Call, act: AccessChange[T], again: Again | None = None) -> None:
    """Do what takes access away, at once and without a code, and log it then. Raises as `give` does; without a form, the error itself."""
    try:
        await parts.gatekeeper.register(act.work)
        await _log(parts, call, act)
    except (SlipwayError, RequestError) as error:
        raise await _refused(parts, call, error, again) from None


async def refuse(errors: list[FieldError], again: Again) -> ShownError:
    """Return the error for a form with mistakes, which is shown again with them."""
    return ShownError(RequestError(400, BAD_REQUEST, "; ".join(error.message for error in errors)), await again(errors, 400))


async def _confirm(parts: Parts, call: Call, again: Again) -> None:
    language, code = language_of(parts, call.request), "".join(call.form.get("code").split())
    try:
        await parts.gatekeeper.confirm(session_of(call).caller.name, code, call.request.address)
    except (UnauthenticatedError, LockedOutError) as error:
        message = waiting(error, language) if isinstance(error, LockedOutError) else text(language, "account.wrong_code")
        raise await _shown(error, [FieldError("code", message)], again) from None
    except UndecidedError as error:
        raise await _refused(parts, call, error, again) from None


async def _log(parts: Parts, call: Call, act: AccessChange[T]) -> None:
    await log_act(parts.log, str(session_of(call).caller), act.what, act.about)


async def _refused(parts: Parts, call: Call, error: SlipwayError | RequestError, again: Again | None) -> Exception:
    language = language_of(parts, call.request)
    if isinstance(error, UnknownUserError | UnknownKeyError):
        return RequestError(404, NOT_FOUND, str(error))
    if again is None:
        return error
    if isinstance(error, LastAdministratorError):
        return await refuse([FieldError("", text(language, "access.last_administrator"))], again)
    if isinstance(error, GrantsChangedError):
        return await refuse([FieldError("", text(language, "access.roles_changed_now"))], again)
    if isinstance(error, UserNameTakenError | KeyNameTakenError):
        return await refuse([FieldError("name", text(language, "access.name_taken"))], again)
    if isinstance(error, AccessError | RequestError):
        return await _shown(error, [FieldError("", text(language, "access.unavailable"))], again)
    return error


async def _shown(error: AccessError | RequestError, errors: list[FieldError], again: Again) -> ShownError:
    page = await again(errors, error.status)
    return ShownError(RequestError(error.status, error.code, str(error), headers=error.headers), page.with_headers(tuple(error.headers)))
