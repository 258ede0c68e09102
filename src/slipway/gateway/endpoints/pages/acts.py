"""What an operator does with a model: each act has a page with a preview and a form, and its reason goes into the ledger.

Acts that take time are runs of flows, which a person starts here and whose state a page of its own follows. The others are done at once.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import ShownError, redirect, show
from slipway.gateway.endpoints.pages.front import query_value
from slipway.gateway.endpoints.sessions import log_act
from slipway.gateway.parts import Parts
from slipway.gateway.replies import BAD_REQUEST, Reply, RequestError
from slipway.gateway.routing import Call
from slipway.pages.moments import instant
from slipway.pages.prediction.numbers import SEPARATOR
from slipway.pages.rendering import FieldError
from slipway.pages.runs import StartedRun
from slipway.pages.service.acts import ACTS, END, OperatorAct, Order, Preview, read_order

FIELDS = ("why", "decision", "approval", "version", "share", "asks", "sample", "dry_run", "of", "once")
LOOK_AGAIN = b"4"  # seconds


async def operator_form(parts: Parts, call: Call) -> Reply:
    """Show what an act would change, and the form that orders it."""
    return await _page(parts, call, await _preview(parts, call), {}, [])


async def operator_act(parts: Parts, call: Call) -> Reply:
    """Do what the form orders, in the person's name. A form with mistakes comes back as it was filled in."""
    act, preview, language = _act(call), await _preview(parts, call), language_of(parts, call.request)
    sent = {name: value for name in FIELDS if (value := call.form.get(name))}
    order, errors = read_order(act, preview, sent, language)
    if errors:
        refused = RequestError(400, BAD_REQUEST, f"{call.model}: {act.address}: the form is not complete.")
        raise ShownError(refused, await _page(parts, call, preview, sent, errors))
    await log_act(parts.log, call.caller_name, f"ordered: {act.address}", call.model)
    here = f"/service/{quote(call.model)}"
    if act.run:
        run = await parts.operations.ask(
            "start_run",
            StartedRun,
            deployment=f"{act.run}/{order.model}",
            parameters={"because": order.why, **order.parameters},
            who=call.caller_name,
            once=sent.get("once", ""),
        )
        return redirect(call.request, f"{here}/run?id={quote(run.id)}")
    await _decide(parts, call, act, order)
    rejected = act.name == "approve" and not order.parameters["approved"]
    return redirect(call.request, f"{here}?done={'reject' if rejected else act.name}")


async def operator_run(parts: Parts, call: Call) -> Reply:
    """Show how a run goes that was started here; the browser looks again until it has ended."""
    run = await parts.operations.ask("run_state", StartedRun, id=query_value(call.request, "id"))
    headers = () if run.ended else ((b"refresh", LOOK_AGAIN),)
    return await show(
        parts, call, "service/run.html", headers=headers, model=call.model, run=run, state=run.words(language_of(parts, call.request))
    )


async def _decide(parts: Parts, call: Call, act: OperatorAct, order: Order) -> None:
    ask, about = parts.operations.ask, {"model": call.model, "who": call.caller_name, "why": order.why}
    if act.name == "approve":
        await ask("decide", str, **about, **order.parameters)
    elif act.name == "freeze":
        await ask("freeze", dict, **about, frozen=True)
    else:
        await ask("resume", dict, **about)


async def _page(parts: Parts, call: Call, preview: Preview, sent: Mapping[str, str], errors: Sequence[FieldError]) -> Reply:
    language, act = language_of(parts, call.request), _act(call)
    return await show(
        parts,
        call,
        "service/act.html",
        status=400 if errors else 200,
        act=act,
        words=lambda what: act.words(what, language),
        event=lambda version: version.words(language),
        preview=preview,
        sent=sent,
        errors=list(errors),
        end=END,
        once=sent.get("once") or secrets.token_urlsafe(16),
        moment=lambda at: instant(language, at),
        figure=lambda number: f"{number:.4f}".replace(".", SEPARATOR[language]),
    )


async def _preview(parts: Parts, call: Call) -> Preview:
    return await parts.operations.ask("preview", Preview, model=call.model)


def _act(call: Call) -> OperatorAct:
    return ACTS[call.request.path.rstrip("/").rpartition("/")[2]]
