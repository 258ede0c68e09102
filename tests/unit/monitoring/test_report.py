"""The report and the trend of windows open without a network and show the findings in words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from slipway.monitoring.drift import drift
from slipway.monitoring.drift.drift import Reference
from slipway.monitoring.findings import Performance, Window
from slipway.monitoring.report import report
from slipway.monitoring.trend import trend
from slipway.spec import ModelSpec


def rows(count: int, seed: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "size": generator.integers(1, 100, count),
            "weight": generator.normal(2.0, 0.5, count),
            "colour": generator.choice(["red", "blue"], count),
        }
    )


LEARNT = Reference(rows(400, 1), np.random.default_rng(1).integers(2, size=120).tolist(), [0] * 120)


def test_a_report_shows_the_findings_and_needs_no_network(toy: ModelSpec, tmp_path: Path) -> None:
    window = rows(300, 2).assign(weight=lambda served: served["weight"] + 0.5, colour="red")
    labels = np.random.default_rng(2).integers(2, size=300).tolist()
    found = drift.find(toy, LEARNT, window, labels)

    report(toy, LEARNT, window, labels, found, tmp_path / "report.html")

    page = (tmp_path / "report.html").read_text()
    assert "toy: 300 served rows beside 400 training rows" in page
    assert "weight has drifted: wasserstein" in page
    assert "colour: among the training rows, but not served: blue" in page
    assert "Drift is detected for 50" in page  # Evidently's table: two columns of four, as in the finding
    assert found.drifted == ["weight", "colour"]
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)\s*=\s*[\"']?(https?:)?//", page)
    assert not re.search(r"url\(\s*[\"']?https?://", page)


def window(number: int, **found: Any) -> Window:
    moment = datetime(2026, 11, number, tzinfo=UTC)
    return Window(model="toy", version=1, number=number, first=moment, last=moment, rows=300, judged=True, reason="", **found)


def performance(figure: float, worse: bool) -> Performance:
    return Performance(
        metric="accuracy",
        figure=figure,
        low=figure - 0.05,
        high=figure + 0.05,
        registered=0.9,
        floor=0.8,
        worse=worse,
        below_floor=False,
        hits=90,
        misses=10,
        metrics={},
        confusion_matrix=[],
        slices=[],
    )


@pytest.mark.parametrize("outcomes", [False, True], ids=["rows alone", "rows and outcomes"])
@pytest.mark.parametrize("count", [0, 3], ids=["no window", "three windows"])
def test_a_trend_is_drawn_of_any_windows(toy: ModelSpec, outcomes: bool, count: int) -> None:
    shifted = [rows(300, seed).assign(weight=lambda served: served["weight"] + 0.5) for seed in range(count)]
    windows = [window(at, kind="served", drift=drift.find(toy, LEARNT, served, [0, 1] * 150)) for at, served in enumerate(shifted, start=1)]
    if outcomes:
        windows += [window(at, kind="outcomes", performance=performance(0.9 - at / 10, worse=at > 1)) for at in (1, 2)]

    assert trend(windows, toy).startswith(b"\x89PNG")
