"""How much older rows count beside newer ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.learning.apart import labels_of, like
from slipway.learning.joining import AnsweredRows
from slipway.problems.weights import fitted, takes_weights
from slipway.spec import ModelSpec, Outcomes
from slipway.training.pipelines import build
from slipway.training.splitting import Rows, Weights

HALF_LIVES = (2_000, 500)  # rows of the log
NEWEST = (2_000, 1_000, 500, 250)  # rows of the log since a change
OLD = 0.5  # how much all rows before a change weigh together, beside those since: what has not changed is still learnt from them
FEWEST = 100  # rows of the log; with fewer, chance decides
JUDGED, BLOCKS = 500, 4  # rows of the log that are predicted, the newest, and in how many steps
MOST_ROWS = 5_000  # of the data set, which are learnt from to find this out
BEYOND_CHANCE = 2.5  # standard errors; there are seven ways to choose from
DAY = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class Memory:
    """How much age leaves of a row's weight, in rows of the log. Both None: all count alike.

    `half_life`: a row counts half after so many newer ones. `newest`: so many rows count fully, and all older ones little, as
    after a sudden change.
    """

    half_life: int | None = None
    newest: int | None = None


ALIKE = Memory()


@dataclass(frozen=True, slots=True)
class Counted:
    """The weights of all rows to learn from, with a mean of 1; None if each counts the same. `memory`: what was found to be better."""

    weights: Weights | None
    memory: Memory = ALIKE


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
    memory = choose_memory(spec, rows, ours)
    if memory == ALIKE and rows.train_weights is None:
        return Counted(None)
    ages = _ages(len(before), len(ours), len(ours), memory)
    return Counted(_scaled(np.concatenate([before, np.ones(len(ours))]) * ages), memory)


def choose_memory(spec: ModelSpec, rows: Rows, ours: AnsweredRows) -> Memory:
    """Return how much age counts among the rows of the log.

    Each block of the newest rows is predicted from all rows before it (forward validation, Tashman, International Journal of Forecasting
    16, 2000). Only the newest are predicted: what would have been right before a change says nothing about the time after it. A memory
    is chosen if its losses are smaller than with all rows alike by 2.5 standard errors.
    """
    if len(ours) < FEWEST or not takes_weights(spec.estimator):
        return ALIKE
    few = rows.train.sample(min(MOST_ROWS, len(rows.train)), random_state=spec.split.seed)
    places = rows.train.index.get_indexer(few.index) if rows.train.index.is_unique else np.arange(len(few))
    labels, features = labels_of(rows, ours.outcomes), like(rows.train, ours.features[spec.columns.names])
    share = len(rows.train) / len(few)
    before = share * (np.ones(len(few)) if rows.train_weights is None else rows.train_weights[places])
    since = [one for one in NEWEST if one < len(ours)] + [len(ours)]  # the last: since the rows of the data set
    memories = [Memory(half_life=one) for one in HALF_LIVES] + [Memory(newest=one) for one in since]
    gains: dict[Memory, list[npt.NDArray[np.float64]]] = {memory: [] for memory in memories}
    for block in np.array_split(np.arange(len(ours) - min(JUDGED, len(ours) // 2), len(ours)), BLOCKS):
        learnt = int(block[0])
        train = pd.concat([few, features.iloc[:learnt]], ignore_index=True)
        answers = pd.concat([rows.train_labels.iloc[places], labels.iloc[:learnt]], ignore_index=True)

        def losses(memory: Memory, learnt: int = learnt, block: Any = block, train: Any = train, answers: Any = answers) -> Any:
            weights = np.concatenate([before, np.ones(learnt)]) * _ages(len(few), learnt, len(ours), memory)
            model = fitted(spec.problem.wrapped(build(spec, {})), train, answers, _scaled(weights))
            return spec.problem.ask(model, features.iloc[block], labels.iloc[block].tolist()).losses

        alike = losses(ALIKE)
        for memory, found in gains.items():
            # before the change that a memory assumes, it is no other than without it
            early = memory.newest is not None and learnt <= len(ours) - memory.newest
            found.append(np.zeros(len(block)) if early else alike - losses(memory))
    whole = {memory: np.concatenate(found) for memory, found in gains.items()}
    sure = {one: gain.mean() for one, gain in whole.items() if gain.mean() > BEYOND_CHANCE * gain.std(ddof=1) / np.sqrt(len(gain))}
    return max(sure, key=lambda one: sure[one]) if sure else ALIKE


def _ages(of_data_set: int, of_log: int, whole: int, memory: Memory) -> Weights:
    """Return how much age leaves of each row's weight: the rows of the data set are older than all of the log.

    Args:
        of_log: How many rows of the log are learnt from: the first ones.
        whole: How many there are in all; the newest of a memory are counted from there, because a change has its place in time.
    """
    found: Weights = np.ones(of_data_set + of_log)
    if memory.half_life is not None:
        newer = np.concatenate([np.full(of_data_set, of_log), np.arange(of_log, 0, -1) - 1])
        found = 0.5 ** (newer / memory.half_life)
    if memory.newest is not None:
        old = of_data_set + whole - memory.newest
        found[:old] = min(1.0, OLD * (len(found) - old) / old)
    return found


def _scaled(weights: Weights) -> Weights:
    found: Weights = weights / weights.mean()
    return found
