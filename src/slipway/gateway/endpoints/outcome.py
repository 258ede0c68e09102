"""`POST /models/<name>/outcomes`: all outcomes of a request are recorded, or none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from slipway.audit import AuditError, Claim, OutcomeCounts, OutcomeRequest, UnfitError
from slipway.gateway.bodies.outcomes import decode, refusal, unfit
from slipway.gateway.bodies.sizes import LARGE
from slipway.gateway.endpoints.version import of_version
from slipway.gateway.metrics.declarations import OUTCOMES
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply, as_json, unavailable
from slipway.gateway.routing import Call
from slipway.rows.checks import Violation

if TYPE_CHECKING:
    from slipway.bundle.contract import Contract
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
        done = await record_claims(parts, call, contract, claims, wrong)
    return as_json(msgspec.to_builtins(done))


async def record_claims(parts: Parts, call: Call, contract: Contract, claims: Sequence[Claim], wrong: list[Violation]) -> OutcomeCounts:
    """Return when all outcomes of a request are in the audit log.

    Args:
        wrong: What is wrong with the request so far. With it, the outcomes are only checked, to report all that is wrong.
    Raises:
        RequestError: 400, some are wrong, and nothing was recorded; 503, the log cannot be written.
    """
    model, wrong = contract.model, [*wrong]
    try:
        done = await parts.book.record(OutcomeRequest(call.request.id, call.caller_name, model), claims, write=not wrong)
    except UnfitError as error:
        wrong += unfit(claims, error.claims, contract)
    except AuditError as error:
        raise unavailable(str(error), retry_after=5) from None
    if wrong:
        raise refusal(contract, wrong, len(wrong))
    for kind, number in msgspec.to_builtins(done).items():
        parts.metrics.add(OUTCOMES, number, model, kind)
    return done
