"""The gateway's own paths: whether it lives and is ready, its counts, its version and its document."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

from slipway.gateway.openapi import documents
from slipway.gateway.parts import Parts
from slipway.gateway.replies import Reply
from slipway.gateway.routing import Call


async def ping(_: Parts, __: Call) -> Reply:
    return Reply(200, b"\n")


async def live(parts: Parts, _: Call) -> Reply:
    return parts.health.live()


async def ready(parts: Parts, _: Call) -> Reply:
    return parts.health.ready()


async def metrics(parts: Parts, _: Call) -> Reply:
    return await parts.exposition()


async def gateway_version(_: Parts, __: Call) -> Reply:
    return Reply(200, _version().encode())


async def gateway_openapi(_: Parts, call: Call) -> Reply:
    return Reply(200, documents.of_gateway(_version(), f"{call.request.base}/"))


@cache
def _version() -> str:
    return version("slipway")
