"""What each path answers, once its caller is known: the handlers, by the names that `routing` gives them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from slipway.access.callers import NAME, Caller
from slipway.access.gatekeeper import Gatekeeper
from slipway.audit import Administered, Answered, AuditError, AuditLog, Sent, UnfitError
from slipway.gateway.bodies import mlflow, outcomes, predictions
from slipway.gateway.bodies.mlflow import media_type
from slipway.gateway.bodies.shapes import Columns, Scored, malformed
from slipway.gateway.network.headers import PAGE
from slipway.gateway.openapi import documents
from slipway.gateway.parts import Parts
from slipway.gateway.replies import NOT_FOUND, UNAVAILABLE, Header, Reply, RequestError, as_json
from slipway.gateway.request import Request
from slipway.gateway.routing import MODELS, Endpoint
from slipway.gateway.versions.answering import Decode, checked, score
from slipway.gateway.versions.batching import Batches
from slipway.gateway.versions.fleet import Fleet
from slipway.gateway.versions.shadowing import Shadow
from slipway.gateway.versions.splitting import Turn
from slipway.monitoring.published import report_of
from slipway.rows.subjects import Subjects

if TYPE_CHECKING:
    from slipway.bundle.contract import Contract
    from slipway.bundle.deployment import Deployment

# A body beyond this is worked on in another thread, so that the requests of other callers need not wait for it.
LARGE = 256 * 1024
HTML = b"text/html; charset=utf-8"
MOST_OF_A_SIGN_IN = 4 * 1024


@dataclass(slots=True)
class Asked:
    """A request, and what was found out about it so far: what it asks, of which model ("": the gateway itself), who asks, and which
    version answers.
    """

    request: Request
    endpoint: Endpoint | None = None
    model: str = ""
    caller: Caller | None = None
    answering: Deployment | None = None

    @property
    def caller_name(self) -> str:
        """Return the caller as logs have it, "" where nobody is known."""
        return str(self.caller) if self.caller else ""


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /sessions`."""

    name: str
    password: str
    code: str | None = None


