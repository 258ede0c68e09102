"""`POST /models/<name>/outcomes`: all outcomes of a request are recorded, or none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from slipway.audit import AuditError, OutcomeRequest, UnfitError
from slipway.gateway.bodies.outcomes import decode, refusal, unfit
from slipway.gateway.bodies.sizes import LARGE
from slipway.gateway.endpoints.version import of_version
from slipway.gateway.metrics.declarations import OUTCOMES
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply, as_json, unavailable
from slipway.gateway.routing import Call

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment


@of_version
async def outcomes(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    request, contract = call.request, deployment.contract
    body = await request.body()
    async with parts.places:
        if len(body) > LARGE:
            claims, wrong = await asyncio.to_thread(decode, request.content_type, body, contract)
        else:
            claims, wrong = decode(request.content_type, body, contract)
        try:
            done = await parts.book.record(OutcomeRequest(request.id, call.caller_name, call.model), claims, write=not wrong)
        except UnfitError as error:
            wrong += unfit(claims, error.claims, contract)
        except AuditError as error:
            raise unavailable(str(error), retry_after=5) from None
    if wrong:
        raise refusal(contract, wrong, len(wrong))
    kinds = msgspec.to_builtins(done)
    for kind, number in kinds.items():
        parts.metrics.add(OUTCOMES, number, call.model, kind)
    return as_json(kinds)
