"""Rows at which a measured model changes its answer, because a compiled one goes wrong there first.

For any model, there are rows on both sides of the border between two test rows of different labels, rows with one cell missing, and
rows with a category that no list has; for trees also rows with one cell on a split threshold, and rows at ties of the vote. All of them
keep the contract. A regression has no labels, so its answers are put into bands as wide as the reach of its intervals: at a border
between two bands, a step of the model shows. If all test rows have one label, their more and their less probable half take its place.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.cells import columns_of
from slipway.bundle.compiling.compiled import inner
from slipway.bundle.compiling.trees import trees_of
from slipway.bundle.contract import Column, Contract
from slipway.bundle.engine import Engine
from slipway.bundle.parity import prove
from slipway.bundle.thresholds import rows_on_thresholds

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

PAIRS = 100
BETWEEN = np.arange(1, 8) / 8  # places asked for at once: a model answers seven rows hardly more slowly than one
FINEST = 2.0**-30  # of a column's range: finer than float32, coarser than the rounding of a sum in another order
SMOOTH = 1e-4  # two rows whose probabilities differ by at most this have no jump between them
UNDECIDED = 2e-6  # twice the proof's tolerance: nearer than this to a smooth border, two correct answers may have different labels
CROSSED, PARENTS, MOST_TIES = 3_000, 200, 300
TIE = 1e-9
A_COLUMN = 20  # rows with a gap in each
STRANGER = "a category that no list has"

Cells = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Ask = Callable[[Cells], Floats]
Decide = Callable[[Floats], Indices]


def border_rows(measured: Any, contract: Contract, rows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Return rows near the borders of a fitted model, made from the cells of real rows; the same arguments give the same rows.

    Args:
        measured: The fitted pipeline, or what is around it (see `inner`).
        rows: (n, columns) real rows that keep the contract, such as the test rows.
    Returns:
        (m, columns), without repetitions; empty if all rows have one label.
    """
    random = np.random.default_rng(seed)
    cells = rows[[column.name for column in contract.columns]].astype(object).to_numpy()

    def ask(asked: Cells) -> Floats:
        return contract.output.scores(measured, frame(asked, contract))

    pipeline = inner(measured)
    parts = {
        "between labels": _straddling(ask, contract, cells, random),
        "on thresholds": rows_on_thresholds(pipeline, contract, cells, random),
        "with a gap or an unknown category": _gaps_and_strangers(contract, cells, random),
    }
    if contract.output.votes and trees_of(pipeline.steps[-1][1]):
        parts["at ties"] = _ties(ask, contract, cells, random)
    logger.info("%s: made rows at the border, %s", contract.model, ", ".join(f"{len(part)} {kind}" for kind, part in parts.items()))
    if not any(map(len, parts.values())):
        logger.warning(
            "%s: no row at the border could be made, because the model answers the same to all %d test rows. So the proof that the "
            "compiled model answers as the measured one rests on these rows alone.",
            contract.model,
            len(cells),
        )
    return frame(np.concatenate(list(parts.values())), contract).drop_duplicates(ignore_index=True)


def prove_rows(model: str, measured: Any, engine: Engine, contract: Contract, rows: pd.DataFrame) -> float:
    """Compare the answers of the measured model and the engine to the same rows; see `prove`.

    Args:
        measured: The fitted pipeline, or what is around it (see `inner`).
        rows: (n, columns) by name, n >= 0.
    """
    if rows.empty:
        return 0.0
    output, raw = contract.output, engine.probabilities(columns_of(rows, contract.columns))
    labels, numbers = output.of_model(measured, rows)
    return prove(model, numbers, labels, output.numbers(raw), output.labels(raw), differ=output.differ)


def frame(cells: Cells, contract: Contract) -> pd.DataFrame:
    """Return (n, columns) cells as a frame in contract order, numbers and booleans as float64."""
    import pandas as pd

    return pd.DataFrame(
        {
            column.name: cells[:, index] if column.is_text else cells[:, index].astype(np.float64)
            for index, column in enumerate(contract.columns)
        }
    )


def _straddling(ask: Ask, contract: Contract, cells: Cells, random: np.random.Generator) -> Cells:
    """Walk from one row to another of a different label, a column at a time, and find the cell at which the label changes."""
    scores = ask(cells)
    decide = _decide(contract, scores)
    answers = decide(scores)
    one, other = random.integers(len(cells), size=(2, 20 * PAIRS))
    differ = np.flatnonzero(answers[one] != answers[other])[:PAIRS]
    if not len(differ):
        return cells[:0]
    low, high, column = _changing_column(ask, decide, cells[one[differ]], cells[other[differ]], random)
    ends = np.concatenate([low, high])
    probabilities = _close_in(ask, decide, contract, ends, column)
    below, above = np.split(probabilities, 2)
    smooth = np.tile(np.abs(below - above).max(axis=1) <= SMOOTH, 2)
    decided: Cells = ends[~(smooth & (contract.output.margins(probabilities) <= UNDECIDED))]
    return decided


