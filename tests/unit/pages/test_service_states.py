"""What is the matter with a model in service: what needs a person stands first, and each state has a word and a colour."""

from __future__ import annotations

import pytest

from slipway.monitoring.published import Latest
from slipway.pages.service.glances import glance_rows
from slipway.pages.service.shapes import MeasuredFigure, ModelAtAGlance, TriedVersion, WaitingVersion
from slipway.pages.service.states import Traffic, states

AT = "2026-11-30T05:00:00+00:00"
WAITING = WaitingVersion(4, "2026-12-03T05:00:00+00:00")


def watch(version: int = 3, alarm: str = "") -> Latest:
    return Latest(
        model="toy", version=version, windows=6, at=AT, rows=500, metric="accuracy", figure=0.89, low=0.8595, high=0.9145,
        registered=0.9076, outcomes=1500, alarm=alarm,
    )  # fmt: skip


def conditions(glance: ModelAtAGlance, traffic: Traffic | None = None) -> list[str]:
    return [state.condition for state in states(glance, traffic or Traffic(), "en")]


@pytest.mark.parametrize(
    ("glance", "traffic", "expected"),
    [
        (ModelAtAGlance("toy"), Traffic(), ["none"]),
        (ModelAtAGlance("toy", 3), Traffic(3), ["well"]),
        (ModelAtAGlance("toy", 3, sample=True), Traffic(3), ["sample", "well"]),
        (ModelAtAGlance("toy", 3, watch=watch(alarm="drift")), Traffic(3), ["alarm"]),
        (ModelAtAGlance("toy", 4, watch=watch(alarm="drift")), Traffic(4), ["well"]),  # the alarm was about the version before
        (ModelAtAGlance("toy", 3, disagreements=["no line"]), Traffic(3), ["disagree"]),
        (ModelAtAGlance("toy", 3), Traffic(2), ["disagree"]),
        (ModelAtAGlance("toy", 3), Traffic(None), ["well"]),  # it is being loaded
        (ModelAtAGlance("toy", 3), Traffic(2, error="the bundle has changed"), ["disagree"]),
        (
            ModelAtAGlance("toy", 3, frozen="the laboratory moves", held="anna rejected version 4", awaited=[WAITING],
                           disagreements=["no line"], watch=watch(alarm="outcomes")),
            Traffic(3),
            ["alarm", "disagree", "approval", "frozen", "held"],
        ),
    ],
)  # fmt: skip
def test_what_is_the_matter_comes_in_the_order_of_urgency(glance, traffic, expected):
    assert conditions(glance, traffic) == expected


def test_each_state_has_a_word_in_both_languages_a_colour_and_its_reason():
    glance = ModelAtAGlance(
        "toy", 3, frozen="the laboratory moves", awaited=[WAITING], disagreements=["no line"], watch=watch(alarm="concept")
    )

    english, spanish = (states(glance, Traffic(3), language) for language in ("en", "es"))

    assert [(state.words, state.colour) for state in english] == [
        ("Alarm", "wrong"), ("Records disagree", "wrong"), ("Waiting for approval", "warn"), ("Alarms frozen", "warn"),
    ]  # fmt: skip
    assert [str(reason) for state in english for reason in state.reasons] == [
        "The answers are less right than they were at registration.",
        "no line",
        "Version 4 waits until 3 Dec 2026, 05:00.",
        "the laboratory moves",
    ]
    assert [reason.language for state in spanish for reason in state.reasons] == ["", "en", "", ""]  # a screen reader needs it
    assert spanish[0].words == "Alarma"


def test_models_that_need_a_person_are_above_those_that_are_well_and_those_not_in_service_are_last():
    models = [
        ModelAtAGlance("absent"),
        ModelAtAGlance("calm", 1),
        ModelAtAGlance("frozen", 1, frozen="it moves"),
        ModelAtAGlance("sampled", 1, sample=True),
        ModelAtAGlance("waiting", 1, awaited=[WAITING]),
        ModelAtAGlance("wrong", 3, watch=watch(alarm="drift")),
    ]

    rows = glance_rows(models, {}, "en")

    assert [row.model for row in rows] == ["wrong", "waiting", "frozen", "calm", "sampled", "absent"]
    assert [row.needs_a_person for row in rows] == [True, True, True, False, False, False]


def test_a_row_says_version_figure_watch_outcomes_requests_and_challenger_in_the_language_of_the_reader():
    glance = ModelAtAGlance(
        "toy", 3, since=AT, figure=MeasuredFigure("accuracy", 0.9076), watch=watch(), p95_ms=4.26, challenger=TriedVersion(4, 0.125)
    )

    (english,), (spanish,) = (glance_rows([glance], {"toy": Traffic(3, requests=12_345)}, language) for language in ("en", "es"))

    assert (english.version, english.since, english.figure) == ("Version 3", "30 Nov 2026, 05:00", "accuracy 0.908")
    assert english.outcomes == "accuracy 0.890 (0.860 to 0.914) by 1\N{NARROW NO-BREAK SPACE}500 outcomes"
    assert (english.requests, english.p95) == ("12\N{NARROW NO-BREAK SPACE}345 requests", "95% within 4.3 ms")
    assert english.challenger == "Version 4 is tried with 12.5% of the requests"
    assert spanish.since == "30 nov 2026, 05:00"
    assert spanish.figure == "accuracy 0,908"
    assert spanish.challenger == "La versión 4 se prueba con el 12,5\xa0% de las solicitudes"


def test_a_row_about_nothing_is_empty():
    (row,) = glance_rows([ModelAtAGlance("toy")], {}, "en")

    assert (row.version, row.since, row.figure, row.watched, row.outcomes, row.requests, row.p95, row.challenger) == ("",) * 8
