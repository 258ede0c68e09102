"""The pipeline of a spec: preparation and estimator in one object, so that the preparation is fitted on training rows only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Binarizer, FunctionTransformer, OneHotEncoder, StandardScaler

from slipway.spec import PREPARATION, Derived, Difference, ModelSpec, Preparation

PREPARATION_STEP, MODEL_STEP = "preparation", "model"


def build(spec: ModelSpec, parameters: Mapping[str, Any]) -> Pipeline:
    """Return an unfitted pipeline on raw, named columns.

    Args:
        parameters: Values for keys of the spec's search space. The seed is set if the estimator takes one.
    """
    chosen = preparation_choices(parameters)
    tuned = {key: value for key, value in parameters.items() if not key.startswith(PREPARATION)}
    estimator = clone(spec.estimator).set_params(**tuned)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=spec.split.seed)
    return Pipeline([(PREPARATION_STEP, _preparation(spec, replace(spec.preparation, **chosen))), (MODEL_STEP, estimator)])


def preparation_choices(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the preparation, by the names of its fields."""
    return {key.removeprefix(PREPARATION): value for key, value in parameters.items() if key.startswith(PREPARATION)}


def _preparation(spec: ModelSpec, preparation: Preparation) -> ColumnTransformer:
    """Scale numbers, encode categories and codes. Every column is named, because a stored model must not contain a selector function.

    No category is dropped: with a penalty, the fit would depend on which one is dropped.
    """
    columns = spec.columns
    imputed = [name for name, kind in columns.numeric.items() if kind.zero_is_missing and preparation.zeros == "impute"]
    replaced = {name for how in columns.derived.values() for name in how.replaced}
    plain = [name for name in columns.numeric if name not in {*imputed, *replaced, *columns.nominal}]
    steps: list[tuple[str, Any, list[str]]] = []
    number = StandardScaler() if preparation.scale else "passthrough"
    if plain:
        steps.append(("numbers", number, plain))
    for name, how in columns.derived.items():
        steps.append((name, make_pipeline(_derive(how), number), list(how.sources)))
    if imputed:
        steps.append(("imputed", make_pipeline(SimpleImputer(missing_values=0.0, strategy="median"), StandardScaler()), imputed))
        # 1 for a measured value, 0 for the median in its place: an indicator that ONNX can express
        steps.append(("measured", Binarizer(threshold=0), imputed))
    if columns.nominal:
        codes = [list(kind.codes) for kind in columns.nominal.values()]
        steps.append(("codes", OneHotEncoder(categories=codes, sparse_output=False), list(columns.nominal)))
    if columns.categorical:
        values = [list(kind.values) for kind in columns.categorical.values()]
        steps.append(("categories", OneHotEncoder(categories=values, sparse_output=False), list(columns.categorical)))
    return ColumnTransformer(steps)


def _derive(how: Derived) -> FunctionTransformer:
    """Derive a column by a function of numpy: a stored model must not contain functions of Slipway."""
    if isinstance(how, Difference):  # the second column less the first
        return FunctionTransformer(np.diff, kw_args={"axis": 1})
    return FunctionTransformer(np.average, kw_args={"axis": 1, "weights": list(how.weights.values()), "keepdims": True})
