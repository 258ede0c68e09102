"""From the gateway's log to judged windows: a real log, rows that drift or do not, outcomes that come late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from slipway.audit import Claim, OutcomeRequest
from slipway.audit.outcomes import record as write_outcomes
from slipway.audit.places import opened
from slipway.audit.subjects.key_file import KeyFile
from slipway.monitoring.drift.drift import Reference
from slipway.monitoring.findings import Proposal, Window
from slipway.monitoring.in_service import Watched
from slipway.monitoring.journal import Journal
from slipway.monitoring.observing import Observed, observe, propose, rows_of
from slipway.problems.classification.evaluation import Evaluation
from slipway.records import Effect, Paired
from slipway.spec import ModelSpec
from slipway.spec.watch import Season, Watch

START = datetime(2026, 11, 1, tzinfo=UTC)
ROWS = 60  # of a window
VERSION = 3  # of the contract that the log's entries carry


def drawn(rows: int, seed: int, moved: float = 0.0) -> dict[str, list[Any]]:
    """Rows of the toy; `moved` makes them larger."""
    generator = np.random.default_rng(seed)
    sizes = np.clip(generator.normal(50 + moved, 10, rows), 0, 100).round().astype(int)
    weights = generator.uniform(0, 5, rows).round(3)
    return {"size": sizes.tolist(), "weight": weights.tolist(), "colour": generator.choice(["red", "blue"], rows).tolist()}


def labels_of(rows: int) -> list[int]:
    return [row % 2 for row in range(rows)]


@dataclass
class Service:
    """A log that is written as the gateway writes it, and the watch over it."""

    spec: ModelSpec
    version: Watched
    place: Path
    journal: Journal
    serve_: Callable[..., Any]

    def serve(self, rows: int, *, hours: float = 0.0, seed: int = 1, moved: float = 0.0, version: int = VERSION) -> str:
        """Answer a request of so many rows, so many hours after the start; return its id."""
        entry = self.serve_(
            labels_of(rows), columns=drawn(rows, seed, moved), time=(START + timedelta(hours=hours)).timestamp(), **self._of(version)
        )
        return str(entry.request_id)

    def report(self, request: str, outcomes: list[int]) -> None:
        """Report the outcomes of the first rows of a request."""
        with opened(self.place) as store:
            claims = [Claim(row, label, f"{request}-{row}") for row, label in enumerate(outcomes)]
            write_outcomes(store, KeyFile(self.place), OutcomeRequest("r-outcomes", "clinic", "toy"), claims)

    def watch(self, now: datetime | None = None) -> Observed:
        return observe(self.spec, self.version, self.journal, self.place, now or datetime.now(UTC) + timedelta(seconds=3))

    def _of(self, version: int) -> dict[str, Any]:
        return {} if version == VERSION else {"contract": msgspec.structs.replace(self.version.contract, version=version)}


@pytest.fixture
def service(toy, tmp_path, open_log, answered, record) -> Service:
    log = open_log(tmp_path)

    def serve(labels: list[int], **parts: Any) -> Any:
        entry = answered(labels, **parts)
        record(log, entry)
        return entry

    spec = replace(toy, watch=Watch(rows=ROWS, minimum=20))
    tests = labels_of(200)
    registered = Evaluation(spec.columns.target, tests, tests, np.array([[0.8, 0.2] if label == 0 else [0.2, 0.8] for label in tests]))
    reference = Reference(pd.DataFrame(drawn(600, 0)), tests, tests)
    version = Watched(answered([1]).contract, START, reference, pd.DataFrame(drawn(200, 9)), registered)
    return Service(spec, version, tmp_path, Journal(f"sqlite:///{tmp_path / 'ledger.db'}"), serve)


def found(windows: list[Window]) -> list[tuple[str, int, bool]]:
    return [(window.kind, window.rows, window.bad) for window in windows]


def test_what_was_served_is_judged_once_and_the_rest_waits(service):
    for hour in range(5):
        service.serve(30, hours=hour, seed=hour)

    first = service.watch(START + timedelta(hours=6))
    again = service.watch(START + timedelta(hours=6))

    assert found(first.windows) == [("served", ROWS, False), ("served", ROWS, False)]
    assert (first.waiting, again.waiting, again.windows) == (30, 30, [])
    assert [window.number for window in first.windows] == [1, 2]
    assert service.journal.windows("toy", VERSION) == first.windows
    assert first.windows[0].reason == "60 served rows, no column has drifted"

    service.serve(30, hours=5, seed=6)
    assert found(service.watch(START + timedelta(hours=6)).windows) == [("served", ROWS, False)]


def test_rows_that_drifted_make_a_bad_window_that_names_the_column(service):
    service.serve(ROWS, moved=25)

    (window,) = service.watch().windows

    assert window.bad
    assert window.drift.drifted == ["size"]
    assert "drifted in 1 column: size (" in window.reason


def test_too_few_rows_are_reported_and_not_judged(service):
    service.serve(19, moved=25)

    assert service.watch(START + timedelta(days=6)).windows == []
    (window,) = service.watch(START + timedelta(days=7, seconds=3)).windows

    assert (window.judged, window.bad, window.rows) == (False, False, 19)
    assert window.reason == "19 served rows in 7 days are too few to judge; 20 are needed"


def test_only_rows_of_the_version_in_service_count_from_the_time_of_its_promotion(service):
    service.serve(ROWS, hours=-1, moved=25)
    service.serve(ROWS, hours=1, moved=25, version=VERSION - 1)
    service.serve(ROWS, hours=2)

    assert found(service.watch().windows) == [("served", ROWS, False)]


def test_outcomes_are_judged_as_they_come(service):
    request = service.serve(ROWS)
    service.watch()
    service.report(request, labels_of(ROWS)[:40])
    assert service.watch().waiting_outcomes == 40

    service.report(request, [*labels_of(40), *[1 - label for label in labels_of(ROWS)[40:]]])  # the first 40 come again and count once
    (window,) = service.watch().windows

    assert (window.kind, window.rows, window.bad) == ("outcomes", ROWS, True)
    assert window.performance.figure == pytest.approx(2 / 3)
    assert (window.performance.worse, window.performance.below_floor) == (True, False)
    assert "less right than at registration" in window.reason


def test_an_outcome_that_is_corrected_in_time_counts_as_it_was_corrected(service):
    request = service.serve(ROWS)
    service.report(request, [1 - label for label in labels_of(30)])
    service.report(request, labels_of(ROWS))

    window = service.watch().windows[-1]

    assert (window.kind, window.performance.hits, window.performance.misses) == ("outcomes", ROWS, 0)


def test_outcomes_of_an_earlier_version_do_not_count(service):
    service.report(service.serve(ROWS, version=VERSION - 1), labels_of(ROWS))

    assert service.watch().windows == []


def test_a_window_in_a_season_is_shown_and_does_not_count(service):
    service.spec = replace(service.spec, watch=replace(service.spec.watch, seasons=(Season("All Saints", "10-31", "11-02"),)))
    service.serve(ROWS, moved=25)

    (window,) = service.watch().windows

    assert (window.season, window.judged, window.bad) == ("All Saints", True, False)
    assert "in the season All Saints" in window.reason


def test_a_sudden_rush_is_reported(service):
    for hour in (0, 12):
        service.serve(ROWS // 2, hours=hour, seed=hour)
    service.watch()
    for hour in (24.0, 24.1):
        service.serve(ROWS // 2, hours=hour, seed=int(hour * 10))

    (window,) = service.watch().windows

    assert not window.bad
    assert "14,400 rows a day instead of the usual 120" in window.reason


def compared(verdict: str) -> Paired:
    right = Effect(
        figure="accuracy", champion=0.8, challenger=0.9, difference=0.1, low=0.05, high=0.15, p_value=0.001, method="Tango"
    )  # fmt: skip
    return Paired(
        metric="accuracy",
        rows=400,
        disagreeing=60,
        only_champion_right=10,
        only_challenger_right=50,
        accuracy=right,
        auc=None,
        effect=right,
        repeated=True,
        low=0.05,
        high=0.15,
        rows_needed=None,
        verdict=verdict,
        reason="as it was found",
    )


def test_a_better_challenger_is_proposed_once(service):
    challenged, now = replace(service.version, challenger=4), datetime.now(UTC)

    proposal = propose(challenged, compared("challenger better"), [], now)

    assert proposal == Proposal(model="toy", champion=VERSION, challenger=4, reason="as it was found", at=now)
    assert propose(challenged, compared("challenger better"), [proposal], now) is None
    assert propose(replace(challenged, challenger=5), compared("challenger better"), [proposal], now) is not None
    assert [propose(challenged, compared(verdict), [], now) for verdict in ("champion better", "no difference shown")] == [None, None]
    assert propose(challenged, None, [], now) is None


def test_the_rows_of_an_earlier_window_are_read_again_without_those_of_others(service):
    for hour in range(3):
        service.serve(ROWS, hours=hour, seed=hour)
        service.serve(5, hours=hour, version=VERSION - 1)
    windows = service.watch(START + timedelta(hours=4)).windows

    again = rows_of(service.spec, windows[1], service.place)

    assert [window.rows for window in windows] == [ROWS, ROWS, ROWS]
    assert again is not None
    assert again.features["size"].tolist() == drawn(ROWS, 1)["size"]
    assert again.labels == labels_of(ROWS)
    assert rows_of(service.spec, windows[1].model_copy(update={"first": START - timedelta(days=2), "last": START - timedelta(days=1)}),
                   service.place) is None  # fmt: skip
