"""A fitted ColumnTransformer as the data that `slipway.bundle.engines.preparation` evaluates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, get_args

import msgspec
import numpy as np

from slipway.bundle.compiling.compiled import FittedPipeline
from slipway.bundle.engines.preparation import Block, FittedPreparation
from slipway.bundle.engines.steps import (
    Above,
    Average,
    Clip,
    Cycle,
    Diff,
    Impute,
    Less,
    Missing,
    NumberAt,
    OneHot,
    Product,
    Rank,
    Reciprocal,
    Scale,
    Since1970,
    Step,
    Times,
    Unit,
)
from slipway.errors import CannotCompileError

NO_DATE, NO_NUMBER = "NaT", float(np.iinfo("int64").min)  # numpy's text for a missing date, and what it makes of it as a number
UNITS: Mapping[str, Unit] = MappingProxyType({f"datetime64[{unit}]": unit for unit in get_args(Unit)})


def describe_preparation(fitted: FittedPipeline) -> FittedPreparation:
    """Describe the preparation of a fitted pipeline: the one ColumnTransformer before the estimator.

    Raises:
        CannotCompileError: No step of ours equals a transformer or its options; the message names it.
    """
    before = fitted.preparation
    if [type(step).__name__ for step in before] != ["ColumnTransformer"]:
        raise CannotCompileError(f"expected one ColumnTransformer before the estimator, received {before}.")
    return FittedPreparation(
        tuple(
            _block(name, transformer, columns)
            for name, transformer, columns in before[0].transformers_
            if len(columns) and not (isinstance(transformer, str) and transformer == "drop")
        )
    )


def encode_preparation(fitted: FittedPipeline) -> bytes:
    """Return the description as JSON; every float is the same when it is read again."""
    return msgspec.json.format(msgspec.json.encode(describe_preparation(fitted)), indent=1)


def _block(name: str, transformer: Any, columns: Any) -> Block:
    if isinstance(columns, str) or not all(isinstance(column, str) for column in columns):
        raise CannotCompileError(f"the step {name!r} takes {columns!r}; name its columns, in a list.")
    steps = tuple(step for each in _in_turn(transformer) for step in _steps(name, each))
    if any(isinstance(step, OneHot) for step in steps) and len(steps) > 1:
        raise CannotCompileError(f"the step {name!r}: a OneHotEncoder must be alone.")
    if any(isinstance(step, Since1970 | Rank) for step in steps[1:]):
        raise CannotCompileError(f"the step {name!r}: dates and ordered categories must be read before anything else.")
    return Block(tuple(columns), steps)


def _in_turn(transformer: Any) -> list[Any]:
    return [part for _, step in transformer.steps for part in _in_turn(step)] if hasattr(transformer, "steps") else [transformer]


def _steps(name: str, transformer: Any) -> tuple[Step, ...]:
    kind = type(transformer).__name__
    if transformer == "passthrough":
        return ()
    if kind not in _DESCRIBED:
        raise CannotCompileError(
            f"the step {name!r} is a {kind}, which no engine knows; the known ones are {', '.join(_DESCRIBED)}. Use one of them, or "
            "describe it in slipway/bundle/engines/steps.py and slipway/bundle/compiling/preparation.py."
        )
    try:
        return _DESCRIBED[kind](transformer)
    except ValueError as error:
        raise CannotCompileError(f"the step {name!r}, a {kind}: {error}") from None


def _scale(transformer: Any) -> tuple[Step, ...]:
    width = transformer.n_features_in_
    mean = transformer.mean_.tolist() if transformer.with_mean else [0.0] * width
    scale = transformer.scale_.tolist() if transformer.with_std else [1.0] * width
    return (Scale(tuple(mean), tuple(scale)),)


def _impute(transformer: Any) -> tuple[Step, ...]:
    missing, values = transformer.missing_values, np.asarray(transformer.statistics_)
    if _marks_dates(transformer):
        return ()
    if transformer.strategy == "constant" and isinstance(transformer.fill_value, float):
        values = values.astype(np.float64)  # scikit-learn keeps a constant as an object
    if transformer.add_indicator:
        raise ValueError("expected add_indicator=False; add a Binarizer beside it instead.")
    if not isinstance(missing, int | float) or values.dtype.kind != "f" or np.isnan(values).any():
        raise ValueError(f"expected a number as missing_values and numbers to replace it, received {missing!r} and {values.tolist()}.")
    return (Impute(None if np.isnan(missing) else float(missing), tuple(values.tolist())),)


def _marks_dates(transformer: Any) -> bool:
    """Return whether it replaces a missing date by numpy's text for it, or what numpy makes of that by NaN: `Since1970` does both."""
    fill = transformer.fill_value
    return transformer.strategy == "constant" and (
        fill == NO_DATE or (isinstance(fill, float) and np.isnan(fill) and transformer.missing_values == NO_NUMBER)
    )


def _missing(transformer: Any) -> tuple[Step, ...]:
    if transformer.features != "all" or not np.isnan(transformer.missing_values):
        raise ValueError('expected features="all" and NaN as missing_values.')
    return (Missing(),)


