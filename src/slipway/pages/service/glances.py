"""The table of all models: what needs a person comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slipway.pages.languages import Language
from slipway.pages.service.shapes import ModelAtAGlance
from slipway.pages.service.states import ShownState, Traffic, needs_a_person, states, urgency
from slipway.pages.service.words import by_outcomes, count, milliseconds, named, short_moment, tried
from slipway.pages.texts import text


@dataclass(frozen=True, slots=True)
class GlanceRow:
    """A model in the table, all in words; "" where there is nothing to say."""

    model: str
    states: tuple[ShownState, ...]
    needs_a_person: bool
    version: str
    since: str
    figure: str
    watched: str
    outcomes: str
    requests: str
    p95: str
    challenger: str


def glance_rows(models: Iterable[ModelAtAGlance], traffic: Mapping[str, Traffic], language: Language) -> list[GlanceRow]:
    """Return the rows of the table.

    Args:
        traffic: What the gateway knows, by model.
    """
    found = [(states(model, traffic.get(model.model, Traffic()), language), model) for model in models]
    found.sort(key=lambda pair: (urgency(pair[0]), pair[1].model))
    return [_row(model, state, traffic.get(model.model, Traffic()), language) for state, model in found]


def _row(glance: ModelAtAGlance, found: list[ShownState], traffic: Traffic, language: Language) -> GlanceRow:
    watch, requests = glance.own_watch, traffic.requests
    return GlanceRow(
        model=glance.model,
        states=tuple(found),
        needs_a_person=needs_a_person(found),
        version=text(language, "service.version", version=glance.version) if glance.version is not None else "",
        since=short_moment(language, glance.since),
        figure=named(glance.figure, language) if glance.figure else "",
        watched=short_moment(language, watch.at) if watch else "",
        outcomes=by_outcomes(watch, language) if watch else "",
        requests=text(language, "service.requests", number=requests, count=count(requests, language)) if requests else "",
        p95=text(language, "service.p95", time=milliseconds(glance.p95_ms, language)) if glance.p95_ms is not None else "",
        challenger=tried(glance.challenger, language) if glance.challenger else "",
    )
