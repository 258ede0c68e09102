"""Which of the answered rows are learnt from, and which are set apart to judge the release: none is ever both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from slipway.learning.joining import AnsweredRows
from slipway.spec import ModelSpec, Outcomes
from slipway.training.seen_rows import hashes, learnt
from slipway.training.splitting import RecentRows, Rows, Weights


@dataclass(frozen=True, slots=True)
class Divided:
    """The rows that are learnt from and those set apart. `both` counts rows that were left out of the first because they judge."""

    learnt: AnsweredRows
    apart: AnsweredRows
    both: int


def divide(spec: ModelSpec, learns: Outcomes, rows: Rows, found: AnsweredRows) -> Divided:
    """Set the newest rows apart, by when their outcome came, and leave out of the others what judges already.

    The border only moves forward as outcomes come in, so a row that was set apart is learnt from when newer ones have taken its place,
    and never the other way round. A row with the same cells as one of the test rows, or as one set apart, is not learnt from either.
    """
    border = len(found) - min(round(learns.apart * len(found)), learns.most_apart)
    newest = found.only(range(border, len(found)))
    names = spec.columns.names
    judged = np.union1d(learnt(rows.test[names]), learnt(newest.features[names]))
    new = ~np.isin(hashes(found.features[names].iloc[:border]), judged) if border else np.zeros(0, dtype=np.bool_)
    return Divided(found.only(np.flatnonzero(new).tolist()), newest, border - int(new.sum()))


def added(spec: ModelSpec, rows: Rows, divided: Divided, counted: Weights | None, weights: Weights) -> Rows:
    """Return the rows of a release: the training rows with those of the log after them, and the rows set apart beside the test rows.

    Args:
        counted: The weights of the training rows, then those of the log; see `forgetting`.
        weights: (n,) of the rows set apart: for how many answers each stands.
    """
    ours, names = divided.learnt, spec.columns.names
    train = pd.concat([rows.train, like(rows.train, ours.features[names])], ignore_index=True)
    recent = RecentRows(like(rows.test, divided.apart.features[names]), labels_of(rows, divided.apart.outcomes), weights)
    return replace(
        rows,
        train=train,
        train_labels=pd.concat([rows.train_labels, labels_of(rows, ours.outcomes)], ignore_index=True),
        train_weights=counted,
        recent=recent,
    )


def like(pattern: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Return cells with the types of the rows that they join."""
    return cells.astype(pattern.dtypes.to_dict())


def labels_of(rows: Rows, outcomes: list[Any]) -> pd.Series[Any]:
    return pd.Series(outcomes, name=rows.train_labels.name, dtype=rows.train_labels.dtype)
