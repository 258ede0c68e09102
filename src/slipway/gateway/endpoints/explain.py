"""`POST /models/<name>/explain`: the answers of `/predict`, each with what every column adds to it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from slipway.errors import BundleError
from slipway.gateway.bodies import explanations
from slipway.gateway.bodies.shapes import ScoredRows
from slipway.gateway.endpoints.predict import answer, record, since
from slipway.gateway.endpoints.version import of_version
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply, as_json, unavailable
from slipway.gateway.routing import Call
from slipway.gateway.versions.answering import Decode

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment
    from slipway.explaining.explanation import Explanation

logger = logging.getLogger(__name__)


@of_version
async def explain(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    scored, found = await explained_rows(explanations.decode, deployment, parts, call, await call.request.body())
    return as_json(explanations.answer(scored, found, (call.deployment or deployment).contract, call.request.id))


async def explained_rows(
    decode: Decode, deployment: Deployment, parts: Parts, call: Call, body: bytes, *, required: bool = True
) -> tuple[ScoredRows, list[Explanation]]:
    """Return the answers to the rows of a body and their explanations, when both are in the audit log.

    `call.deployment` is the version that answered. They are explained in a thread, while other callers are answered.

    Args:
        required: Whether an answer without its explanation is refused; if not, it has none.
    Raises:
        RequestError: The rows are refused, no place is free, the log cannot be written; 503, the bundle cannot be read.
    """
    async with parts.explaining:
        async with parts.places:
            scored, shadow = await answer(decode, deployment, parts, call, body)
            latency = since(call)  # of the answer alone, because the log's latencies are compared
        answered = call.deployment or deployment
        try:
            found = await asyncio.to_thread(_explain, answered, scored)
        except BundleError:
            contract = answered.contract
            logger.exception("%s version %s cannot be explained", contract.model, contract.version)
            if required:
                message = f"{contract.model} version {contract.version} cannot be explained now; the gateway's log says why."
                raise unavailable(message, retry_after=60) from None
            found = []
        await record(scored, answered.contract, parts, call, latency, found)
    if shadow:
        parts.shadows.put(shadow)
    return scored, found


def _explain(deployment: Deployment, scored: ScoredRows) -> list[Explanation]:
    from slipway.explaining.explaining import explain_rows  # needs NumPy, which the gateway loads with its first bundle

    return explain_rows(deployment, scored.columns, scored.labels)