def _decide(contract: Contract, scores: Floats) -> Decide:
    """Return what gives (n,) numbers that are equal where the answers are, or the halves of the rows if all have one answer."""
    decide: Decide = contract.output.decisions
    if len(np.unique(decide(scores))) > 1:
        return decide
    column = int(np.ptp(scores, axis=0).argmax())
    middle = np.median(scores[:, column])
    return lambda asked: (asked[:, column] > middle).astype(np.intp)


def _gaps_and_strangers(contract: Contract, cells: Cells, random: np.random.Generator) -> Cells:
    """Return real rows with one cell missing, or with a category that is none of the list, for each column that may have that."""
    found = [cells[:0]]
    for place, column in enumerate(contract.columns):
        for cell in [*([np.nan] if column.missing else []), *([STRANGER] if column.other else [])]:
            moved = cells[random.integers(len(cells), size=A_COLUMN)]
            moved[:, place] = cell
            found.append(moved)
    return np.concatenate(found)


def _changing_column(ask: Ask, decide: Decide, start: Cells, goal: Cells, random: np.random.Generator) -> tuple[Cells, Cells, Indices]:
    """Return the last row with the label of the start, the row after it, and the column in which the two differ."""
    pairs, width = start.shape
    turn = random.permuted(np.tile(np.arange(width), (pairs, 1)), axis=1)
    moved = turn[:, None, :] < np.arange(width + 1)[None, :, None]  # (pairs, steps, columns)
    path = np.where(moved, goal[:, None, :], start[:, None, :])
    answers = decide(ask(path.reshape(-1, width))).reshape(pairs, width + 1)
    step = (answers != answers[:, :1]).argmax(axis=1)
    every = np.arange(pairs)
    return path[every, step - 1], path[every, step], (turn == step[:, None] - 1).argmax(axis=1)


def _close_in(ask: Ask, decide: Decide, contract: Contract, ends: Cells, column: Indices) -> Floats:
    """Move the ends, n low and then n high ones, to the place in each pair's column where the label changes; return their probabilities.

    A pair is done when its numbers are neighbours, or its probabilities no longer jump.
    Categories, dates and booleans are always neighbours, and so are a missing cell and any other.
    """
    probabilities = ask(ends)
    pairs = len(column)
    goal = decide(probabilities[pairs:])
    kinds = [contract.columns[index] for index in column]
    whole, finest = np.array([kind.kind == "integer" for kind in kinds]), np.array([_finest(kind) for kind in kinds])
    walking = np.flatnonzero([kind.is_number for kind in kinds])
    while True:
        left, right = (ends[walking + shift, column[walking]].astype(np.float64) for shift in (0, pairs))
        places = left[:, None] + (right - left)[:, None] * BETWEEN
        places[whole[walking]] = np.floor(places[whole[walking]])
        between = ((places != left[:, None]) & (places != right[:, None])).any(axis=1)
        jump = np.abs(probabilities[walking] - probabilities[walking + pairs]).max(axis=1, initial=0) > SMOOTH
        apart = jump & (np.abs(right - left) > finest[walking]) & between
        walking, places = walking[apart], places[apart]
        if not len(walking):
            return probabilities
        tried = np.repeat(ends[walking], BETWEEN.size, axis=0)
        tried[np.arange(len(tried)), np.repeat(column[walking], BETWEEN.size)] = places.ravel()
        answered = ask(tried)
        reached = (decide(answered) == np.repeat(goal[walking], BETWEEN.size)).reshape(places.shape)
        first = np.where(reached.any(axis=1), reached.argmax(axis=1), BETWEEN.size)  # the first place that has the other label
        for end, place, moved in ((walking, first - 1, first > 0), (walking + pairs, first, first < BETWEEN.size)):
            at = (np.arange(len(walking)) * BETWEEN.size + place)[moved]
            ends[end[moved]], probabilities[end[moved]] = tried[at], answered[at]


def _finest(column: Column) -> float:
    return FINEST * (column.high - column.low) if column.low is not None and column.high is not None else FINEST


def _ties(ask: Ask, contract: Contract, cells: Cells, random: np.random.Generator) -> Cells:
    """Cross real rows with each other, then the rows nearest to a tie with real ones again, and return those at a tie."""
    found, parents = [], cells
    for share in (0.5, 0.15):  # of the cells that come from the second parent
        one, other = parents[random.integers(len(parents), size=CROSSED)], cells[random.integers(len(cells), size=CROSSED)]
        children = np.where(random.random(one.shape) < share, other, one)
        distance = contract.output.margins(ask(children))
        found.append(children[distance <= TIE])
        parents = children[np.argsort(distance, kind="stable")[:PARENTS]]
    ties: Cells = np.concatenate(found)[:MOST_TIES]
    return ties
