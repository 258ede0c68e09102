"""The page of the audit log, for the role `audit`. What is looked for is in bodies, never in an address, and each search is logged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from slipway.access.callers import Caller
from slipway.audit import Line, Outcome
from slipway.audit.databases.cells import utc
from slipway.audit.databases.excerpts import Spot
from slipway.audit.databases.sqlite import PATIENCE
from slipway.audit.databases.tables import Store
from slipway.audit.disclosure import pseudonyms
from slipway.audit.ground_truth import histories
from slipway.audit.search import Excerpt, Search, acts, answers, refusals, requests
from slipway.gateway.bodies.forms import SentForm
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import ShownError, show
from slipway.gateway.endpoints.pages.audit.line import show_line
from slipway.gateway.endpoints.pages.audit.reading import in_thread, log_place, read_log, spot_of, text_of, vocabularies
from slipway.gateway.endpoints.pages.session import session_of
from slipway.gateway.endpoints.sessions import log_act
from slipway.gateway.parts import Parts
from slipway.gateway.replies import BAD_REQUEST, Reply, RequestError
from slipway.gateway.routing import Call
from slipway.pages.audit.export import FORMATS
from slipway.pages.audit.lines import shown_line, time_of, version_of
from slipway.pages.audit.outcomes import known_outcome
from slipway.pages.audit.search_form import KINDS, NAMES, Kind, SearchForm
from slipway.pages.languages import Language

ADDRESS = "/audit"
PAGE = 50
READ, EXPORTED = "read the audit log", "exported the audit log"
TABLES: Mapping[Kind, Callable[[Store, Search, Spot | None, int], Excerpt[Any]]] = {
    "answers": answers,
    "requests": requests,
    "refusals": refusals,
    "acts": acts,
}


@dataclass(frozen=True, slots=True)
class Page:
    """Lines of one table, and the outcomes of predictions among them, oldest first."""

    excerpt: Excerpt[Any]
    outcomes: Mapping[str, Sequence[Outcome]]


async def audit_page(parts: Parts, call: Call) -> Reply:
    """Show the form. Nothing is read yet."""
    return await _show(parts, call, SearchForm({}))


async def search_audit_log(parts: Parts, call: Call) -> Reply:
    """Show what a search finds; a search by the id of a prediction opens its line."""
    form, spot = form_of(call.form), spot_of(call.form.get("after"))
    await require_right_form(parts, call, form)
    if form.get("prediction"):
        return await show_line(parts, call, form.get("prediction"), form)
    search = await logged_search(parts, call, form, READ, spot)
    table = TABLES[form.kind]

    def read(store: Store) -> Page:
        found = table(store, search, spot, PAGE)
        ids = [line.prediction_id for line in found.lines if isinstance(line, Line)]
        return Page(found, histories(store, ids))

    return await _show(parts, call, form, await read_log(parts, read), later=spot is not None)


def form_of(sent: SentForm) -> SearchForm:
    return SearchForm({name: sent.get(name) for name in NAMES})


async def require_right_form(parts: Parts, call: Call, form: SearchForm) -> None:
    """Require that a search can be made, and that this person may make it.

    Raises:
        ForbiddenError: The role is not granted for the model, or for the whole log.
        ShownError: 400, with the form and what is wrong with it.
    """
    caller = session_of(call).caller
    if form.get("model"):
        caller.require("audit", form.get("model"))
    if form.kind == "acts":
        caller.require("audit")
    if errors := form.errors(language_of(parts, call.request)):
        page = await _show(parts, call, form, errors=errors)
        raise ShownError(RequestError(400, BAD_REQUEST, "expected a search of the audit log."), page)


async def logged_search(parts: Parts, call: Call, form: SearchForm, what: str, spot: Spot | None = None) -> Search:
    """Log that this person searches, and return the search. A subject id is in the log as its pseudonym."""
    who, subject = str(session_of(call).caller), form.get("subject")
    found = None
    if subject:
        found = await in_thread(parts, lambda: pseudonyms(Path(parts.configuration.home), log_place(parts), who, subject, PATIENCE))
    search = Search(
        models=_models(session_of(call).caller, form.get("model")),
        callers=form.callers,
        pseudonyms=found,
        since=form.since,
        until=form.until,
    )
    await log_act(parts.log, who, what, _described(form, search, spot))
    return search


def _models(caller: Caller, chosen: str) -> set[str] | None:
    """Return the models whose lines are shown, None for all."""
    if chosen:
        return {chosen}
    granted = {grant.model for grant in caller.grants if grant.role == "audit"}
    return None if None in granted else {model for model in granted if model}


def _described(form: SearchForm, search: Search, spot: Spot | None) -> str:
    """Return a search as it is logged."""
    said: list[str] = [form.kind]
    if search.models is not None and form.kind != "acts":
        said.append(f"of {', '.join(sorted(search.models))}")
    if search.callers is not None:
        said.append(f"caller {form.get('caller')}")
    if search.pseudonyms is not None:
        said.append(f"pseudonym {search.pseudonyms[-1]}" if search.pseudonyms else "a subject without lines")
    said += [f"{word} {utc(moment)}" for word, moment in (("from", search.since), ("until", search.until)) if moment]
    if spot:
        said.append(f"before {spot.time}")
    return "; ".join(said)


async def _show(
    parts: Parts, call: Call, form: SearchForm, page: Page | None = None, *, later: bool = False, errors: Sequence[Any] = ()
) -> Reply:
    caller, language = session_of(call).caller, language_of(parts, call.request)
    excerpt = page.excerpt if page else Excerpt([], None, "")
    granted = sorted(grant.model for grant in caller.grants if grant.role == "audit" and grant.model)
    everything = caller.may("audit")
    return await show(
        parts,
        call,
        "audit/search.html",
        status=400 if errors else 200,
        path=ADDRESS,
        errors=list(errors),
        form=form,
        kinds=[(kind, f"search.kind_{kind}") for kind in KINDS if everything or kind != "acts"],
        kind_message=f"search.kind_{form.kind}",
        formats=[(format, f"search.export_{format}") for format in FORMATS],
        models=parts.fleet.models() if everything else granted,
        everything=everything,
        zone=f"{datetime.now().astimezone():%Z}",
        searched=page is not None,
        later=later,
        lines=await _lines(parts, form.kind, page, language) if page else [],
        older=text_of(excerpt.older),
        looked_until=excerpt.looked_until and time_of(excerpt.looked_until, language),
    )


async def _lines(parts: Parts, kind: Kind, page: Page, language: Language) -> list[Any]:
    """Return the lines as the template shows them."""
    lines = page.excerpt.lines
    if kind == "answers":
        words = await vocabularies(parts, lines, language)
        return [
            shown_line(
                line,
                words[line.prediction_id],
                language,
                known_outcome(page.outcomes.get(line.prediction_id, ()), words[line.prediction_id], language),
                exact=True,
            )
            for line in lines
        ]
    times = [time_of(line.time, language, exact=True) for line in lines]
    if kind == "requests":
        return [(time, line, version_of(line.version, language)) for time, line in zip(times, lines, strict=True)]
    return list(zip(times, lines, strict=True))
