"""The pipeline of a spec: preparation and estimator in one object, so that preparation is fitted on training rows only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Binarizer, OneHotEncoder, StandardScaler

from slipway.spec import PREPARATION, ModelSpec, Preparation

MODEL_STEP = "model"


def build(spec: ModelSpec, parameters: Mapping[str, Any]) -> Pipeline:
    """Return an unfitted pipeline on raw, named columns.

    Args:
        parameters: Values for keys of the spec's search space; a seed is set wherever the estimator takes one.
    """
    chosen = {key.removeprefix(PREPARATION): value for key, value in parameters.items() if key.startswith(PREPARATION)}
    tuned = {key: value for key, value in parameters.items() if not key.startswith(PREPARATION)}
    estimator = clone(spec.estimator).set_params(**tuned)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=spec.split.seed)
    return Pipeline([("preparation", _preparation(spec, replace(spec.preparation, **chosen))), (MODEL_STEP, estimator)])


def _preparation(spec: ModelSpec, preparation: Preparation) -> ColumnTransformer:
    """Scale numbers and encode categories; every column is named, because a stored model must not hold a selector function.

    No category is dropped: under a penalty, which one is left out would change the fit.
    """
    columns = spec.columns
    imputed = [name for name, kind in columns.numeric.items() if kind.zero_is_missing and preparation.zeros == "impute"]
    plain = [name for name in columns.numeric if name not in imputed]
    steps: list[tuple[str, Any, list[str]]] = []
    if plain:
        steps.append(("numbers", StandardScaler(), plain))
    if imputed:
        steps.append(("imputed", make_pipeline(SimpleImputer(missing_values=0.0, strategy="median"), StandardScaler()), imputed))
        # 1 where a value was measured, 0 where the median stands in: an indicator that ONNX can express
        steps.append(("measured", Binarizer(threshold=0), imputed))
    if columns.categorical:
        values = [list(kind.values) for kind in columns.categorical.values()]
        steps.append(("categories", OneHotEncoder(categories=values, sparse_output=False), list(columns.categorical)))
    return ColumnTransformer(steps)
