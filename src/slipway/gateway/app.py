"""The ASGI application: it routes, admits and answers a request. Every request gets one reply, also after a failure."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from slipway.access.refusals import AccessError, ForbiddenError
from slipway.audit import Refused
from slipway.gateway.endpoints.browser.admission import admit
from slipway.gateway.endpoints.browser.errors import error_page
from slipway.gateway.endpoints.browser.showing import wants_page
from slipway.gateway.endpoints.routes import ROUTES
from slipway.gateway.logs import request_id
from slipway.gateway.metrics.declarations import REFUSALS, REQUEST_SECONDS, REQUESTS
from slipway.gateway.network.headers import replaced
from slipway.gateway.parts import Parts
from slipway.gateway.replies import INTERNAL_ERROR, NOT_FOUND, Header, Reply, RequestError
from slipway.gateway.request import ALLOW, REFUSAL, CallerGone, Receive, Request, Scope, Send
from slipway.gateway.routing import MODELS, Call, Route

BASIC: Header = (b"www-authenticate", b'Basic realm="slipway"')

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)


class App:
    """The main port's application; `for_model` gives the one of a model's own port."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._handle(scope["path"], False, scope, receive, send)

    def for_model(self, model: str) -> Application:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self._handle(f"{MODELS}{model}{scope['path']}", True, scope, receive, send)

        return app

    async def _handle(self, path: str, own_port: bool, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        client = scope.get("client") or ("",)
        headers, query = dict(scope["headers"]), scope.get("query_string", b"")
        call = Call(Request(scope["method"], path, headers, receive, client[0], own_port, scope.get(REFUSAL), query=query))
        call.request.allow = scope.get(ALLOW, call.request.allow)
        self._locate(call.request)
        request_id.set(call.request.id)
        try:
            reply = await self._reply(call)
        except CallerGone:
            return
        except RequestError as error:
            reply = await self._refused(call, error)
        except AccessError as error:
            basic = call.route is not None and call.route.basic and error.status == 401
            more = (*error.headers, BASIC) if basic else error.headers
            reply = await self._refused(call, RequestError(error.status, error.code, str(error), headers=more))
        except Exception:
            logger.exception("request %s failed", call.request.id)
            message = f"the gateway failed; its log says why under request {call.request.id}."
            reply = await self._refused(call, RequestError(500, INTERNAL_ERROR, message))
        self._count(call, reply)
        security = self._parts.security
        await _send(reply, call.request, replaced(security, reply.security) if reply.security else security, send)

    def _locate(self, request: Request) -> None:
        """Set where the request came from, if a trusted proxy says so."""
        try:
            request.address, request.base = self._parts.connections.proxies.origin(request.address, request.headers)
        except RequestError as error:
            request.refusal = request.refusal or error

    async def _reply(self, call: Call) -> Reply:
        request = call.request
        await self._parts.limits.address(request.address)
        if request.refusal:
            raise request.refusal
        if not ROUTES.take_file(request.method, request.path):
            request.refuse_large()
        route, call.model = ROUTES.find(request.method, request.path, own_port=request.own_port)
        call.route = route
        if route.page:
            return await admit(self._parts, call, route) or await route.handler(self._parts, call)
        headers = await self._admit(call, route)
        reply = await route.handler(self._parts, call)
        return reply.with_headers(headers) if headers else reply

    async def _admit(self, call: Call, route: Route) -> tuple[Header, ...]:
        """Identify the caller, and return the headers about the caller's limit. Nothing of the body has been read yet.

        Raises:
            AccessError: The caller is unknown, or has no right to this.
            RequestError: 429, the caller sends too many requests.
        """
        if route.needs == "nothing":
            return ()
        caller = call.caller = await self._parts.gatekeeper.authenticate(call.request.headers.get(b"authorization"), basic=route.basic)
        headers = await self._parts.limits.caller(str(caller))
        if route.needs != "any":
            caller.require(route.needs, call.model or None)
        elif call.model and not caller.sees(call.model):
            raise ForbiddenError(f"{caller}: expected a role for {call.model[:60]}, which was not granted.")
        return headers

    async def _refused(self, call: Call, error: RequestError) -> Reply:
        """Log a refusal, and return its reply: a page for a browser at the address of a page, else JSON."""
        request = call.request
        self._parts.metrics.add(REFUSALS, 1, error.code)
        self._parts.log.refuse(
            Refused(
                request_id=request.id,
                time=request.arrived,
                key=call.caller_name,
                address=request.address,
                method=request.method,
                path=request.path,
                status=error.status,
                code=error.code,
                violations=error.total or 0,
            )
        )
        if self._is_page(call, error) and wants_page(request):
            return await error_page(self._parts, call, error)
        return error.reply()

    @staticmethod
    def _is_page(call: Call, error: RequestError) -> bool:
        """Return whether a browser gets a page: at the address of one, and where nothing is, as after a mistake in an address."""
        if call.route:
            return call.route.page
        return error.code == NOT_FOUND and not call.request.own_port

    def _count(self, call: Call, reply: Reply) -> None:
        """Count a reply. A model's name that a caller invented must not become a series of its own."""
        model = call.model if call.model and self._parts.fleet.knows(call.model) else ""
        route = call.route.name if call.route else ""
        self._parts.metrics.add(REQUESTS, 1, model, route, reply.status)
        self._parts.metrics.observe(REQUEST_SECONDS, time.perf_counter() - call.request.started, model)


async def _send(reply: Reply, request: Request, security: tuple[Header, ...], send: Send) -> None:
    headers = [
        (b"content-type", reply.content_type),
        *([] if reply.parts else [(b"content-length", str(len(reply.body)).encode())]),
        (b"x-request-id", request.id.encode()),
        *security,
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    try:
        if reply.parts:
            async for part in reply.parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": reply.body})
    except ConnectionResetError:  # nobody waits for the rest
        return
