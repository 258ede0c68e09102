"""Handlers that need the version in service: they get it as an argument, and their replies name it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache, wraps
from typing import TYPE_CHECKING

from slipway.gateway.parts import Parts
from slipway.gateway.replies import NOT_FOUND, Header, Reply, RequestError, unavailable
from slipway.gateway.routing import Call, Handler
from slipway.gateway.versions.fleet import ServedFleet

if TYPE_CHECKING:
    from slipway.bundle.contract import Contract
    from slipway.bundle.deployment import Deployment


def of_version(handler: Callable[[Parts, Call, Deployment], Awaitable[Reply]]) -> Handler:
    """Give a handler the version in service, and name in the reply's headers the version that answered or refused.

    Raises:
        RequestError: 404 or 503, no version of the model is in service.
    """

    @wraps(handler)
    async def with_version(parts: Parts, call: Call) -> Reply:
        deployment = call.deployment = in_service(parts.fleet, call.model)
        try:
            reply = await handler(parts, call, deployment)
        except RequestError as error:
            error.headers += _identity(call.deployment.contract)
            raise
        return reply.with_headers(_identity(call.deployment.contract))

    return with_version


def unknown(model: str) -> RequestError:
    return RequestError(404, NOT_FOUND, f"no model {model[:60]!r} is in service; GET /models lists those that are.")


def in_service(fleet: ServedFleet, model: str) -> Deployment:
    """Return the version in service. Raises RequestError: 404 or 503, there is none."""
    if deployment := fleet.find(model):
        return deployment
    if fleet.starting(model):
        raise unavailable(f"{model} is being loaded; try again in a second.", retry_after=1)
    if fleet.failed(model):
        message = f"{model} has no version in service: its last installation failed; GET /models/{model} says why."
        raise RequestError(404, NOT_FOUND, message)
    raise unknown(model)


def _identity(contract: Contract) -> tuple[Header, ...]:
    return _headers(contract.model, contract.version, contract.run_id)


@lru_cache(maxsize=256)
def _headers(model: str, version: int | None, run_id: str) -> tuple[Header, ...]:
    found = {b"x-slipway-model": model, b"x-slipway-version": str(version), b"x-slipway-run": run_id}
    return tuple((name, value.encode()) for name, value in found.items())
