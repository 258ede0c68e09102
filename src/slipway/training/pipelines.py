"""The pipeline of a spec: preparation and estimator in one object, so that the preparation is fitted on training rows only."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Binarizer, FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from slipway.bundle.trusted_types import other_types
from slipway.errors import UnstorableEstimatorError
from slipway.spec import PREPARATION, Adopted, ModelSpec, Preparation
from slipway.training import dates, derived, texts
from slipway.training.adopted import frozen
from slipway.training.networks import ConvolutionalNetwork
from slipway.training.width import is_sparse

PREPARATION_STEP, MODEL_STEP = "preparation", "model"


def build(spec: ModelSpec, parameters: Mapping[str, Any], instead: Any = None) -> Any:
    """Return an unfitted pipeline on raw, named columns; an adopted one is fitted, and stays as it is.

    Args:
        parameters: Values for keys of the spec's search space. The seed is set if the estimator takes one, or a step of it.
        instead: An estimator in place of the spec's, which takes no parameter of the search.
    """
    if instead is None and isinstance(spec.estimator, Adopted):
        return frozen(spec, spec.estimator)
    chosen = preparation_choices(parameters)
    tuned = {key: value for key, value in parameters.items() if not key.startswith(PREPARATION)}
    estimator = _seeded(_unfitted(spec.estimator).set_params(**tuned) if instead is None else _unfitted(instead), spec.split.seed)
    preparation = replace(spec.preparation, **chosen)
    sparse = is_sparse(spec.columns, preparation, estimator)
    return Pipeline([(PREPARATION_STEP, _preparation(spec, preparation, sparse)), (MODEL_STEP, estimator)])


def require_storable(spec: ModelSpec, model: Any = None) -> None:
    """Refuse an estimator that could not be stored.

    Args:
        model: The spec's pipeline, fitted; by default as it is before that, which has not all of its types yet.
    Raises:
        UnstorableEstimatorError: The message names the type, and says what to do.
    """
    model = build(spec, {}) if model is None else model
    if is_network(model):
        return  # Keras stores it
    from skops.io import dumps
    from skops.io.exceptions import UnsupportedTypeException

    try:
        strangers = other_types(dumps(model), spec.trusted)
    except UnsupportedTypeException as error:
        raise UnstorableEstimatorError(f"{spec.name}: the estimator cannot be stored by skops: {error} Use another.") from None
    if strangers:
        trusted = ", ".join(f'"{name}"' for name in [*spec.trusted, *strangers])
        raise UnstorableEstimatorError(
            f"{spec.name}: a stored version would contain {', '.join(strangers)}. It may contain types of scikit-learn, those that Slipway "
            f"lists, and those that its file trusts. If you trust these, write trusted=({trusted},) into {spec.model_file}: "
            "then a file in the store may make objects of them. Otherwise, use another estimator."
        )


def is_network(model: Any) -> bool:
    """Return whether a pipeline of a spec ends with a network, which Keras stores."""
    return isinstance(model, Pipeline) and isinstance(model.named_steps[MODEL_STEP], ConvolutionalNetwork)


def _unfitted(estimator: Any) -> Any:
    """Return a copy of a declared estimator, which is not fitted. CatBoost copies lists and dicts itself, and `clone` refuses that."""
    try:
        return clone(estimator)
    except RuntimeError:
        return deepcopy(estimator)


def _seeded(estimator: Any, seed: int) -> Any:
    steps = isinstance(estimator, Pipeline)  # of which each may draw by chance
    names = [name for name in estimator.get_params() if name == "random_state" or (steps and name.endswith("__random_state"))]
    return estimator.set_params(**dict.fromkeys(names, seed))


def preparation_choices(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the preparation, by the names of its fields."""
    return {key.removeprefix(PREPARATION): value for key, value in parameters.items() if key.startswith(PREPARATION)}


