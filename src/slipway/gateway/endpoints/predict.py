"""`POST /models/<name>/predict` and `/invocations`: decode, check and run; the reply leaves when the answer is in the audit log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slipway.audit import Answered, AuditError, Explained
from slipway.gateway.bodies import mlflow, predictions
from slipway.gateway.bodies.shapes import Columns, ScoredRows
from slipway.gateway.bodies.sizes import LARGE
from slipway.gateway.endpoints.version import of_version
from slipway.gateway.metrics.declarations import AUDIT_DROPPED, AUDIT_LINES, ROWS
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply, as_json, unavailable
from slipway.gateway.request import Request
from slipway.gateway.routing import Call
from slipway.gateway.versions.answering import Decode, checked, score
from slipway.gateway.versions.shadowing import ShadowRequest
from slipway.gateway.versions.splitting import Turn
from slipway.rows.subjects import Subjects

if TYPE_CHECKING:
    from slipway.bundle.contract import Contract
    from slipway.bundle.deployment import Deployment
    from slipway.explaining.explanation import Explanation


@of_version
async def invocations(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    scored = await scored_rows(_without_subjects, deployment, parts, call, await call.request.body())
    return as_json({"predictions": scored.labels})


@of_version
async def predict(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    scored = await scored_rows(predictions.decode, deployment, parts, call, await call.request.body())
    contract = (call.deployment or deployment).contract
    return as_json(predictions.answer(scored, contract, call.request.id))


async def scored_rows(decode: Decode, deployment: Deployment, parts: Parts, call: Call, body: bytes) -> ScoredRows:
    """Return the answers to the rows of a body. They are in the audit log, and `call.deployment` is the version that answered.

    Raises:
        RequestError: The rows are refused, no place is free, or the log cannot be written.
    """
    async with parts.places:
        scored, shadow = await answer(decode, deployment, parts, call, body)
        await record(scored, (call.deployment or deployment).contract, parts, call, since(call))
        if shadow:
            parts.shadows.put(shadow)
        return scored


async def answer(decode: Decode, deployment: Deployment, parts: Parts, call: Call, body: bytes) -> tuple[ScoredRows, ShadowRequest | None]:
    """Return the answers to all rows of a body, and the request for the version that did not answer, if there is one.

    The caller holds a place. If the challenger answers, it becomes the call's deployment.
    """
    request = call.request
    challenger = parts.fleet.challengers.beside(deployment)
    turn = Turn(challenger, request.id, request.version) if challenger else None
    scored = await _score_body(decode, deployment, parts, request, body, turn)
    other = challenger.deployment if challenger else None
    if other and scored.by_challenger:
        deployment, other = other, deployment
        call.deployment = deployment
    if other is None:
        return scored, None
    return scored, ShadowRequest(
        deployment=other,
        request_id=request.id,
        time=request.arrived,
        columns=scored.columns,
        labels=scored.labels,
        large=len(body) > LARGE,
    )


async def _score_body(decode: Decode, deployment: Deployment, parts: Parts, request: Request, body: bytes, turn: Turn | None) -> ScoredRows:
    if len(body) > LARGE:
        return await asyncio.to_thread(score, decode, deployment, request.content_type, body, turn)
    if turn or parts.places.busy == 1:
        return score(decode, deployment, request.content_type, body, turn)
    # together with the other requests of this turn of the event loop
    columns, subjects = checked(decode, deployment.contract, request.content_type, body)
    labels, probabilities = await parts.batches.predict(deployment, columns)
    return ScoredRows(columns, labels, probabilities, subjects)


async def record(
    scored: ScoredRows, contract: Contract, parts: Parts, call: Call, latency_ms: float, explanations: Sequence[Explanation] = ()
) -> None:
    """Return when the answer is in the audit log, with its explanations if it has any.

    Raises:
        RequestError: 503, the log cannot be written.
    """
    request = call.request
    answered = Answered(
        request_id=request.id,
        time=request.arrived,
        key=call.caller_name,
        contract=contract,
        columns=scored.columns,
        labels=scored.labels,
        probabilities=scored.probabilities,
        latency_ms=latency_ms,
        subjects=scored.subjects or None,
        address=request.address,
    )
    try:
        await parts.log.record(answered)
        if explanations:
            await parts.log.record(Explained(request.id, request.arrived, contract, explanations))
    except AuditError as error:
        parts.metrics.add(AUDIT_DROPPED, answered.size)
        raise unavailable(str(error), retry_after=5) from None
    parts.metrics.add(AUDIT_LINES, answered.size)
    parts.metrics.add(ROWS, answered.size, call.model)


def since(call: Call) -> float:
    """Return the milliseconds since the request came."""
    return (time.perf_counter() - call.request.started) * 1e3


def _without_subjects(content_type: str, body: bytes, contract: Contract) -> tuple[Columns, Subjects]:
    return mlflow.decode(content_type, body, contract), ()
