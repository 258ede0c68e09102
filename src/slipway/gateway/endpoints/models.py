"""The models: which there are, what is in service, and the reports about them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.access.callers import NAME
from slipway.gateway.endpoints.version import of_version, unknown
from slipway.gateway.network.headers import SCRIPTED_PAGE
from slipway.gateway.parts import Parts
from slipway.gateway.replies import NOT_FOUND, Reply, RequestError, as_json
from slipway.gateway.routing import MODELS, Call
from slipway.monitoring.published import report_of

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment

HTML = b"text/html; charset=utf-8"


async def models(parts: Parts, call: Call) -> Reply:
    """Answer with the models for which the caller has a role."""
    caller = call.caller
    visible = [model for model in parts.fleet.models() if caller and caller.sees(model)]
    return as_json([parts.workers.agreed(parts.fleet.status(model)) for model in visible])


async def summary(parts: Parts, call: Call) -> Reply:
    if not parts.fleet.knows(call.model):
        raise unknown(call.model)
    return as_json(parts.workers.agreed(parts.fleet.status(call.model)))


async def report(parts: Parts, call: Call) -> Reply:
    model = call.model
    found = await asyncio.to_thread(report_of, Path(parts.configuration.home), model) if NAME.fullmatch(model) else None
    if found is None:
        message = f"there is no report about {model[:60]!r} yet; `slipway watch {model[:60]}` makes one, and so does its schedule."
        raise RequestError(404, NOT_FOUND, message)
    return Reply(200, found, HTML, security=SCRIPTED_PAGE)


@of_version
async def model_ping(_: Parts, __: Call, ___: Deployment) -> Reply:
    return Reply(200, b"\n")


@of_version
async def model_version(_: Parts, __: Call, deployment: Deployment) -> Reply:
    return Reply(200, deployment.contract.mlflow_version.encode())


@of_version
async def model_openapi(parts: Parts, call: Call, deployment: Deployment) -> Reply:
    request = call.request
    server = f"{request.base}/" if request.own_port else f"{request.base}{MODELS}{call.model}"
    return Reply(200, parts.documents.of_model(deployment.installation, deployment.contract, server))
