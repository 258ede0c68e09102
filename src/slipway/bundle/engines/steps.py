"""The steps of a preparation as data. Each computes the same as the scikit-learn 1.9 transformer that its docstring names."""

from __future__ import annotations

from typing import Literal

import msgspec

Unit = Literal["Y", "M", "D", "h", "s"]  # of numpy: years, months, days, hours, seconds


class Scale(msgspec.Struct, frozen=True, tag="scale", forbid_unknown_fields=True):
    """StandardScaler: (x - mean) / scale, one pair a column."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]


class Impute(msgspec.Struct, frozen=True, tag="impute", forbid_unknown_fields=True):
    """SimpleImputer: the column's own value wherever a cell equals `missing`, or is missing itself if that is None."""

    missing: float | None
    values: tuple[float, ...]


class Above(msgspec.Struct, frozen=True, tag="above", forbid_unknown_fields=True):
    """Binarizer: 1 where a cell is above the threshold, 0 elsewhere."""

    threshold: float


class Missing(msgspec.Struct, frozen=True, tag="missing", forbid_unknown_fields=True):
    """MissingIndicator: 1 where a cell is missing, 0 elsewhere."""


class Diff(msgspec.Struct, frozen=True, tag="difference", forbid_unknown_fields=True):
    """FunctionTransformer(np.diff, axis=1): each column minus the one before it, so one column fewer."""


class Average(msgspec.Struct, frozen=True, tag="average", forbid_unknown_fields=True):
    """FunctionTransformer(np.average, axis=1, keepdims=True): the weighted mean of the columns, so one column."""

    weights: tuple[float, ...]


class OneHot(msgspec.Struct, frozen=True, tag="one-hot", omit_defaults=True, forbid_unknown_fields=True):
    """OneHotEncoder: a column of 0 and 1 for each value, by raw column; takes texts or whole numbers, so it must be the only step.

    `others`: a cell that is missing, or no such value, is 0 in every column.
    """

    values: tuple[tuple[str | int, ...], ...]
    others: bool = False


class Since1970(msgspec.Struct, frozen=True, tag="since-1970", forbid_unknown_fields=True):
    """FunctionTransformer(np.asarray) to datetime64 and then to floats: the whole units since 1970, NaN for a missing date.

    It takes ISO texts, so it must be the first step.
    """

    unit: Unit


class Cycle(msgspec.Struct, frozen=True, tag="cycle", forbid_unknown_fields=True):
    """FunctionTransformer(np.interp, xp=0, 1, ..., fp=values, period=len(values)): the values in turn, again and again."""

    values: tuple[float, ...]


class Less(msgspec.Struct, frozen=True, tag="less", forbid_unknown_fields=True):
    """FunctionTransformer(np.diff, axis=1, prepend=number): the first column minus a number, each other one minus the one before it."""

    number: float


class Times(msgspec.Struct, frozen=True, tag="times", forbid_unknown_fields=True):
    """FunctionTransformer(np.dot, b=[[factor]]): the one column times a factor."""

    factor: float


class Rank(msgspec.Struct, frozen=True, tag="rank", forbid_unknown_fields=True):
    """OrdinalEncoder: the place of each value in its column's list; takes texts or whole numbers, so it must be the first step.

    `others`: any other cell is NaN; without it, the bundle's contract allows none.
    """

    values: tuple[tuple[str | int, ...], ...]
    others: bool = False


class NumberAt(msgspec.Struct, frozen=True, tag="lookup", forbid_unknown_fields=True):
    """FunctionTransformer(np.interp, xp=0, 1, ..., fp=numbers): the number at each place; NaN stays NaN."""

    numbers: tuple[float, ...]


class Reciprocal(msgspec.Struct, frozen=True, tag="reciprocal", forbid_unknown_fields=True):
    """ColumnTransformer of two columns: the first as it is, and 1 divided by the last, which is NaN for 0."""


class Product(msgspec.Struct, frozen=True, tag="product", forbid_unknown_fields=True):
    """FunctionTransformer(np.prod, axis=1, keepdims=True): the product of the columns, so one column."""


class Clip(msgspec.Struct, frozen=True, tag="clip", forbid_unknown_fields=True):
    """FunctionTransformer(np.clip): no number below `low` or above `high`; NaN stays NaN."""

    low: float
    high: float


Step = (
    Scale
    | Impute
    | Above
    | Missing
    | Diff
    | Average
    | OneHot
    | Since1970
    | Cycle
    | Less
    | Times
    | Rank
    | NumberAt
    | Reciprocal
    | Product
    | Clip
)
