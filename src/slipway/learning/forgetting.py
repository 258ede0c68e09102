"""How much older rows count beside newer ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.learning.apart import labels_of, like
from slipway.learning.joining import AnsweredRows
from slipway.problems.weights import fitted, takes_weights
from slipway.spec import ModelSpec, Outcomes
from slipway.training.pipelines import build
from slipway.training.splitting import Rows, Weights

HALF_LIVES = (2_000, 500, 150)  # rows of the log
FEWEST = 100  # rows of the log; with fewer, chance decides
BLOCKS = 4
MOST_ROWS = 5_000  # of the data set, which are learnt from to find this out
BEYOND_CHANCE = 2.0  # standard errors
DAY = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class Counted:
    """The weights of all rows to learn from, with a mean of 1; None if each counts the same. `half_life` in rows of the log, if chosen."""

    weights: Weights | None
    half_life: int | None = None


def count(spec: ModelSpec, learns: Outcomes, rows: Rows, ours: AnsweredRows, until: datetime) -> Counted:
    """Return how much each row counts: as the model's file says, or as the rows themselves show.

    Args:
        rows: Those of the data set; they are older than all of the log.
        ours: Those of the log that are learnt from, in the order in which their outcomes came.
        until: The age of a row counts from here.
    """
    before = np.ones(len(rows.train)) if rows.train_weights is None else rows.train_weights
    if learns.weight is not None or learns.half_life is not None:
        mine = np.full(len(ours), 1.0 if learns.weight is None else learns.weight)
        if learns.half_life is not None:
            days = np.array([(until - row.answered).total_seconds() / DAY for row in ours.each])
            mine *= 0.5 ** (days / learns.half_life)
        return Counted(_scaled(np.concatenate([before, mine])) if learns.weighted or rows.train_weights is not None else None)
    half_life = choose_half_life(spec, rows, ours)
    if half_life is None and rows.train_weights is None:
        return Counted(None)
    return Counted(_scaled(np.concatenate([before, np.ones(len(ours))]) * _ages(len(before), len(ours), half_life)), half_life)


def choose_half_life(spec: ModelSpec, rows: Rows, ours: AnsweredRows) -> int | None:
    """Return after how many rows of the log an older row counts half; None if all count alike.

    Each block of the later half of the log's rows is predicted from all rows before it (forward validation, Tashman, International
    Journal of Forecasting 16, 2000). A half-life is chosen if its losses are smaller than without one by two standard errors.
    """
    if len(ours) < FEWEST or not takes_weights(spec.estimator):
        return None
    few = rows.train.sample(min(MOST_ROWS, len(rows.train)), random_state=spec.split.seed)
    places = rows.train.index.get_indexer(few.index) if rows.train.index.is_unique else np.arange(len(few))
    labels, features = labels_of(rows, ours.outcomes), like(rows.train, ours.features[spec.columns.names])
    share = len(rows.train) / len(few)
    before = share * (np.ones(len(few)) if rows.train_weights is None else rows.train_weights[places])
    losses: dict[int | None, list[npt.NDArray[np.float64]]] = {None: [], **{half_life: [] for half_life in HALF_LIVES}}
    for block in np.array_split(np.arange(len(ours) // 2, len(ours)), BLOCKS):
        learnt = int(block[0])
        train = pd.concat([few, features.iloc[:learnt]], ignore_index=True)
        answers = pd.concat([rows.train_labels.iloc[places], labels.iloc[:learnt]], ignore_index=True)
        for half_life, found in losses.items():
            weights = np.concatenate([before, np.ones(learnt)]) * _ages(len(few), learnt, half_life)
            model = fitted(spec.problem.wrapped(build(spec, {})), train, answers, _scaled(weights))
            found.append(spec.problem.ask(model, features.iloc[block], labels.iloc[block].tolist()).losses)
    whole = {half_life: np.concatenate(found) for half_life, found in losses.items()}
    gains = {half_life: whole[None] - whole[half_life] for half_life in HALF_LIVES}
    sure = {one: gain.mean() for one, gain in gains.items() if gain.mean() > BEYOND_CHANCE * gain.std(ddof=1) / np.sqrt(len(gain))}
    return max(sure, key=lambda one: sure[one]) if sure else None


def _ages(of_data_set: int, of_log: int, half_life: int | None) -> Weights:
    """Return how much age leaves of each row's weight: the rows of the data set are older than all of the log."""
    if half_life is None:
        return np.ones(of_data_set + of_log)
    newer = np.concatenate([np.full(of_data_set, of_log), np.arange(of_log, 0, -1) - 1])
    found: Weights = 0.5 ** (newer / half_life)
    return found


def _scaled(weights: Weights) -> Weights:
    found: Weights = weights / weights.mean()
    return found