class Endpoints:
    """The handlers. They raise RequestError for what is not answered."""

    def __init__(self, fleet: Fleet, gatekeeper: Gatekeeper, log: AuditLog, parts: Parts) -> None:
        self._fleet, self._gatekeeper, self._log, self._parts = fleet, gatekeeper, log, parts
        self._documents, self._batches = documents.Documents(), Batches()
        self._plain: dict[str, Callable[[Asked], Awaitable[Reply]]] = {
            "ping": self._ping,
            "live": self._live,
            "ready": self._ready,
            "metrics": self._metrics,
            "open_session": self._open_session,
            "close_session": self._close_session,
            "gateway_version": self._gateway_version,
            "gateway_openapi": self._gateway_openapi,
            "models": self._models,
            "summary": self._summary,
            "report": self._report,
        }
        self._of_version: dict[str, Callable[[Deployment, Asked], Awaitable[Reply]]] = {
            "model_ping": self._model_ping,
            "model_version": self._model_version,
            "model_openapi": self._model_openapi,
            "invocations": self._invocations,
            "predict": self._predict,
            "outcomes": self._outcomes,
        }

    async def answer(self, endpoint: Endpoint, asked: Asked) -> Reply:
        """Return the handler's reply; one about a version names it in its headers, also where it refuses.

        Raises:
            RequestError: Nothing is answered; 404 or 503 where no version of the model is in service.
        """
        if endpoint.of != "version":
            return await self._plain[endpoint.name](asked)
        deployment = asked.answering = self._deployment(asked.model)
        try:
            reply = await self._of_version[endpoint.name](deployment, asked)
        except RequestError as error:
            error.headers += _identity(asked.answering.contract)
            raise
        return reply.with_headers(_identity(asked.answering.contract))

    async def _ping(self, _: Asked) -> Reply:
        return Reply(200, b"\n")

    async def _live(self, _: Asked) -> Reply:
        return self._parts.health.live()

    async def _ready(self, _: Asked) -> Reply:
        return self._parts.health.ready()

    async def _metrics(self, _: Asked) -> Reply:
        return await self._parts.exposition()

    async def _open_session(self, asked: Asked) -> Reply:
        body = await asked.request.body(MOST_OF_A_SIGN_IN)
        media_type(asked.request.content_type, (mlflow.JSON,))
        try:
            sent = msgspec.json.decode(body, type=SignIn)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):  # its words may quote the password
            raise malformed('expected a JSON object {"name": ..., "password": ..., "code": ...}; code only with a second factor.') from None
        opened = await self._gatekeeper.open_session(sent.name, sent.password, sent.code, asked.request.address)
        await self._administered(f"user:{sent.name}", "signed in", asked.request.address)
        return as_json({"token": opened.token, "token_type": "Bearer", "expires_in": opened.expires_in})

    async def _close_session(self, asked: Asked) -> Reply:
        caller = await self._gatekeeper.close_session(asked.request.headers.get(b"authorization"))
        await self._administered(str(caller), "signed out", asked.request.address)
        return as_json({"closed": True})

    async def _administered(self, who: str, what: str, about: str) -> None:
        try:
            await self._log.record(Administered(who, what, about))
        except AuditError as error:
            raise _unlogged(error) from None

    async def _gateway_version(self, _: Asked) -> Reply:
        return Reply(200, _own_version())

    async def _gateway_openapi(self, _: Asked) -> Reply:
        return Reply(200, documents.of_gateway(_own_version().decode()))

    async def _models(self, asked: Asked) -> Reply:
        caller = asked.caller
        seen = [model for model in self._fleet.models() if caller and caller.sees(model)]
        return as_json([self._parts.workers.agreed(self._fleet.status(model)) for model in seen])

    async def _summary(self, asked: Asked) -> Reply:
        if not self._fleet.knows(asked.model):
            raise _unknown(asked.model)
        return as_json(self._parts.workers.agreed(self._fleet.status(asked.model)))

    async def _report(self, asked: Asked) -> Reply:
        model = asked.model
        found = await asyncio.to_thread(report_of, Path(self._parts.configuration.home), model) if NAME.fullmatch(model) else None
        if found is None:
            message = f"there is no report about {model[:60]!r} yet; `slipway watch {model[:60]}` makes one, and so does its schedule."
            raise RequestError(404, NOT_FOUND, message)
        return Reply(200, found, HTML, policy=PAGE)

    async def _model_ping(self, _: Deployment, __: Asked) -> Reply:
        return Reply(200, b"\n")

    async def _model_version(self, deployment: Deployment, _: Asked) -> Reply:
        return Reply(200, deployment.contract.mlflow_version.encode())

    async def _model_openapi(self, deployment: Deployment, asked: Asked) -> Reply:
        own_port = asked.request.own_port
        server = "/" if own_port else f"{MODELS}{asked.model}"
        return Reply(200, self._documents.of_model(deployment.installation, deployment.contract, server))

    async def _invocations(self, deployment: Deployment, asked: Asked) -> Reply:
        scored = await self._score(_without_subjects, deployment, asked)
        return as_json({"predictions": scored.labels})

    async def _predict(self, deployment: Deployment, asked: Asked) -> Reply:
        scored = await self._score(predictions.decode, deployment, asked)
        contract = (asked.answering or deployment).contract
        return as_json(predictions.answer(scored, contract, asked.request.id))

    async def _outcomes(self, deployment: Deployment, asked: Asked) -> Reply:
        request, contract, parts = asked.request, deployment.contract, self._parts
        body = await request.body()
        async with parts.places:
            arguments = (request.content_type, body, contract)
            large = len(body) > LARGE
            claims, wrong = await asyncio.to_thread(outcomes.decode, *arguments) if large else outcomes.decode(*arguments)
            try:
                done = await parts.book.record(Sent(request.id, asked.caller_name, asked.model), claims, write=not wrong)
            except UnfitError as error:
                wrong += outcomes.unfit(claims, error.claims, contract)
            except AuditError as error:
                raise _unlogged(error) from None
        if wrong:
            raise outcomes.refusal(contract, wrong, len(wrong))
        kinds = msgspec.to_builtins(done)
        parts.metrics.outcomes(asked.model, kinds)
        return as_json(kinds)

    async def _score(self, decode: Decode, deployment: Deployment, asked: Asked) -> Scored:
        """Decode, check and run; return when the answer is in the audit log too."""
        body = await asked.request.body()
        async with self._parts.places:
            return await self._score_body(decode, deployment, asked, body)

    async def _score_body(self, decode: Decode, deployment: Deployment, asked: Asked, body: bytes) -> Scored:
        request, metrics, large = asked.request, self._parts.metrics, len(body) > LARGE
        challenger = self._fleet.challengers.beside(deployment)
        turn = Turn(challenger, request.id) if challenger else None
        if large:
            scored = await asyncio.to_thread(score, decode, deployment, request.content_type, body, turn)
        else:
            scored = await self._score_soon(decode, deployment, asked, body, turn)
        other = challenger.deployment if challenger else None
        if other and scored.by_challenger:
            deployment, other = other, deployment
            asked.answering = deployment
        latency_ms = (time.perf_counter() - request.started) * 1e3
        answered = Answered(
            *(request.id, request.arrived, asked.caller_name, deployment.contract),
            *(scored.columns, scored.labels, scored.probabilities, latency_ms),
            *(scored.subjects or None, request.address),
        )
        try:
            await self._log.record(answered)
        except AuditError as error:
            metrics.audit_lost(answered.size)
            raise _unlogged(error) from None
        metrics.audited(answered.size)
        metrics.scored(asked.model, answered.size)
        if other:
            self._parts.shadows.put(Shadow(other, request.id, request.arrived, scored.columns, scored.labels, large))
        return scored

    async def _score_soon(self, decode: Decode, deployment: Deployment, asked: Asked, body: bytes, turn: Turn | None) -> Scored:
        """Score a body that is not large: at once, or with the others that came in the same turn of the event loop."""
        content_type = asked.request.content_type
        if turn or self._parts.places.busy == 1:
            return score(decode, deployment, content_type, body, turn)
        columns, subjects = checked(decode, deployment.contract, content_type, body)
        return Scored(columns, *await self._batches.predict(deployment, columns), subjects)

    def _deployment(self, model: str) -> Deployment:
        if deployment := self._fleet.find(model):
            return deployment
        if self._fleet.starting(model):
            raise RequestError(503, UNAVAILABLE, f"{model} is being loaded; ask again in a second.", headers=[(b"retry-after", b"1")])
        if self._fleet.failed(model):
            message = f"{model} has no version in service: its last installation failed; GET /models/{model} tells why."
            raise RequestError(404, NOT_FOUND, message)
        raise _unknown(model)


def _without_subjects(content_type: str, body: bytes, contract: Contract) -> tuple[Columns, Subjects]:
    return mlflow.decode(content_type, body, contract), ()


def _unlogged(error: AuditError) -> RequestError:
    return RequestError(503, UNAVAILABLE, str(error), headers=[(b"retry-after", b"5")])


def _unknown(model: str) -> RequestError:
    return RequestError(404, NOT_FOUND, f"no model {model[:60]!r} is in service; GET /models lists those that are.")


def _identity(contract: Contract) -> tuple[Header, ...]:
    return _headers(contract.model, contract.version, contract.run_id)


@lru_cache(maxsize=256)
def _headers(model: str, version: int | None, run_id: str) -> tuple[Header, ...]:
    found = {b"x-slipway-model": model, b"x-slipway-version": str(version), b"x-slipway-run": run_id}
    return tuple((name, value.encode()) for name, value in found.items())


@cache
def _own_version() -> bytes:
    return version("slipway").encode()
