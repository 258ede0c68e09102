"""The operator's pages: all models at a glance, and one in full. Nothing is changed here."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from slipway.access.callers import NAME
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.endpoints.browser.showing import show
from slipway.gateway.endpoints.pages.front import query_value
from slipway.gateway.endpoints.version import unknown
from slipway.gateway.metrics.declarations import REQUESTS
from slipway.gateway.network.headers import SCRIPTED_PAGE
from slipway.gateway.parts import Parts
from slipway.gateway.replies import NOT_FOUND, Reply, RequestError
from slipway.gateway.routing import Call
from slipway.monitoring.published import report_of
from slipway.pages.service.acts import act_links, done
from slipway.pages.service.detail import shown_service
from slipway.pages.service.glances import glance_rows
from slipway.pages.service.shapes import ServiceDetail, ServiceOverview
from slipway.pages.service.states import Traffic
from slipway.pages.service.words import zone

ANSWERS = ("predict", "explain", "invocations", "predict_on_page")  # endpoints that answer rows
HTML = b"text/html; charset=utf-8"


async def service_overview(parts: Parts, call: Call) -> Reply:
    """Show the models that the person may operate."""
    found = await parts.operations.ask("overview", ServiceOverview)
    caller = call.caller
    models = [glance for glance in found.models if caller and caller.may("operate", glance.model)]
    traffic = traffic_of(parts, *(glance.model for glance in models))
    rows = glance_rows(models, traffic, language_of(parts, call.request))
    needing = sum(row.needs_a_person for row in rows)
    return await show(parts, call, "service/overview.html", rows=rows, needing=needing, silent=found.silent, zone=zone())


async def service_page(parts: Parts, call: Call) -> Reply:
    """Show one model; after an act that led here, also what was done."""
    detail, language = await service_detail(parts, call.model), language_of(parts, call.request)
    shown = shown_service(detail, traffic_of(parts, call.model)[call.model], language)
    said = done(language, query_value(call.request, "done"))
    return await show(
        parts, call, "service/model.html", detail=detail, shown=shown, zone=zone(), model=call.model, acts=act_links(language), done=said
    )


async def watch_report(parts: Parts, call: Call) -> Reply:
    """Show the report of the last watch to a person who is signed in; programs get it below `/models`."""
    found = await asyncio.to_thread(report_of, Path(parts.configuration.home), call.model) if NAME.fullmatch(call.model) else None
    if found is None:
        raise RequestError(
            404, NOT_FOUND, f"there is no report about {call.model[:60]!r} yet; `slipway watch {call.model[:60]}` makes one."
        )
    return Reply(200, found, HTML, security=SCRIPTED_PAGE)


async def service_detail(parts: Parts, model: str) -> ServiceDetail:
    """Return what is known of a model's service.

    Raises:
        RequestError: 404, there is no such model; 503, the process beside the gateway does not answer.
    """
    if not NAME.fullmatch(model):
        raise unknown(model)
    detail = await parts.operations.ask("service", ServiceDetail, model=model)
    if not detail.known:
        raise unknown(model)
    return detail


def traffic_of(parts: Parts, *models: str) -> dict[str, Traffic]:
    """Return what the workers of this gateway know of models."""
    requests = Counter[str]()
    for counts in parts.workers.counts().values():
        for (model, endpoint, code), number in counts.values.get(REQUESTS.name, ()):
            if endpoint in ANSWERS and code == "200":
                requests[model] += int(number)
    status = {model: parts.workers.agreed(parts.fleet.status(model)) for model in models}
    return {model: Traffic(found["version"], (found["error"] or {}).get("message", ""), requests[model]) for model, found in status.items()}
