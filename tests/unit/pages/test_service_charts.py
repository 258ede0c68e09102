"""The charts of a model's service: where points lie, and that the table and the sentence say the same as the picture."""

from __future__ import annotations

import pytest

from slipway.monitoring.latest import LatencySpan
from slipway.pages.service.charts import HEIGHT, WIDTH, across, round_numbers, upward
from slipway.pages.service.shapes import JudgedWindow
from slipway.pages.service.trends import drift_chart, latency_chart, outcome_chart


def served(number: int, multiple: float | None, *drifted: str) -> JudgedWindow:
    at = f"2026-11-{number:02}T05:00:00+00:00"
    return JudgedWindow(
        number, "served", at, at, 500, multiple is not None, bool(drifted), "", farthest="glucose", multiple=multiple, drifted=list(drifted)
    )


def learnt(number: int, figure: float | None, *, bad: bool = False) -> JudgedWindow:
    at = f"2026-11-{number:02}T05:00:00+00:00"
    ends = (None, None) if figure is None else (figure - 0.05, figure + 0.05)
    return JudgedWindow(
        number, "outcomes", at, at, 500, figure is not None, bad, "", figure=figure, low=ends[0], high=ends[1], registered=0.9, floor=0.8
    )


def test_drift_is_drawn_as_multiples_of_the_threshold_and_a_window_without_judgement_is_left_out():
    chart = drift_chart([served(1, 0.5), served(2, None), served(3, 2.0, "glucose", "bmi")], "en")

    assert [mark.kind for mark in chart.marks] == ["", "bad"]
    (threshold,) = [curve for curve in chart.curves if curve.kind == "floor"]
    height = float(threshold.points.split(",")[1].split()[0])
    assert chart.marks[1].y < height < chart.marks[0].y  # twice the threshold is above it, half of it below
    assert chart.marks[0].x < chart.marks[1].x
    assert chart.summary == "A column drifted in 1 of 2 windows. In the latest, the farthest column is glucose, at 2 × its threshold."
    assert chart.rows == [
        ("3", "3 Nov 2026, 05:00", "500", "glucose", "2 ×", "glucose, bmi"),
        ("1", "1 Nov 2026, 05:00", "500", "glucose", "0.5 ×", "–"),
    ]
    assert len(chart.columns) == len(chart.rows[0])


def test_outcomes_are_drawn_with_their_intervals_between_floor_and_registered_figure():
    chart = outcome_chart([learnt(1, 0.9), learnt(2, None), learnt(3, 0.7, bad=True)], "accuracy", "es")

    good, bad = chart.marks
    assert bad.high < bad.y < bad.low  # the picture's numbers grow downwards
    assert good.y < bad.y
    assert {curve.kind: curve.words for curve in chart.curves} == {
        "floor": "límite del control de calidad, 0,800", "registered": "con las filas de prueba, 0,900",
    }  # fmt: skip
    assert chart.rows[0][3] == "0,700 (de 0,650 a 0,750)"
    assert [words for _, words in chart.key] == ["peor de lo que explica el azar"]


def test_latency_is_drawn_over_time_with_the_slowest_span_in_words():
    spans = [LatencySpan(f"2026-11-30T0{hour}:00:00+00:00", 10 * hour, 0.4, float(hour)) for hour in (1, 2, 4)]

    chart = latency_chart(spans, "en")

    assert chart.summary == "Of the latest 70 requests, 95% were answered within 4.0 ms lately, and within 4.0 ms at worst."
    p95 = [tuple(map(float, point.split(","))) for point in chart.curves[0].points.split()]
    assert p95[1][0] - p95[0][0] == pytest.approx((p95[2][0] - p95[1][0]) / 2, abs=0.2)  # an hour, then two
    assert chart.rows[-1] == ("30 Nov 2026, 01:00", "10", "0.40 ms", "1.0 ms")


@pytest.mark.parametrize("language", ["en", "es"])
def test_there_is_no_chart_of_nothing(language):
    assert drift_chart([served(1, None), learnt(1, 0.9)], language) is None
    assert outcome_chart([served(1, 0.5)], "accuracy", language) is None
    assert latency_chart([], language) is None


@pytest.mark.parametrize("count", [1, 2, 30])
def test_everything_is_inside_of_the_picture(count):
    charts = [
        drift_chart([served(1 + at % 28, float(at)) for at in range(count)], "en"),
        outcome_chart([learnt(1 + at % 28, at / 30) for at in range(count)], "accuracy", "en"),
        latency_chart([LatencySpan(f"2026-11-{1 + at % 28:02}T05:00:00+00:00", 1, 0.1, 0.2) for at in range(min(count, 24))], "en"),
    ]

    for chart in charts:
        points = [(mark.x, mark.y) for mark in chart.marks]
        points += [tuple(map(float, point.split(","))) for curve in chart.curves for point in curve.points.split()]
        assert points
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
        assert 2 <= len(chart.y_ticks) <= 6


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 2.16, [0, 1, 2]), (0.64, 0.96, [0.7, 0.8, 0.9]), (0.0, 4300.0, [0, 2000, 4000]), (-3.0, 3.0, [-2, 0, 2])],
)
def test_the_numbers_of_an_axis_are_round(low, high, expected):
    from slipway.pages.service.charts import Axis

    assert round_numbers(Axis(low, high, 100, 0)) == expected


def test_an_axis_of_one_number_has_room():
    assert across(5, 5).at(5) == pytest.approx((across(0, 1).at(0) + across(0, 1).at(1)) / 2)
    flat = upward([0.9, 0.9], from_zero=False)
    assert flat.low < 0.9 < flat.high
