"""The Markdown report of a watch."""

from __future__ import annotations

import pytest

from slipway.monitoring.findings import SliceFigure, WatchReport
from slipway.monitoring.summary import watch_report, window_rows
from tests.unit.monitoring.test_policy import window


@pytest.fixture
def report() -> WatchReport:
    return WatchReport.model_validate(
        {
            "model": "toy",
            "version": 2,
            "sample": True,
            "state": "suspect",
            "reason": "1 of the last 2 windows drifted",
            "alarm": None,
            "kind": None,
            "frozen": "",
            "windows": [],
            "waiting": 1_234,
            "waiting_outcomes": 5,
        }
    )


def test_the_verdict_comes_first_and_says_what_waits(toy, report):
    text = watch_report(toy, report, [], None, [])

    assert text.startswith("# toy, version 2: suspect\n")
    assert "1 of the last 2 windows drifted." in text
    assert "1,234 served rows and 5 outcomes; a window takes 500 of either, or 7 days" in text
    assert "Trained on sample rows" in text
    assert "switched off" not in text


def test_windows_are_listed_newest_first_with_what_was_found(toy, report):
    windows = [window(letter, number) for number, letter in enumerate(".DS-F", 1)]

    assert [(row[0], row[5]) for row in window_rows(windows)] == [("5", "yes"), ("4", "not judged"), ("3", "no"), ("2", "yes"), ("1", "no")]
    assert "| 2 | served |" in watch_report(toy, report, windows, None, [])


def test_columns_slices_pictures_links_and_the_switch_are_shown(toy, report):
    outcomes = window("C", 2)
    part = SliceFigure(name="colour = red", rows=40, figure=0.75, low=0.6, high=0.86, registered=0.9, worse=False)
    empty = SliceFigure(name="colour = blue", rows=0, figure=None, low=None, high=None, registered=0.9, worse=False)
    outcomes = outcomes.model_copy(update={"performance": outcomes.performance.model_copy(update={"slices": [part, empty]})})

    text = watch_report(toy, report.model_copy(update={"frozen": "the laboratory moves"}), [window("D", 1), outcomes], b"png", ["[a](b)"])

    assert "| Age | wasserstein | 0.3000 | 0.1 | ks | 0 | yes |" in text
    assert "| colour = red | 40 | 0.7500 | 0.6000 to 0.8600 | 0.9000 | no |" in text
    assert "| all | 500 | 0.8000 | 0.7000 to 0.8500 | 0.9000 | yes |" in text
    assert "data:image/png;base64,cG5n" in text
    assert "**Alarms are switched off:** the laboratory moves" in text
    assert "- [a](b)" in text
