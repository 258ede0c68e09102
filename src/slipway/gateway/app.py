"""The ASGI application: a request is routed, admitted, answered and sent; whatever happens on the way, it gets one reply."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from slipway.access.gatekeeper import Gatekeeper
from slipway.access.refusals import AccessError, ForbiddenError
from slipway.audit import AuditLog, Refused
from slipway.gateway import routing
from slipway.gateway.endpoints import Asked, Endpoints
from slipway.gateway.logs import request_id
from slipway.gateway.network.headers import with_policy
from slipway.gateway.parts import Parts
from slipway.gateway.replies import INTERNAL_ERROR, Header, Reply, RequestError
from slipway.gateway.request import CallerGone, Receive, Request, Scope, Send
from slipway.gateway.versions.fleet import Fleet

BASIC: Header = (b"www-authenticate", b'Basic realm="slipway"')

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)


class App:
    """The main port's application; `for_model` gives the one of a model's own port."""

    def __init__(self, fleet: Fleet, gatekeeper: Gatekeeper, log: AuditLog, parts: Parts) -> None:
        self._fleet, self._gatekeeper, self._log, self._parts = fleet, gatekeeper, log, parts
        self._endpoints = Endpoints(fleet, gatekeeper, log, parts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._handle(scope["path"], False, scope, receive, send)

    def for_model(self, model: str) -> Application:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self._handle(f"{routing.MODELS}{model}{scope['path']}", True, scope, receive, send)

        return app

    async def _handle(self, path: str, own_port: bool, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        client = scope.get("client") or ("",)
        asked = Asked(Request(scope["method"], path, dict(scope["headers"]), receive, client[0], own_port))
        request_id.set(asked.request.id)
        try:
            reply = await self._reply(asked)
        except CallerGone:
            return
        except RequestError as error:
            reply = self._refused(asked, error)
        except AccessError as error:
            basic = asked.endpoint is not None and asked.endpoint.basic and error.status == 401
            headers = (*error.headers, BASIC) if basic else error.headers
            reply = self._refused(asked, RequestError(error.status, error.code, str(error), headers=headers))
        except Exception:
            logger.exception("request %s failed", asked.request.id)
            message = f"the gateway failed; its log tells why under request {asked.request.id}."
            reply = self._refused(asked, RequestError(500, INTERNAL_ERROR, message))
        self._count(asked, reply)
        security = self._parts.security
        await _send(reply, asked.request, with_policy(security, reply.policy) if reply.policy else security, send)

    async def _reply(self, asked: Asked) -> Reply:
        request = asked.request
        await self._parts.limits.address(request.address)
        request.refuse_large()
        asked.endpoint, asked.model = routing.find(request.method, request.path)
        headers = await self._admit(asked, asked.endpoint)
        reply = await self._endpoints.answer(asked.endpoint, asked)
        return reply.with_headers(headers) if headers else reply

    async def _admit(self, asked: Asked, endpoint: routing.Endpoint) -> tuple[Header, ...]:
        """Find out who asks, and return what the reply says of that caller's limit. Nothing of the body has been read yet.

        Raises:
            AccessError: Nobody who may ask this.
            RequestError: 429, the caller asks too often.
        """
        if endpoint.needs == "nothing":
            return ()
        caller = asked.caller = await self._gatekeeper.authenticate(asked.request.headers.get(b"authorization"), basic=endpoint.basic)
        headers = await self._parts.limits.caller(str(caller))
        if endpoint.needs != "any":
            caller.require(endpoint.needs, asked.model or None)
        elif asked.model and not caller.sees(asked.model):
            raise ForbiddenError(f"{caller}: expected a role for {asked.model[:60]}, which was not granted.")
        return headers

    def _refused(self, asked: Asked, error: RequestError) -> Reply:
        request = asked.request
        self._parts.metrics.refused(error.code)
        self._log.refuse(
            Refused(
                request_id=request.id,
                time=request.arrived,
                key=asked.caller_name,
                address=request.address,
                method=request.method,
                path=request.path,
                status=error.status,
                code=error.code,
                violations=error.total or 0,
            )
        )
        return error.reply()

    def _count(self, asked: Asked, reply: Reply) -> None:
        """Names that callers invent must not become series of their own."""
        model = asked.model if asked.model and self._fleet.knows(asked.model) else ""
        endpoint = asked.endpoint.name if asked.endpoint else ""
        self._parts.metrics.answered(model, endpoint, reply.status, time.perf_counter() - asked.request.started)


async def _send(reply: Reply, request: Request, security: tuple[Header, ...], send: Send) -> None:
    headers = [
        (b"content-type", reply.content_type),
        (b"content-length", str(len(reply.body)).encode()),
        (b"x-request-id", request.id.encode()),
        *security,
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
