"""The ASGI application: a request is routed, admitted, answered and sent; whatever happens on the way, it gets one reply."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from slipway.gateway import routing
from slipway.gateway.audit import AuditLog
from slipway.gateway.endpoints import Asked, Endpoints
from slipway.gateway.fleet import Fleet
from slipway.gateway.keys import Keys
from slipway.gateway.replies import INTERNAL_ERROR, UNAUTHENTICATED, Reply, RequestError
from slipway.gateway.request import CallerGone, Receive, Request, Scope, Send

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)


class App:
    """The main port's application; `for_model` gives the one of a model's own port."""

    def __init__(self, fleet: Fleet, keys: Keys, log: AuditLog) -> None:
        self._keys = keys
        self._endpoints = Endpoints(fleet, log)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._handle(scope["path"], False, scope, receive, send)

    def for_model(self, model: str) -> Application:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self._handle(f"{routing.MODELS}{model}{scope['path']}", True, scope, receive, send)

        return app

    async def _handle(self, path: str, own_port: bool, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        client = scope.get("client") or (None,)
        request = Request(scope["method"], path, dict(scope["headers"]), receive, client[0], own_port)
        try:
            reply = await self._reply(request)
        except CallerGone:
            return
        except RequestError as error:
            reply = error.reply()
        except Exception:
            logger.exception("request %s failed", request.id)
            message = f"the gateway failed; its log tells why under request {request.id}."
            reply = RequestError(500, INTERNAL_ERROR, message).reply()
        await _send(reply, request, send)

    async def _reply(self, request: Request) -> Reply:
        request.refuse_large()
        endpoint, model = routing.find(request.method, request.path)
        caller = self._admit(endpoint, request)
        return await self._endpoints.answer(endpoint, Asked(request, caller, model))

    def _admit(self, endpoint: routing.Endpoint, request: Request) -> str:
        """Return the caller's name, "" where none is needed. Nothing of the body has been read yet.

        Raises:
            RequestError: 401, the endpoint needs a credential and none that is valid came.
        """
        if endpoint.needs == "nothing":
            return ""
        sent = request.headers.get(b"authorization")
        if name := self._keys.authorize(sent):
            return name
        received = "a key that is not valid" if sent else "none"
        message = f"expected a valid API key in the header 'Authorization: Bearer <key>', received {received}."
        raise RequestError(401, UNAUTHENTICATED, message, headers=[(b"www-authenticate", b'Bearer realm="slipway"')])


async def _send(reply: Reply, request: Request, send: Send) -> None:
    headers = [
        (b"content-type", reply.content_type),
        (b"content-length", str(len(reply.body)).encode()),
        (b"x-request-id", request.id.encode()),
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
