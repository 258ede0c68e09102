"""The ASGI application: which path is what, who may ask, and one request's way from body to reply."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from slipway.gateway.audit import Answered, AuditError, AuditLog
from slipway.gateway.checks import check
from slipway.gateway.fleet import Fleet
from slipway.gateway.keys import Keys
from slipway.gateway.protocol import Columns, decode
from slipway.gateway.replies import (
    INTERNAL_ERROR,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Header,
    Reply,
    RequestError,
    as_json,
)

if TYPE_CHECKING:
    from slipway.bundle.contract import ClassLabel
    from slipway.gateway.loading import Deployment

MOST_BYTES = 10 * 1024 * 1024
# A body beyond this is worked on in another thread, so that the requests of other callers need not wait for it.
LARGE = 64 * 1024

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)


class CallerGone(Exception):  # noqa: N818
    """The caller closed the connection before its request was whole; there is nobody to answer."""


def _request_id() -> str:
    """Begins with the time, so that the log's index grows at its end."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}"


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `headers` are by lower-case name."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    receive: Receive
    id: str = field(default_factory=_request_id)
    arrived: float = field(default_factory=time.time)
    started: float = field(default_factory=time.perf_counter)


class App:
    """The main port's application; `for_model` gives the one of a model's own port."""

    def __init__(self, fleet: Fleet, keys: Keys, log: AuditLog) -> None:
        self._fleet = fleet
        self._keys = keys
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._handle(scope["path"], scope, receive, send)

    def for_model(self, model: str) -> Application:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self._handle(f"/models/{model}{scope['path']}", scope, receive, send)

        return app

    async def _handle(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope["method"], path, dict(scope["headers"]), receive)
        try:
            reply = await self._reply(request)
        except CallerGone:
            return
        except Exception:
            logger.exception("request %s failed", request.id)
            message = f"the gateway failed; its log tells why under request {request.id}."
            reply = RequestError(500, INTERNAL_ERROR, message).reply()
        await _send(reply, request, send)

    async def _reply(self, request: Request) -> Reply:
        identity: tuple[Header, ...] = ()
        try:
            _refuse_large(request)
            model, endpoint = _route(request)
            if model is None:
                return self._answer_for_gateway(endpoint, request)
            if endpoint == "summary":
                return self._summary(model, request)
            key = self._authorize(request) if endpoint == "invocations" else ""
            deployment = self._deployment(model)
            identity = _identity(deployment)
            if endpoint == "invocations":
                reply = await self._invoke(deployment, key, request)
            else:
                reply = Reply(200, deployment.contract.mlflow_version.encode() if endpoint == "version" else b"\n")
        except RequestError as error:
            reply = error.reply()
        return replace(reply, headers=reply.headers + identity)

    def _answer_for_gateway(self, endpoint: str, request: Request) -> Reply:
        if endpoint == "models":
            self._authorize(request)
            return as_json([self._fleet.status(model) for model in self._fleet.models()])
        return Reply(200, _own_version() if endpoint == "version" else b"\n")

    def _summary(self, model: str, request: Request) -> Reply:
        self._authorize(request)
        if model not in self._fleet.models():
            raise _unknown(model)
        return as_json(self._fleet.status(model))

    def _authorize(self, request: Request) -> str:
        """Return the name behind the key."""
        sent = request.headers.get(b"authorization")
        if name := self._keys.authorize(sent):
            return name
        received = "a key that is not valid" if sent else "none"
        message = f"expected a valid API key in the header 'Authorization: Bearer <key>', received {received}."
        raise RequestError(401, UNAUTHENTICATED, message, headers=[(b"www-authenticate", b'Bearer realm="slipway"')])

    def _deployment(self, model: str) -> Deployment:
        if deployment := self._fleet.find(model):
            return deployment
        if self._fleet.starting(model):
            raise RequestError(503, UNAVAILABLE, f"{model} is being loaded; ask again in a second.", headers=[(b"retry-after", b"1")])
        if self._fleet.failed(model):
            message = f"{model} has no version in service: its last installation failed; GET /models/{model} tells why."
            raise RequestError(404, NOT_FOUND, message)
        raise _unknown(model)

    async def _invoke(self, deployment: Deployment, key: str, request: Request) -> Reply:
        body = await _body(request)
        content_type = request.headers.get(b"content-type", b"").decode("latin-1")
        if len(body) > LARGE:
            columns, labels, probabilities = await asyncio.to_thread(_answer, deployment, content_type, body)
        else:
            columns, labels, probabilities = _answer(deployment, content_type, body)
        latency_ms = (time.perf_counter() - request.started) * 1e3
        answered = Answered(request.id, request.arrived, key, deployment.contract, columns, labels, probabilities, latency_ms)
        try:
            await self._log.record(answered)
        except AuditError as error:
            raise RequestError(503, UNAVAILABLE, str(error), headers=[(b"retry-after", b"5")]) from None
        return as_json({"predictions": labels})


