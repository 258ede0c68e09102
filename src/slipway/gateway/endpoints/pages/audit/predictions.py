"""A person's own predictions, and the actual outcome of each. Ids of predictions and of persons are in bodies only, never in an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from slipway.access.callers import Caller, Role
from slipway.audit import Line, Outcome
from slipway.audit.by_id import lines
from slipway.audit.databases.excerpts import Spot
from slipway.audit.databases.sqlite import PATIENCE
from slipway.audit.databases.tables import Store
from slipway.audit.disclosure import pseudonyms
from slipway.audit.ground_truth import histories
from slipway.audit.search import Excerpt, Search, answers
from slipway.gateway.endpoints.browser.addresses import local
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import ShownError, redirect, show
from slipway.gateway.endpoints.outcome import record_claims
from slipway.gateway.endpoints.pages.audit.reading import in_thread, log_place, read_log, spot_of, text_of, vocabularies
from slipway.gateway.endpoints.pages.front import query_value
from slipway.gateway.endpoints.pages.session import session_of
from slipway.gateway.endpoints.version import in_service
from slipway.gateway.parts import Parts
from slipway.gateway.replies import BAD_REQUEST, NOT_FOUND, Reply, RequestError
from slipway.gateway.routing import Call
from slipway.pages.audit.lines import shown_line, time_of
from slipway.pages.audit.outcomes import OutcomeError, OutcomeField, known_outcome, outcome_field, typed_outcome
from slipway.pages.languages import Language
from slipway.pages.prediction.words import Phrase, Vocabulary
from slipway.pages.rendering import FieldError
from slipway.pages.texts import text
from slipway.rows.checks import Violation
from slipway.rows.claims import ID, claim_of
from slipway.rows.subjects import LONGEST_SUBJECT, is_subject

ADDRESS = "/predictions"
ROLES: tuple[Role, ...] = ("predict", "outcome")
PAGE = 50
DONE = tuple(f"outcome.{kind}" for kind in ("recorded", "corrected", "repeated"))  # what the page may say on top, by the query `done`


@dataclass(frozen=True, slots=True)
class Filter:
    """Which of the own predictions to show: of one model, "" for all; only those whose outcome is not known; from where on."""

    model: str = ""
    open: bool = False
    after: str = ""

    def address(self, **changes: str) -> str:
        """Return the address of the page with this filter, and perhaps more."""
        query = {"model": self.model, "open": "1" if self.open else "", "after": self.after} | changes
        given = urlencode({name: value for name, value in query.items() if value})
        return f"{ADDRESS}?{given}" if given else ADDRESS


@dataclass(frozen=True, slots=True)
class Own:
    """What was read: lines of this person, and the outcomes of each, oldest first."""

    excerpt: Excerpt[Line]
    outcomes: Mapping[str, Sequence[Outcome]]


async def my_predictions(parts: Parts, call: Call) -> Reply:
    """Show the latest predictions of this person."""
    query = partial(query_value, call.request)
    chosen = Filter(query("model"), query("open") == "1", query("after"))
    spot = spot_of(chosen.after)
    search = _own(call, chosen.model, without_outcome=chosen.open)
    found = await read_log(parts, lambda store: _read(store, search, spot, PAGE))
    return await _page(parts, call, found, chosen, done=query("done"))


async def find_my_predictions(parts: Parts, call: Call) -> Reply:
    """Show the latest predictions of this person about somebody. That an id was looked for is logged, without the id."""
    subject, who = call.form.get("subject").strip(), str(session_of(call).caller)
    if not (subject and is_subject(subject)):
        message = text(language_of(parts, call.request), "predictions.wrong_subject", longest=LONGEST_SUBJECT)
        page = await _page(parts, call, Own(Excerpt([], None, ""), {}), Filter(), errors=[FieldError("subject", message)], subject=subject)
        raise ShownError(RequestError(400, BAD_REQUEST, "expected the id of a person."), page)
    names = await in_thread(parts, lambda: pseudonyms(Path(parts.configuration.home), log_place(parts), who, subject, PATIENCE))
    search = _own(call, "", names)
    found = await read_log(parts, lambda store: _read(store, search, None, PAGE))
    return await _page(parts, call, found, Filter(), subject=subject)


async def record_outcome(parts: Parts, call: Call) -> Reply:
    """Record the actual outcome of one of the own predictions, or correct it. What is wrong with it is shown beside the field."""
    id, sent = call.form.get("prediction"), call.form.get("outcome")
    own = await read_log(parts, lambda store: _one(store, id))
    line = next(iter(own.excerpt.lines), None)
    caller = session_of(call).caller
    if line is None or line.key != str(caller) or not any(caller.may(role, line.model) for role in ROLES):
        raise RequestError(404, NOT_FOUND, f"{caller}: expected the id of one of your own predictions, received {id[:80]!r}.")
    caller.require("outcome", line.model)
    deployment = in_service(parts.fleet, line.model)
    vocabulary = Vocabulary(deployment.contract, deployment.words, language_of(parts, call.request))
    try:
        outcome = typed_outcome(vocabulary, sent)
    except OutcomeError as error:
        page = await _page(parts, call, own, Filter(), errors=[FieldError("o1", str(error))], typed=sent)
        raise ShownError(RequestError(400, BAD_REQUEST, "expected an outcome."), page) from None
    wrong: list[Violation] = []
    claim = claim_of(0, {"prediction_id": id, "outcome": outcome}, deployment.contract, wrong)
    async with parts.places:
        done = await record_claims(parts, call, deployment.contract, [claim] if claim else [], wrong)
    kind = next(kind for kind, number in msgspec.to_builtins(done).items() if number)
    back = local(call.form.get("back"))
    if back.partition("?")[0] != ADDRESS:
        back = ADDRESS
    return redirect(call.request, f"{back}{'&' if '?' in back else '?'}done=outcome.{kind}")


def _own(call: Call, model: str, names: Sequence[str] | None = None, *, without_outcome: bool = False) -> Search:
    """Return the search for this person's predictions, of models for which a role is still granted."""
    caller = session_of(call).caller
    models = {grant.model for grant in caller.grants if grant.role in ROLES}
    seen = None if None in models else {model for model in models if model}
    if model:
        seen = {model} if seen is None or model in seen else set()
    return Search(models=seen, callers={str(caller)}, pseudonyms=names, without_outcome=without_outcome)


