"""The preparation in a bundle gives exactly the matrix of scikit-learn's ColumnTransformer, or it is not compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Binarizer, FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler

from slipway.bundle.compiling.compiled import FittedPipeline
from slipway.bundle.compiling.preparation import describe_preparation, encode_preparation
from slipway.bundle.contract import decode_bytes
from slipway.bundle.engines.preparation import FittedPreparation, Preparer
from slipway.errors import CannotCompileError

RANDOM = np.random.default_rng(3)
ROWS = pd.DataFrame(
    {
        "a": RANDOM.normal(50, 17, 400).round(3),
        "b": RANDOM.integers(0, 5, 400),  # whole numbers, some of them 0
        "c": RANDOM.lognormal(3, 2, 400),
        "same": 7.0,  # scikit-learn divides a column without spread by 1
        "text": RANDOM.choice(["x", "y", "z"], 400),
        "word": RANDOM.choice(["no", "yes"], 400),
    }
)
DIFFERENCE = FunctionTransformer(np.diff, kw_args={"axis": 1})
IMPUTED = SimpleImputer(missing_values=0, strategy="median")


def fitted(*steps: Any) -> FittedPipeline:
    target = np.arange(len(ROWS)) % 2
    return FittedPipeline(
        Pipeline([("preparation", ColumnTransformer(list(steps))), ("model", LogisticRegression())]).fit(ROWS, target), None
    )


@pytest.mark.parametrize(
    "steps",
    [
        [("scaled", StandardScaler(), ["a", "b", "same", "c"])],
        [("centred", StandardScaler(with_std=False), ["a", "c"]), ("stretched", StandardScaler(with_mean=False), ["c", "b"])],
        [("as they are", "passthrough", ["c", "a"]), ("left out", "drop", ["same"])],
        [("less", DIFFERENCE, ["a", "c"]), ("less, scaled", make_pipeline(DIFFERENCE, StandardScaler()), ["c", "b"])],
        [("three", make_pipeline(DIFFERENCE, "passthrough"), ["a", "b", "c"])],
        [("imputed", make_pipeline(IMPUTED, StandardScaler()), ["b", "a"]), ("measured", Binarizer(threshold=0), ["b"])],
        [("texts", OneHotEncoder(categories=[["z", "y", "x"], ["yes", "no"]]), ["text", "word"])],  # sparse, in an order of its own
        [("codes", OneHotEncoder(categories=[[0, 1, 2, 3, 4, 9]]), ["b"]), ("found", OneHotEncoder(sparse_output=False), ["same", "b"])],
        [("none", StandardScaler(), []), ("texts", OneHotEncoder(sparse_output=False), ["word"]), ("number", "passthrough", ["a"])],
    ],
    ids=lambda steps: ", ".join(name for name, _, _ in steps),
)
def test_the_matrix_is_the_same_bit_by_bit(steps: list[Any]) -> None:
    measured = fitted(*steps)
    expected = measured.preparation[0].transform(ROWS)
    preparer = Preparer(decode_bytes(encode_preparation(measured), FittedPreparation, __file__))  # type: ignore[arg-type]

    matrix = preparer.matrix(ROWS.to_dict("list"))

    assert matrix.dtype == np.float64
    assert np.array_equal(matrix, expected.toarray() if hasattr(expected, "toarray") else expected)
    assert np.array_equal(preparer.matrix(ROWS.iloc[[5]].to_dict("list")), matrix[[5]])


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (
            ("scaled", MinMaxScaler(), ["a"]),
            "the step 'scaled' is a MinMaxScaler, which no engine knows; the known ones are StandardScaler",
        ),
        (("root", FunctionTransformer(np.abs), ["a"]), "the step 'root', a FunctionTransformer: expected numpy.diff"),
        (
            ("gaps", SimpleImputer(strategy="constant", fill_value=7), ["a"]),
            "the step 'gaps', a SimpleImputer: expected a number as missing_values",
        ),
        (("gaps", SimpleImputer(missing_values=0, add_indicator=True), ["b"]), "expected add_indicator=False"),
        (("texts", OneHotEncoder(drop="first"), ["text"]), "expected every category to keep a column"),
        (("numbers", OneHotEncoder(), ["a"]), "expected categories that are texts or whole numbers, received"),
        (("both", make_pipeline(OneHotEncoder(sparse_output=False), StandardScaler()), ["text"]), "a OneHotEncoder must be alone"),
        (("places", StandardScaler(), [0, 2]), r"the step 'places' takes \[0, 2\]; name its columns"),
    ],
)
def test_a_step_that_no_engine_knows_is_refused_by_name(step: Any, said: str) -> None:
    measured = fitted(step)

    with pytest.raises(CannotCompileError, match=said):
        describe_preparation(measured)


def test_a_pipeline_without_column_transformer_is_refused() -> None:
    bare = Pipeline([("scaled", StandardScaler()), ("model", LogisticRegression())])

    with pytest.raises(CannotCompileError, match="expected one ColumnTransformer before the estimator"):
        describe_preparation(FittedPipeline(bare, None))


def test_a_category_that_was_not_declared_is_an_error_and_not_a_row_of_zeros() -> None:
    preparer = Preparer(describe_preparation(fitted(("texts", OneHotEncoder(), ["text"]))))

    with pytest.raises(KeyError, match="w"):
        preparer.matrix({"text": ["x", "w"]})
