"""The report of a watch: verdict, date, version and what to do come first; one small page that needs no network and runs nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from slipway.monitoring.distributions import shares
from slipway.monitoring.drift import drift
from slipway.monitoring.drift.drift import Reference, compared
from slipway.monitoring.findings import Alarm, Performance, SliceFigure, WatchReport, Window
from slipway.pages.service.report import report_page
from slipway.spec import ModelSpec

AT = datetime(2026, 11, 30, 5, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>"


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


@pytest.fixture(scope="module")
def drifted(toy: ModelSpec) -> tuple[Window, list[Any]]:
    """A window whose weights are larger and whose colours are all red, and how its columns are spread."""
    served = rows(300, 2).assign(weight=lambda found: found["weight"] + 0.5, colour="red")
    labels = np.random.default_rng(2).integers(2, size=300).tolist()
    window = Window(
        model="toy", version=3, kind="served", number=7, first=AT, last=AT, rows=300, judged=True, reason="300 served rows, drifted",
        drift=drift.find(toy, LEARNT, served, labels),
    )  # fmt: skip
    return window, shares(compared(toy, LEARNT, served, labels))


def outcomes() -> Window:
    found = Performance(
        metric="accuracy", figure=0.7, low=0.65, high=0.75, registered=0.9, floor=0.8, worse=True, below_floor=True, hits=70, misses=30,
        metrics={}, confusion_matrix=[], lower_is_better=False,
        slices=[SliceFigure(name=f"colour {HOSTILE}", rows=40, figure=None, low=None, high=None, registered=0.8, worse=False)],
    )  # fmt: skip
    return Window(
        model="toy",
        version=3,
        kind="outcomes",
        number=8,
        first=AT,
        last=AT,
        rows=100,
        judged=True,
        reason="100 outcomes",
        performance=found,
    )


def report(state: str, kind: str | None = None, **changes: Any) -> WatchReport:
    parts: dict[str, Any] = {
        "model": "toy", "version": 3, "sample": False, "state": state, "reason": "2 of the last 5 windows drifted", "kind": kind,
        "alarm": None, "frozen": "", "windows": [], "waiting": 12, "waiting_outcomes": 0,
    }  # fmt: skip
    return WatchReport(**parts | changes)


def words_of(page: bytes) -> str:
    body = page.decode().partition("<body>")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_verdict_comes_first_then_the_date_then_what_to_do_and_statistics_last(drifted):
    window, columns = drifted
    alarm = Alarm(model="toy", version=3, kind="drift", windows=[6, 7], reason="they drifted", at=AT)

    page = report_page("toy", report("alarm", "drift", alarm=alarm), [window, outcomes()], columns, AT)

    said = words_of(page)
    order = [
        "toy, version 3: an alarm was raised", "Watch of 30 November 2026, 05:00", "What was found: 2 of the last 5 windows drifted.",
        "What to do: Find out why the rows changed.", "Over time", "Columns of window 7",
        "accuracy by 100 outcomes, window 8", "Statistics",
    ]  # fmt: skip
    places = [said.index(words) for words in order]
    assert places == sorted(places)
    assert "colour: blue is among the training rows, and was not served." in said
    assert re.search(r"size, \d", said) is None
    headings = re.findall(r"<h3>(\w+) <span class=\"tag (\w+)\">", page.decode())
    assert {name for name, colour in headings if colour == "wrong"} == {"weight", "colour"}
    assert [colour for _, colour in headings] == sorted((colour for _, colour in headings), reverse=True)  # wrong before quiet


def test_it_is_small_and_needs_no_network_and_no_script(drifted):
    window, columns = drifted

    page = report_page("toy", report("steady"), [window] * 30, columns * 10, AT)

    assert len(page) < 500_000
    assert not re.search(rb"<(script|link|img|iframe)[^>]*(src|href)\s*=\s*[\"']?(https?:)?//", page)
    assert b"<script" not in page
    assert b"url(" not in page
    assert page.count(b' style="') == 0
    assert len(re.findall(rb'<svg class="trend" [^>]*role="img" aria-labelledby', page)) >= 4  # each is described


def test_texts_of_models_and_persons_never_become_html():
    found = drift.DriftFinding(columns=[], prediction=None, new={HOSTILE: [HOSTILE]}, absent={})
    window = Window(
        model=HOSTILE, version=3, kind="served", number=1, first=AT, last=AT, rows=300, judged=True, reason=HOSTILE, drift=found
    )

    page = report_page(HOSTILE, report("held", "drift", frozen=HOSTILE, reason=HOSTILE), [window, outcomes()], [], AT)

    assert b"<script" not in page
    assert page.count(b"&lt;script&gt;") >= 6


@pytest.mark.parametrize(
    ("state", "kind", "verdict", "to_do"),
    [
        ("steady", None, "all is well", "Nothing."),
        ("unjudged", None, "nothing can be said yet", "The watch looks again when more rows or outcomes have come."),
        ("suspect", None, "something changed, and it is no alarm yet", "if more windows are bad, there will be an alarm"),
        ("held", "outcomes", "an alarm is held back", "Warn the people who rely on them, and consider a rollback."),
        ("alarm", "concept", "an alarm was raised", "Check that the outcomes are right and complete."),
    ],
)
def test_each_verdict_says_what_to_do_also_before_the_first_window(state, kind, verdict, to_do):
    said = words_of(report_page("toy", report(state, kind, sample=True, challenger=4), [], [], AT))

    assert f"toy, version 3: {verdict}" in said
    assert to_do in said
    assert "Not for patients or customers" in said
    assert "No outcome is known yet for a row that both answered." in said
    assert "12 served rows and 0 outcomes wait for the next window." in said