def _read(store: Store, search: Search, spot: Spot | None, most: int) -> Own:
    found = answers(store, search, spot, most)
    return Own(found, histories(store, [line.prediction_id for line in found.lines]))


def _one(store: Store, id: str) -> Own:
    found = lines(store, [id]) if ID.fullmatch(id) else {}
    return Own(Excerpt([*found.values()], None, ""), histories(store, [*found]))


async def _page(
    parts: Parts,
    call: Call,
    own: Own,
    chosen: Filter,
    *,
    done: str = "",
    errors: Sequence[FieldError] = (),
    subject: str | None = None,
    typed: str | None = None,
) -> Reply:
    """Show predictions. `subject` was looked for; `typed` was sent as the outcome of the only one."""
    caller, language = session_of(call).caller, language_of(parts, call.request)
    words = await vocabularies(parts, own.excerpt.lines, language)
    fields = {model: _field(parts, caller, model, language) for model in {line.model for line in own.excerpt.lines}}
    lines = [
        shown_line(
            line,
            words[line.prediction_id],
            language,
            known_outcome(own.outcomes.get(line.prediction_id, ()), words[line.prediction_id], language, str(caller)),
            fields[line.model],
        )
        for line in own.excerpt.lines
    ]
    return await show(
        parts,
        call,
        "audit/predictions.html",
        status=400 if errors else 200,
        path=chosen.address(),
        errors=list(errors),
        lines=lines,
        models=_models(parts, caller, language),
        chosen=chosen,
        older=chosen.address(after=text_of(own.excerpt.older)) if own.excerpt.older and subject is None else "",
        looked_until=own.excerpt.looked_until and time_of(own.excerpt.looked_until, language),
        back="" if chosen == Filter() else chosen.address(),
        done=done if done in DONE else "",
        subject=subject,
        typed=typed,
    )


def _field(parts: Parts, caller: Caller, model: str, language: Language) -> OutcomeField | None:
    """Return the field for outcomes of a model, None if this person records none, or none can be recorded now."""
    deployment = parts.fleet.find(model)
    if deployment is None or not caller.may("outcome", model):
        return None
    return outcome_field(Vocabulary(deployment.contract, deployment.words, language))


def _models(parts: Parts, caller: Caller, language: Language) -> list[tuple[str, Phrase]]:
    """Return the models to choose from, with their titles."""
    names = [name for name in parts.fleet.models() if any(caller.may(role, name) for role in ROLES)]
    found = {name: parts.fleet.find(name) for name in names}
    return [(name, Vocabulary(one.contract, one.words, language).title if one else Phrase(name)) for name, one in found.items()]