def _preparation(spec: ModelSpec, preparation: Preparation, sparse: bool) -> ColumnTransformer:
    """Scale numbers, turn dates and texts into numbers, replace missing cells, encode categories and codes.

    Every column is named, because a stored model must not contain a selector function. No category is dropped: with a penalty, the fit
    would depend on which one is dropped. A category that is missing, or none of the values, is a row of zeros.
    """
    columns = spec.columns
    imputed = [name for name, kind in columns.numeric.items() if kind.zero_is_missing and preparation.zeros == "impute"]
    replaced = {name for how in columns.derived.values() for name in how.replaced}
    plain = [name for name in columns.numbers if name not in {*imputed, *replaced}]
    missing = [name for name in plain if columns.features[name].missing and name in columns.numeric]
    booleans = [name for name in plain if columns.features[name].missing and name in columns.booleans]
    ordered = {name: kind for name, kind in columns.ordered.items() if name not in replaced}
    steps: list[tuple[str, Any, list[str]]] = []
    number = StandardScaler() if preparation.scale else "passthrough"
    if complete := [name for name in plain if not columns.features[name].missing]:
        steps.append(("numbers", number, complete))
    if missing:
        steps.append(("missing", _chain(*_replacing(preparation), number), missing))
    if booleans:
        steps.append(("booleans", _chain(_as_floats(), *_replacing(preparation), number), booleans))
    for name, transformers, sources, gaps in [*derived.numbers_of(spec), *dates.numbers_of(spec)]:
        steps.append((name, _chain(*transformers, *(_replacing(preparation) if gaps else ()), number), sources))
    for name, kind in ordered.items():
        replacing = _replacing(preparation) if kind.missing or kind.other else ()
        steps.append((f"rank {name}", _chain(_ranks(spec, [name]), *replacing, number), [name]))
    if imputed:
        # a missing cell is one more way to write "not measured"
        gaps = any(columns.features[name].missing for name in imputed)
        as_zero = [SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)] if gaps else []
        steps.append(("imputed", _chain(*as_zero, SimpleImputer(missing_values=0.0, strategy="median"), StandardScaler()), imputed))
        # 1 for a measured value, 0 for the median in its place: an indicator that ONNX can express
        steps.append(("measured", _chain(*as_zero, Binarizer(threshold=0)), imputed))
    if preparation.indicator and preparation.missing != "native":
        gone = [name for name, kind in columns.numbers.items() if name in replaced and kind.missing]  # only a derived column is left
        if marked := [*missing, *(name for name in gone if name in columns.numeric)]:
            steps.append(("indicators", MissingIndicator(features="all"), marked))
        if marked := [*booleans, *(name for name in gone if name in columns.booleans)]:
            steps.append(("boolean-indicators", _chain(_as_floats(), MissingIndicator(features="all")), marked))
        if ranked := [name for name, kind in ordered.items() if kind.missing or kind.other]:
            steps.append(("rank-indicators", _chain(_ranks(spec, ranked), MissingIndicator(features="all")), ranked))
        if days := [name for name, kind in columns.dates.items() if kind.missing]:
            steps.append(("date-indicators", _chain(*dates.since_1970("D", missing=True), MissingIndicator(features="all")), days))
        for name, transformers, sources in derived.missing_of(spec):
            steps.append((f"{name}, missing", _chain(*transformers, MissingIndicator(features="all")), sources))
    if nominal := {name: kind for name, kind in columns.nominal.items() if name not in replaced}:
        codes = [list(kind.codes) for kind in nominal.values()]
        lenient = any(kind.missing for kind in nominal.values())
        steps.append(("codes", _one_hot(codes, lenient, sparse), list(nominal)))
    if unordered := {name: kind for name, kind in columns.categorical.items() if not kind.ordered and name not in replaced}:
        values = [list(kind.values) for kind in unordered.values()]
        lenient = any(kind.missing or kind.other for kind in unordered.values())
        steps.append(("categories", _one_hot(values, lenient, sparse), list(unordered)))
    steps += texts.numbers_of(spec)
    if sparse:
        return ColumnTransformer(steps, sparse_threshold=1.0)
    return ColumnTransformer(steps, sparse_threshold=0.0) if columns.texts else ColumnTransformer(steps)


def _as_floats() -> FunctionTransformer:
    """Turn true, false and null, which MLflow passes on as objects, into 1, 0 and NaN."""
    return FunctionTransformer(np.asarray, kw_args={"dtype": "float64"})


def _replacing(preparation: Preparation) -> list[SimpleImputer]:
    """Return the step that replaces missing cells, none if the estimator knows them."""
    if preparation.missing == "native":
        return []
    return [SimpleImputer(strategy=preparation.missing, keep_empty_features=True)]  # a column may have no cell in one fold


def _one_hot(values: list[list[Any]], lenient: bool, sparse: bool) -> OneHotEncoder:
    return OneHotEncoder(categories=values, handle_unknown="ignore" if lenient else "error", sparse_output=sparse)


def _ranks(spec: ModelSpec, names: list[str]) -> OrdinalEncoder:
    """Turn ordered categories into 0, 1, ...; a missing one, or none of the values, into NaN if one of the columns may have that."""
    kinds = [spec.columns.ordered[name] for name in names]
    values = [list(kind.values) for kind in kinds]
    if any(kind.missing or kind.other for kind in kinds):
        return OrdinalEncoder(categories=values, handle_unknown="use_encoded_value", unknown_value=np.nan)
    return OrdinalEncoder(categories=values)


def _chain(*steps: Any) -> Any:
    """Return the steps as one transformer; a single one as it is."""
    wanted = [step for step in steps if step != "passthrough"]
    if not wanted:
        return "passthrough"
    return wanted[0] if len(wanted) == 1 else make_pipeline(*wanted)
