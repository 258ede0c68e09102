"""Windows of rows that begin to drift, and what three models make of each: the one in service, the first one, and an oracle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from slipway.bundle.reading import Bundle
from slipway.client import Prediction
from slipway.errors import SimulationError
from slipway.gate.comparison import answer
from slipway.learning.apart import labels_of
from slipway.monitoring.simulation.drawing import DriftKind, Stream, simulate
from slipway.problems.training import Evaluation
from slipway.problems.weights import fitted
from slipway.spec import ModelSpec
from slipway.training.pipelines import build
from slipway.training.search.points import Point
from slipway.training.splitting import Rows

ORACLE_ROWS = 3_000  # labelled rows of one world, which the oracle learns from


@dataclass(frozen=True, slots=True)
class Plan:
    """How many windows there are, from which one on they drift (from 1), and how."""

    drift: DriftKind
    windows: int
    begins: int
    size: float
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.begins <= self.windows:
            raise SimulationError(f"the drift begins at window {self.begins}: expected a window from 1 to {self.windows}.")

    def drifts(self, number: int) -> bool:
        return number >= self.begins and self.drift != "none"


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """One window: the figure of the answers that the endpoint gave, that of the first version, and that of the oracle.

    `versions`: how many rows each version answered. `state`: what the watch said after the window. `release`: how the release ended that
    it asked for, None if it asked for none; `because` says why it ended so.
    """

    number: int
    drifts: bool
    versions: dict[int | None, int]
    answered: float
    first: float
    oracle: float
    state: str
    alarm: str
    release: str | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """The rows of all windows, and labelled rows of the world before and after the drift, which are in no window."""

    windows: list[Stream]
    before: Stream
    after: Stream

    def world(self, drifts: bool) -> Stream:
        return self.after if drifts else self.before


def draw(spec: ModelSpec, held_out: Rows, plan: Plan, rows: int) -> Course:
    """Draw all windows, of `rows` rows each. Those that drift are drawn together, so that all of them drift in the same way.

    Args:
        held_out: The split rows of the version in service, whose test rows are drawn from.
    Raises:
        SimulationError: The size is not possible for this drift.
    """
    quiet = plan.windows if plan.drift == "none" else plan.begins - 1
    before = simulate(spec, held_out, "none", quiet * rows + ORACLE_ROWS, seed=plan.seed, fresh=True)
    drifting = (plan.windows - quiet) * rows
    after = simulate(spec, held_out, plan.drift, drifting + ORACLE_ROWS, size=plan.size, seed=plan.seed + 1, fresh=True)
    windows = _cut(before, quiet, rows) + _cut(after, plan.windows - quiet, rows)
    return Course(windows, _part(before, quiet * rows, ORACLE_ROWS), _part(after, drifting, ORACLE_ROWS))


def oracle(spec: ModelSpec, held_out: Rows, world: Stream, parameters: Point, threshold: float | None) -> Any:
    """Fit the same estimator, with the parameters of the version in service, on rows of one world, all of which have their outcome."""
    features = world.rows.astype(held_out.train.dtypes.to_dict())
    return fitted(spec.problem.wrapped(build(spec, parameters), threshold), features, labels_of(held_out, world.outcomes), None)


def figure_of_answers(spec: ModelSpec, window: Stream, answers: Sequence[Prediction]) -> float:
    """Return the spec's metric of what the endpoint answered."""
    each = [list(one.interval) if one.interval else list(one.probabilities.values()) for one in answers]
    return _figure(spec, spec.problem.evaluation(window.outcomes, [one.label for one in answers], np.array(each)))


def figure_of_bundle(spec: ModelSpec, window: Stream, bundle: Bundle) -> float:
    return _figure(spec, answer(spec, window.rows, window.outcomes, bundle))


def figure_of_model(spec: ModelSpec, window: Stream, model: Any) -> float:
    return _figure(spec, spec.problem.ask(model, window.rows, window.outcomes))


def _figure(spec: ModelSpec, answers: Evaluation) -> float:
    return answers.figure(spec.metric)


def _cut(stream: Stream, count: int, rows: int) -> list[Stream]:
    return [_part(stream, number * rows, rows) for number in range(count)]


def _part(stream: Stream, begin: int, rows: int) -> Stream:
    cells: pd.DataFrame = stream.rows.iloc[begin : begin + rows].reset_index(drop=True)
    return Stream(cells, stream.outcomes[begin : begin + rows])
