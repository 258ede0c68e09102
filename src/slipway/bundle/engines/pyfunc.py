"""The last resort: the fitted scikit-learn pipeline itself, for a family that no other engine answers exactly."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import parallel_config
from skops.io import loads
from threadpoolctl import ThreadpoolController

from slipway.bundle.contract import Column
from slipway.bundle.engines.files import PIPELINE
from slipway.bundle.engines.outputs import matrix_of
from slipway.bundle.reading import Bundle
from slipway.bundle.trusted_types import ALLOWED, refuse_other_types_in
from slipway.errors import BundleError, SlipwayError

Probabilities = npt.NDArray[np.float64]

ROWS = 1_000  # answered at once; a caller with one row waits for at most these of another caller
FLOAT = np.dtype("float64")
DTYPES: Mapping[str, Any] = {
    "integer": np.dtype("int64"),
    "number": FLOAT,
    "boolean": np.dtype("bool"),
    "category": pd.StringDtype(na_value=np.nan),
    "date": pd.StringDtype(na_value=np.nan),
    "text": pd.StringDtype(na_value=np.nan),
}

# The number of threads of BLAS and OpenMP is a setting of the process, so only one caller at a time may change it.
_alone = threading.Lock()


class PyfuncEngine:
    """A pipeline that answers like MLflow's model, from a frame of the contract's columns, in its order and with its dtypes.

    It answers one caller at a time, on one core: requests have few rows, and threads that wait for each other take longer than the
    work itself. The answers are those of one process and thread, for any `n_jobs`.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._pipeline = _opened(bundle)
        self._dtypes = {column.name: _dtype(column) for column in bundle.contract.columns}
        self._numbers = bundle.contract.quantity is not None
        self._threads = ThreadpoolController()

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Probabilities:
        """Return (n, classes) probabilities of n rows given by column."""
        rows = pd.DataFrame({name: pd.Series(columns[name], dtype=dtype) for name, dtype in self._dtypes.items()})
        return np.concatenate([self._answer(rows.iloc[start : start + ROWS]) for start in range(0, len(rows), ROWS)])

    def _answer(self, rows: pd.DataFrame) -> Probabilities:
        with _alone, self._threads.limit(limits=1), parallel_config(backend="sequential"):
            answers = self._pipeline.predict(rows) if self._numbers else self._pipeline.predict_proba(rows)
        return matrix_of(answers)


def _dtype(column: Column) -> Any:
    """Return the dtype of a column in validated rows: integers and booleans with gaps are floats."""
    return FLOAT if column.missing and not column.is_text else DTYPES[column.kind]


def _opened(bundle: Bundle) -> Any:
    """Load the pipeline after checking that every type in it is on the allow-list, or trusted by the model's file.

    Raises:
        UnsafeModelError: One is not; nothing was loaded.
        BundleError: It is not a skops file, or not a classifier of the contract's classes, or not a regressor if it has a quantity.
    """
    content, classes = bundle.file(PIPELINE), list(bundle.contract.classes)
    try:
        refuse_other_types_in(content, f"{bundle.folder}: {PIPELINE}", bundle.trusted)
        pipeline = loads(content, trusted=[*ALLOWED, *bundle.trusted])
    except SlipwayError:
        raise
    except ImportError as error:
        raise BundleError(f"{bundle.folder}: {PIPELINE} needs the package {error.name}: {error}. Install it beside the gateway.") from None
    except Exception as error:  # of a malformed schema, skops raises any error
        raise BundleError(f"{bundle.folder}: {PIPELINE} is not a skops file ({error}). Release the model again.") from None
    if bundle.contract.quantity:
        if np.size(getattr(pipeline, "classes_", ())) or not hasattr(pipeline, "predict"):  # CatBoost's regressors have no classes in it
            raise BundleError(
                f"{bundle.folder}: {PIPELINE} contains a {type(pipeline).__name__} that predicts no number; the contract promises one. "
                "Release the model again."
            )
        return pipeline
    found = np.asarray(getattr(pipeline, "classes_", [])).tolist()
    if found != classes or not hasattr(pipeline, "predict_proba"):
        raise BundleError(
            f"{bundle.folder}: {PIPELINE} contains a {type(pipeline).__name__} of the classes {found}; the contract promises "
            f"probabilities of {classes}. Release the model again."
        )
    return pipeline
