"""`POST /models/<name>/predict` and `/invocations`: decode, check and run; the reply leaves when the answer is in the audit log."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from slipway.audit import Answered, AuditError
from slipway.gateway.bodies import mlflow, predictions
from slipway.gateway.bodies.shapes import Columns, ScoredRows
from slipway.gateway.bodies.sizes import LARGE
from slipway.gateway.endpoints.version import of_version
from slipway.gateway.metrics.declarations import AUDIT_DROPPED, AUDIT_LINES, ROWS
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply, as_json, unavailable
from slipway.gateway.routing import Call
from slipway.gateway.versions.answering import Decode, checked, score
from slipway.gateway.versions.shadowing import ShadowRequest
from slipway.gateway.versions.splitting import Turn
from slipway.rows.subjects import Subjects

if TYPE_CHECKING:
    from slipway.bundle.contract import Contract
    from slipway.bundle.deployment import Deployment


@of_version
async def invocations(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    scored = await _score(_without_subjects, deployment, parts, call)
    return as_json({"predictions": scored.labels})


@of_version
async def predict(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    scored = await _score(predictions.decode, deployment, parts, call)
    contract = (call.deployment or deployment).contract
    return as_json(predictions.answer(scored, contract, call.request.id))


async def _score(decode: Decode, deployment: Deployment, parts: Parts, call: Call) -> ScoredRows:
    body = await call.request.body()
    async with parts.places:
        return await _score_body(decode, deployment, parts, call, body)


async def _score_body(decode: Decode, deployment: Deployment, parts: Parts, call: Call, body: bytes) -> ScoredRows:
    request, large = call.request, len(body) > LARGE
    challenger = parts.fleet.challengers.beside(deployment)
    turn = Turn(challenger, request.id) if challenger else None
    if large:
        scored = await asyncio.to_thread(score, decode, deployment, request.content_type, body, turn)
    elif turn or parts.places.busy == 1:
        scored = score(decode, deployment, request.content_type, body, turn)
    else:
        scored = await _score_in_a_batch(decode, deployment, parts, request.content_type, body)
    other = challenger.deployment if challenger else None
    if other and scored.by_challenger:
        deployment, other = other, deployment
        call.deployment = deployment
    answered = Answered(
        request_id=request.id,
        time=request.arrived,
        key=call.caller_name,
        contract=deployment.contract,
        columns=scored.columns,
        labels=scored.labels,
        probabilities=scored.probabilities,
        latency_ms=(time.perf_counter() - request.started) * 1e3,
        subjects=scored.subjects or None,
        address=request.address,
    )
    try:
        await parts.log.record(answered)
    except AuditError as error:
        parts.metrics.add(AUDIT_DROPPED, answered.size)
        raise unavailable(str(error), retry_after=5) from None
    parts.metrics.add(AUDIT_LINES, answered.size)
    parts.metrics.add(ROWS, answered.size, call.model)
    if other:
        parts.shadows.put(ShadowRequest(other, request.id, request.arrived, scored.columns, scored.labels, large))
    return scored


async def _score_in_a_batch(decode: Decode, deployment: Deployment, parts: Parts, content_type: str, body: bytes) -> ScoredRows:
    """Score a body together with the others that came in the same turn of the event loop."""
    columns, subjects = checked(decode, deployment.contract, content_type, body)
    labels, probabilities = await parts.batches.predict(deployment, columns)
    return ScoredRows(columns, labels, probabilities, subjects)


def _without_subjects(content_type: str, body: bytes, contract: Contract) -> tuple[Columns, Subjects]:
    return mlflow.decode(content_type, body, contract), ()
