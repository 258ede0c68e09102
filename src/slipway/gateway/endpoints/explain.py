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

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment
    from slipway.explaining.explanation import Explanation

logger = logging.getLogger(__name__)


@of_version
async def explain(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    body = await call.request.body()
    async with parts.explaining:
        async with parts.places:
            scored, shadow = await answer(explanations.decode, deployment, parts, call, body)
            latency = since(call)  # of the answer alone, because the log's latencies are compared
        answered = call.deployment or deployment
        found = await _explained(answered, scored)
        await record(scored, answered.contract, parts, call, latency, found)
    if shadow:
        parts.shadows.put(shadow)
    return as_json(explanations.answer(scored, found, answered.contract, call.request.id))


async def _explained(deployment: Deployment, scored: ScoredRows) -> list[Explanation]:
    """Explain in a thread, while other callers are answered.

    Raises:
        RequestError: 503, the bundle cannot be read.
    """
    try:
        return await asyncio.to_thread(_explain, deployment, scored)
    except BundleError:
        contract = deployment.contract
        logger.exception("%s version %s cannot be explained", contract.model, contract.version)
        message = f"{contract.model} version {contract.version} cannot be explained now; the gateway's log says why."
        raise unavailable(message, retry_after=60) from None


def _explain(deployment: Deployment, scored: ScoredRows) -> list[Explanation]:
    from slipway.explaining.explaining import explain_rows  # needs NumPy, which the gateway loads with its first bundle

    return explain_rows(deployment, scored.columns, scored.labels)
