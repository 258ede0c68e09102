"""The steps of a pipeline that derive columns.

They are functions of numpy and transformers of scikit-learn only, because a stored model must not contain functions of Slipway.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

from slipway.spec import Boolean, Derived, Difference, Lookup, ModelSpec, Ratio

LARGEST = float(np.finfo(np.float32).max)  # a larger number is infinity to trees and networks


def numbers_of(spec: ModelSpec) -> Iterator[tuple[str, list[Any], list[str], bool]]:
    """Yield each derived column: its name, the transformers, the columns they take, and whether the number may be missing."""
    for name, how in spec.columns.derived.items():
        yield name, _steps(spec, how), list(how.sources), spec.columns.may_be_missing(how)


def missing_of(spec: ModelSpec) -> Iterator[tuple[str, list[Any], list[str]]]:
    """Yield each derived column that may be missing although its sources are there."""
    for name, how in spec.columns.derived.items():
        if isinstance(how, Ratio | Lookup) and spec.columns.may_be_missing(how):
            yield name, _steps(spec, how), list(how.sources)


def _steps(spec: ModelSpec, how: Derived) -> list[Any]:
    if isinstance(how, Ratio):
        return _ratio(spec, how)
    if isinstance(how, Lookup):
        return _lookup(spec, how)
    first = [_as_floats()] if any(isinstance(spec.columns.features[name], Boolean) for name in how.sources) else []
    if isinstance(how, Difference):  # the second column less the first
        return [*first, FunctionTransformer(np.diff, kw_args={"axis": 1})]
    return [*first, FunctionTransformer(np.average, kw_args={"axis": 1, "weights": list(how.weights.values()), "keepdims": True})]


def _ratio(spec: ModelSpec, how: Ratio) -> list[Any]:
    """Multiply the numerator by the reciprocal of the denominator, after zeros among the denominators became missing numbers."""
    denominator: list[Any] = [_as_floats()]
    if spec.columns.may_be_zero(how.denominator):
        if spec.columns.features[how.denominator].missing:  # an imputer that looks for zeros takes no NaN
            denominator.append(SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True))
        denominator.append(SimpleImputer(missing_values=0.0, strategy="constant", fill_value=np.nan, keep_empty_features=True))
    denominator.append(FunctionTransformer(np.reciprocal))
    return [
        ColumnTransformer([("numerator", _as_floats(), [how.numerator]), ("denominator", make_pipeline(*denominator), [how.denominator])]),
        FunctionTransformer(np.prod, kw_args={"axis": 1, "keepdims": True}),
        FunctionTransformer(np.clip, kw_args={"a_min": -LARGEST, "a_max": LARGEST}),
    ]


def _lookup(spec: ModelSpec, how: Lookup) -> list[Any]:
    """Find the place of the value among those of the table, and the number at that place; NaN for a value that has none."""
    known = dict(sorted(how.known.items())) if how.column in spec.columns.nominal else how.known  # encoders want codes in order
    places = OrdinalEncoder(categories=[list(known)])
    if spec.columns.may_be_missing(how):
        places.set_params(handle_unknown="use_encoded_value", unknown_value=np.nan)
    numbers = {"xp": list(range(len(known))), "fp": [float(number) for number in known.values()]}
    return [places, FunctionTransformer(np.interp, kw_args=numbers)]


def _as_floats() -> FunctionTransformer:
    return FunctionTransformer(np.asarray, kw_args={"dtype": "float64"})