def _above(transformer: Any) -> tuple[Step, ...]:
    return (Above(float(transformer.threshold)),)


def _function(transformer: Any) -> tuple[Step, ...]:
    if transformer.func is None:  # how scikit-learn stores "passthrough"
        return ()
    options = dict(transformer.kw_args or {})
    if transformer.func is np.asarray and options == {"dtype": "float64"}:
        return ()  # the engine's matrix is of floats already
    if transformer.func is np.asarray and (unit := UNITS.get(str(options.get("dtype")))):
        return (Since1970(unit),)
    if transformer.func is np.interp and set(options) == {"xp", "fp", "period"} and options["xp"] == list(range(options["period"])):
        return (Cycle(tuple(map(float, options["fp"]))),)
    if transformer.func is np.interp and set(options) == {"xp", "fp"} and options["xp"] == list(range(len(options["fp"]))):
        return (NumberAt(tuple(map(float, options["fp"]))),)
    if transformer.func is np.prod and options == {"axis": 1, "keepdims": True}:
        return (Product(),)
    if transformer.func is np.clip and set(options) == {"a_min", "a_max"}:
        return (Clip(float(options["a_min"]), float(options["a_max"])),)
    if transformer.func is np.dot and set(options) == {"b"} and np.shape(options["b"]) == (1, 1):
        return (Times(float(options["b"][0][0])),)
    if transformer.func is np.diff and set(options) == {"axis", "prepend"} and options["axis"] == 1:
        return (Less(float(options["prepend"])),)
    if transformer.func is np.diff and options == {"axis": 1}:
        return (Diff(),)
    weights = options.pop("weights", None)
    if transformer.func is np.average and weights is not None and options == {"axis": 1, "keepdims": True}:
        return (Average(tuple(map(float, weights))),)
    raise ValueError(
        f"expected numpy.diff or a weighted numpy.average along axis 1, received {transformer.func} with {transformer.kw_args}."
    )


def _one_hot(transformer: Any) -> tuple[Step, ...]:
    if transformer.drop is not None or transformer.min_frequency is not None or transformer.max_categories is not None:
        raise ValueError("expected every category to keep a column: no drop, min_frequency or max_categories.")
    values = tuple(tuple(map(_whole, values.tolist())) for values in transformer.categories_)
    if not all(isinstance(value, str | int) for each in values for value in each):
        raise ValueError(f"expected categories that are texts or whole numbers, received {values}.")
    return (OneHot(values, others=transformer.handle_unknown != "error"),)


def _rank(transformer: Any) -> tuple[Step, ...]:
    lenient = transformer.handle_unknown != "error"
    if (
        transformer.min_frequency is not None
        or transformer.max_categories is not None
        or (lenient and not np.isnan(transformer.unknown_value))
    ):
        raise ValueError("expected a place for every category, and NaN as unknown_value.")
    values = tuple(tuple(map(_whole, values.tolist())) for values in transformer.categories_)
    if not all(isinstance(value, str | int) for each in values for value in each):
        raise ValueError(f"expected categories that are texts or whole numbers, received {values}.")
    return (Rank(values, others=lenient),)


def _whole(value: Any) -> Any:
    """Return 3 for 3.0: an encoder that was fitted on floats has floats as categories."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _reciprocal(transformer: Any) -> tuple[Step, ...]:
    """Describe a ColumnTransformer inside of a step: a numerator, and the reciprocal of a denominator."""
    parts = [([_of_ratio(step) for step in _in_turn(part)], list(columns)) for _, part, columns in transformer.transformers_]
    first, *lasts = [steps for steps, _ in parts]
    if (
        first != ["number"]
        or lasts not in [[["number", *zeros, "reciprocal"]] for zeros in ([], ["zero to gap"], ["gap to zero", "zero to gap"])]
        or [columns for _, columns in parts] != [[name] for name in transformer.feature_names_in_]
    ):
        raise ValueError(f"expected a numerator and the reciprocal of a denominator, received {parts}.")
    return (Reciprocal(),)


def _of_ratio(transformer: Any) -> str:
    """Return what a transformer of a numerator or a denominator does."""
    if type(transformer).__name__ == "FunctionTransformer":
        if transformer.func is np.reciprocal and not transformer.kw_args:
            return "reciprocal"
        return "number" if transformer.func is np.asarray and transformer.kw_args == {"dtype": "float64"} else repr(transformer)
    if type(transformer).__name__ == "SimpleImputer" and transformer.strategy == "constant":
        marks = {"0.0, nan": "zero to gap", "nan, 0.0": "gap to zero"}
        return marks.get(f"{transformer.missing_values}, {transformer.fill_value}", repr(transformer))
    return repr(transformer)


_DESCRIBED: Mapping[str, Callable[[Any], tuple[Step, ...]]] = MappingProxyType(
    {
        "StandardScaler": _scale,
        "SimpleImputer": _impute,
        "MissingIndicator": _missing,
        "Binarizer": _above,
        "FunctionTransformer": _function,
        "OneHotEncoder": _one_hot,
        "OrdinalEncoder": _rank,
        "ColumnTransformer": _reciprocal,
    }
)