def _answer(deployment: Deployment, content_type: str, body: bytes) -> tuple[Columns, list[ClassLabel], list[list[float]]]:
    columns = check(decode(content_type, body, deployment.contract), deployment.contract)
    labels, probabilities = deployment.predict(columns)
    return columns, labels, probabilities


GATEWAY_ENDPOINTS = {"/ping": "ping", "/health": "ping", "/version": "version", "/models": "models"}
MODEL_ENDPOINTS = {"": "summary", "ping": "ping", "health": "ping", "version": "version", "invocations": "invocations"}


def _route(request: Request) -> tuple[str | None, str]:
    """Return the model, None for the gateway itself, and the endpoint."""
    path = request.path
    model: str | None = None
    if path.startswith("/models/"):
        model, slash, last = path.removeprefix("/models/").partition("/")
        endpoint = None if not model or (slash and not last) else MODEL_ENDPOINTS.get(last)
    else:
        endpoint = GATEWAY_ENDPOINTS.get(path)
    if endpoint is None:
        hint = " A model's path is /models/<name>/invocations." if path == "/invocations" else ""
        raise RequestError(404, NOT_FOUND, f"there is nothing at {path[:200]!r}.{hint}")
    allowed = "POST" if endpoint == "invocations" else "GET"
    if request.method != allowed:
        message = f"{path[:200]}: expected {allowed}, received {request.method[:20]}."
        raise RequestError(405, METHOD_NOT_ALLOWED, message, headers=[(b"allow", allowed.encode())])
    return model, endpoint


def _refuse_large(request: Request) -> None:
    length = request.headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > MOST_BYTES:
        raise _too_large()


async def _body(request: Request) -> bytes:
    """Read the body, and no more than the limit of one that comes without its length."""
    body = bytearray()
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise _too_large()
        more = message.get("more_body", False)
    return bytes(body)


def _unknown(model: str) -> RequestError:
    return RequestError(404, NOT_FOUND, f"no model {model[:60]!r} is in service; GET /models lists those that are.")


def _too_large() -> RequestError:
    return RequestError(
        413, TOO_LARGE, f"expected a body of at most {MOST_BYTES:,} bytes, received more; send the rows in several requests."
    )


def _identity(deployment: Deployment) -> tuple[Header, ...]:
    contract = deployment.contract
    found = {b"x-slipway-model": contract.model, b"x-slipway-version": str(contract.version), b"x-slipway-run": contract.run_id}
    return tuple((name, value.encode()) for name, value in found.items())


@cache
def _own_version() -> bytes:
    return version("slipway").encode()


async def _send(reply: Reply, request: Request, send: Send) -> None:
    headers = [
        (b"content-type", reply.content_type),
        (b"content-length", str(len(reply.body)).encode()),
        (b"x-request-id", request.id.encode()),
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
