"""The split into training and test rows, and of the training rows into folds, by the seed of the spec, by time or by groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import GroupKFold, GroupShuffleSplit, StratifiedGroupKFold, TimeSeriesSplit, train_test_split

from slipway.errors import SlipwayError
from slipway.spec import ModelSpec

Weights = npt.NDArray[np.float64]
Folds = list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]  # places of the rows to learn from, and of those to score


@dataclass(frozen=True, slots=True)
class RecentRows:
    """Answered rows with outcomes that are set apart to judge by, the newest last. `weights` (n,): for how many answers each stands."""

    features: pd.DataFrame
    labels: pd.Series
    weights: Weights


@dataclass(frozen=True, slots=True)
class Rows:
    """Training and test rows: features in contract order, and the labels of the same rows.

    `groups`: of a split by groups, the group of each training row. The rows of a split by time are in the order of time. The weights
    are (n,) with a mean of 1 in each part, None if each row counts the same. `recent`: rows of the log that judge beside the test rows.
    """

    train: pd.DataFrame
    train_labels: pd.Series
    test: pd.DataFrame
    test_labels: pd.Series
    groups: pd.Series | None = None
    train_weights: Weights | None = None
    test_weights: Weights | None = None
    recent: RecentRows | None = None

    @property
    def judged_by_recent(self) -> Rows:
        """The same with the recent rows in the place of the test rows."""
        if self.recent is None:
            return self
        return replace(self, test=self.recent.features, test_labels=self.recent.labels, test_weights=self.recent.weights)


def split(spec: ModelSpec, rows: pd.DataFrame) -> Rows:
    """Split validated rows. The same rows and spec give the same split, so every step may repeat it.

    Raises:
        SlipwayError: A class is in one of the two parts only, all its rows there have the weight 0, or there are too few groups.
    """
    names, target, group = spec.columns.names, spec.columns.target.name, spec.split.group
    train, test = _parts(spec, rows)
    if spec.split.by or group:
        for part, labels in (("training", train[target]), ("test", test[target])):
            _require_classes(spec, part, labels, rows[target])
    learnt, tested = (_weights(spec, part, rows) for part, rows in (("training", train), ("test", test)))
    return Rows(train[names], train[target], test[names], test[target], train[group] if group else None, learnt, tested)


def folds(spec: ModelSpec, rows: Rows, count: int, repeats: int) -> Folds:
    """Return the folds of the training rows; see `Split` for those by time and by groups.

    Raises:
        SlipwayError: A class has no rows to learn from in one of them, or there are too few groups.
    """
    seed, labels = spec.split.seed, rows.train_labels
    if spec.split.by:
        return _with_classes(spec, labels, list(TimeSeriesSplit(count).split(rows.train)))
    if rows.groups is None:
        return list(spec.problem.folds(count, repeats, seed).split(rows.train, labels))
    _require_groups(spec, rows.groups, count)
    found: Folds = []
    for repeat in range(repeats):
        found += _of_groups(spec, count, seed + repeat).split(rows.train, labels, rows.groups)
    return _with_classes(spec, labels, found)


def special_folds(spec: ModelSpec, rows: Rows) -> Folds | None:
    """Return the folds if time or groups decide them, so that other ways to draw folds do not apply."""
    return folds(spec, rows, spec.folds, 1) if spec.split.by or spec.split.group else None


def _parts(spec: ModelSpec, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    wanted, labels = spec.split, rows[spec.columns.target.name]
    if wanted.by:
        ordered = rows.sort_values(wanted.by, kind="stable")
        tested = max(1, round(wanted.test * len(ordered)))
        return ordered.iloc[:-tested], ordered.iloc[-tested:]
    if not wanted.group:
        train, test = train_test_split(rows, test_size=wanted.test, random_state=wanted.seed, stratify=labels if wanted.stratify else None)
        return train, test
    _require_groups(spec, rows[wanted.group], count := max(2, round(1 / wanted.test)))
    drawn: Any = GroupShuffleSplit(1, test_size=wanted.test, random_state=wanted.seed)
    if wanted.stratify:
        drawn = _of_groups(spec, count, wanted.seed)
    learnt, tested = next(iter(drawn.split(rows, labels, rows[wanted.group])))
    return rows.iloc[learnt], rows.iloc[tested]


def _weights(spec: ModelSpec, part: str, rows: pd.DataFrame) -> Weights | None:
    """Return the weights of one part: only their proportions count, so that a penalty or a size of leaves means the same with any unit."""
    if not (name := spec.columns.weight):
        return None
    weights = rows[name].to_numpy(dtype=np.float64)
    labels = rows[spec.columns.target.name] if spec.columns.target.answers_are_categories else pd.Series("", index=rows.index)
    if nothing := [label for label, total in rows[name].groupby(labels).sum().items() if not total]:
        of = f" of the class {nothing[0]}" if nothing[0] != "" else ""
        raise SlipwayError(
            f"{spec.name}: in column {name!r}, the weights of all {part} rows{of} are 0. Use another seed, or correct the file."
        )
    scaled: Weights = weights / weights.mean()
    return scaled


def _of_groups(spec: ModelSpec, count: int, seed: int) -> Any:
    if spec.columns.target.answers_are_categories:
        return StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return GroupKFold(count, shuffle=True, random_state=seed)


def _require_groups(spec: ModelSpec, groups: pd.Series, count: int) -> None:
    if (found := groups.nunique()) < count:
        raise SlipwayError(f"{spec.name}: the split by {spec.split.group!r} needs {count} different values at least, received {found}.")


def _with_classes(spec: ModelSpec, labels: pd.Series, found: Folds) -> Folds:
    for learnt, scored in found:
        for places in (learnt, scored):
            _require_classes(spec, "fold's", labels.iloc[places], labels)
    return found


def _require_classes(spec: ModelSpec, part: str, labels: pd.Series, every: pd.Series) -> None:
    """Refuse a part of the rows that has not every class."""
    if not spec.columns.target.answers_are_categories:
        return
    if absent := sorted(map(str, set(every) - set(labels))):
        column = spec.split.by or spec.split.group
        raise SlipwayError(
            f"{spec.name}: the {part} rows of the split by {column!r} have none of the class {', '.join(absent)}. "
            "Use fewer folds, a larger share of test rows, or another split."
        )
