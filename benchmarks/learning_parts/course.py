"""One course of the loop, offline: windows, watch, alarm, release and gate with the project's own functions, without servers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.learning_parts.tables import ORACLE_ROWS, PARAMETERS, Table
from slipway.gate import Champion, Occasion, judge
from slipway.gate.comparison import comparison_of
from slipway.learning.apart import added, divide
from slipway.learning.coverage import coverage, objection, weights
from slipway.learning.forgetting import count
from slipway.learning.joining import AnsweredRow, AnsweredRows, Joined
from slipway.monitoring import performance, policy
from slipway.monitoring.drift.drift import Reference, find
from slipway.monitoring.findings import Alarm, Window
from slipway.monitoring.simulation.drawing import DriftKind, Stream
from slipway.problems.training import Evaluation
from slipway.problems.weights import fitted
from slipway.records import Candidate, Verdict
from slipway.training.evidence.intervals import interval
from slipway.training.pipelines import build
from slipway.training.seen_rows import learnt, seen
from slipway.training.splitting import Rows

START = datetime(2026, 1, 1, tzinfo=UTC)
SCHEDULE = 4  # windows between two releases of the schedule
PASSED = 12_000  # rows of the stream that are left to the windows; the oracle has others
NEAR = 0.01  # of the oracle's figure; of an error, this share of it


@dataclass(slots=True)
class Version:
    """A fitted version, with what the watch and the gate know of it."""

    number: int
    pipeline: Any
    rows: Rows
    tested: Evaluation
    registered: performance.Registered
    learnt: Any


@dataclass(slots=True)
class Found:
    """What a course showed: the figures of each window, the alarms, and the ends of releases.

    `leaked` counts rows that judged although some version had learnt from them, or one of the two judged versions from the same cells.
    """

    on: list[float] = field(default_factory=list)
    off: list[float] = field(default_factory=list)
    oracle: list[float] = field(default_factory=list)
    margin: list[float] = field(default_factory=list)
    alarms: list[int] = field(default_factory=list)
    promoted: list[int] = field(default_factory=list)
    needless: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    leaked: int = 0
    fixed: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    half_lives: list[Any] = field(default_factory=list)


def run(table: Table, kind: DriftKind, size: float, seed: int, *, windows: int, begins: int) -> Found:
    """Let a model meet a drift in window `begins` (from 1), with the loop on; the first version answers each window too."""
    spec, per, found = table.spec, table.spec.watch.rows, Found()
    quiet = windows if kind == "none" else begins - 1
    whole = table.stream("none", windows * per, 0.0, seed) if kind == "none" else None
    before = whole or table.stream("none", quiet * per, 0.0, seed)
    after = before if kind == "none" else table.stream(kind, (windows - quiet) * per, size, seed, skip=quiet * per)
    oracles = [_oracle(table, "none", 0.0, seed)] + ([_oracle(table, kind, size, seed)] if kind != "none" else [])
    first = champion = _version(table, 1, table.rows)
    log: list[tuple[pd.DataFrame, list[Any], Evaluation, int]] = []
    journal: list[Window] = []
    last: Alarm | None = None
    ever: set[datetime] = set()
    for number in range(1, windows + 1):
        source, at = (before, (number - 1) * per) if number <= quiet else (after, (number - 1 - quiet) * per)
        rows, truth = source.rows.iloc[at : at + per].reset_index(drop=True), source.outcomes[at : at + per]
        answers = spec.problem.ask(champion.pipeline, rows, truth)
        off = answers if champion is first else spec.problem.ask(first.pipeline, rows, truth)
        best = spec.problem.ask(oracles[number > quiet], rows, truth)
        _note(spec, found, answers, off, best)
        log.append((rows, truth, answers, champion.number))
        journal += _windows(table, champion, number, rows, answers)
        ours = [window for window in journal if window.version == champion.number]
        moment = START + timedelta(days=spec.watch.cooldown_days * number)
        said = policy.judge(ours, spec.watch, now=moment, last_alarm=last)
        if said.alarm:
            last = said.alarm
            found.alarms.append(number)
        if said.alarm or number % SCHEDULE == 0:
            due = policy.standing(ours, spec.watch)
            now = _release(table, champion, log, due, number, found, ever)
            if now is not champion and not _better(table, now, champion, table.stream("none", ORACLE_ROWS, 0.0, seed, skip=PASSED)):
                found.needless.append(number)
            champion = now
    return found


def _oracle(table: Table, kind: DriftKind, size: float, seed: int) -> Any:
    world = table.stream(kind, ORACLE_ROWS, size, seed, skip=PASSED)
    pipeline = table.spec.problem.wrapped(build(table.spec, PARAMETERS[table.spec.name]))
    return fitted(pipeline, world.rows, _labels(table, world), None)


def _better(table: Table, ours: Version, theirs: Version, world: Stream) -> bool:
    """Return whether a version is better than another on many rows of the undrifted world, which judged neither."""
    spec = table.spec
    figures = [spec.problem.ask(one.pipeline, world.rows, world.outcomes).figure(spec.metric) for one in (ours, theirs)]
    return figures[0] < figures[1] if spec.lower_is_better else figures[0] > figures[1]


def _labels(table: Table, world: Stream) -> Any:
    pattern = table.rows.train_labels
    return pd.Series(world.outcomes, name=pattern.name, dtype=pattern.dtype)


def _version(table: Table, number: int, rows: Rows) -> Version:
    spec = table.spec
    pipeline = fitted(spec.problem.wrapped(build(spec, PARAMETERS[spec.name])), rows.train, rows.train_labels, rows.train_weights)
    tested = spec.problem.ask(pipeline, rows.test, rows.test_labels.tolist())
    return Version(number, pipeline, rows, tested, performance.registered(spec, rows.test, tested), learnt(rows.train[spec.columns.names]))


def _note(spec: Any, found: Found, answers: Evaluation, off: Evaluation, best: Evaluation) -> None:
    figure = best.figure(spec.metric)
    low, high = interval(spec.metric, best, 0) or (figure, figure)
    found.on.append(answers.figure(spec.metric))
    found.off.append(off.figure(spec.metric))
    found.oracle.append(figure)
    found.margin.append(max(NEAR * (figure if spec.lower_is_better else 1.0), (high - low) / 3.92))  # one standard error


def _windows(table: Table, version: Version, number: int, rows: pd.DataFrame, answers: Evaluation) -> list[Window]:
    spec, at = table.spec, START + timedelta(days=number)
    reference = Reference(version.rows.train, version.tested.labels, [])
    same: dict[str, Any] = {"model": spec.name, "version": version.number, "first": at, "last": at, "rows": len(rows), "judged": True}
    figures = performance.measure(spec, rows, answers, version.registered, sample=table.sample)
    served = Window(kind="served", number=2 * number - 1, reason="measured", drift=find(spec, reference, rows, answers.labels), **same)
    return [served, Window(kind="outcomes", number=2 * number, reason="measured", performance=figures, **same)]


def _release(table: Table, champion: Version, log: Any, due: str, number: int, found: Found, ever: set[datetime]) -> Version:
    """Learn from the log, judge, and return the version that is in service afterwards.

    Args:
        ever: When the outcomes of all rows came that any version has learnt from; no two have the same time.
    """
    spec, learns, began = table.spec, table.spec.learns, time.process_time()
    assert learns  # noqa: S101 - every model here has it
    joined = _joined(table, log)
    divided = divide(spec, learns, table.rows, joined.rows)
    covered = coverage(spec, joined)
    counted = count(spec, learns, table.rows, divided.learnt, START)
    rows = added(spec, table.rows, divided, counted.weights, weights(joined, divided.apart))
    candidate = _version(table, champion.number + 1, rows)
    found.seconds.append(time.process_time() - began)
    found.half_lives.append((number, counted.memory))
    few = "" if len(divided.apart) >= learns.enough else "too few rows are set apart"
    occasion = Occasion(due=due, not_judged=few or objection(learns, covered))
    verdict = _judged(table, candidate, champion, occasion, found, np.array([row.known in ever for row in divided.apart.each]))
    found.fixed.append(candidate.tested.figure(spec.metric))
    ever |= {row.known for row in divided.learnt.each}  # also of a candidate that is refused
    (found.promoted if verdict.passed else found.refused).append(number)
    return candidate if verdict.passed else champion


def _joined(table: Table, log: Any) -> Joined:
    spec = table.spec
    features = pd.concat([rows for rows, *_ in log], ignore_index=True)
    each = []
    for window, (_, truth, answers, version) in enumerate(log):
        at = START + timedelta(days=window)
        for outcome, label, score in zip(truth, answers.labels, _scores(spec, answers), strict=True):
            known = at + timedelta(microseconds=len(each))
            each.append(AnsweredRow(outcome, label, score, at, known, "key:clinic", version))
    rows = AnsweredRows(features, each)
    return Joined(rows, rows.answers, rows.scores, features)


def _cells(rows: pd.DataFrame) -> set[tuple[Any, ...]]:
    return set(rows.itertuples(index=False, name=None))


def _scores(spec: Any, answers: Any) -> list[float]:
    target = spec.columns.target
    if not target.answers_are_categories:
        return [float(label) for label in answers.labels]
    found: list[float] = answers.probabilities[:, target.labels.index(target.positive)].tolist()
    return found


def _judged(table: Table, ours: Version, theirs: Version, occasion: Occasion, found: Found, was_learnt: Any) -> Verdict:
    spec, rows = table.spec, ours.rows
    names, recent = spec.columns.names, rows.recent
    everyone = np.ones(len(rows.test), dtype=np.bool_)
    fixed = comparison_of(spec, rows.test, everyone, ours.tested, theirs.tested)
    on_recent = None
    if recent is not None and not occasion.not_judged:
        mask = ~seen(recent.features[names], theirs.learnt) & ~seen(recent.features[names], ours.learnt)
        found.leaked += int(was_learnt[mask].sum())
        cells = _cells(ours.rows.train[names]) | _cells(theirs.rows.train[names])  # compared as they are, without their hashes
        found.leaked += sum(row in cells for row in recent.features[names][mask].itertuples(index=False, name=None))
        both = [spec.problem.ask(one.pipeline, recent.features, recent.labels.tolist()).counting(recent.weights) for one in (ours, theirs)]
        on_recent = comparison_of(spec, recent.features, mask, *both)
    candidate = Candidate(
        model=spec.name,
        registered_as=spec.registered_as,
        version=ours.number,
        run_id="0" * 32,
        bundle="",
        metrics=ours.tested.figures(),
        confusion_matrix=[],
        data_sha256="",
        sample=table.sample,
    )
    champion = Champion(theirs.number, theirs.tested.figures(), table.sample, fixed)
    return judge(spec, candidate, replace(champion, recent=on_recent), occasion=occasion)
