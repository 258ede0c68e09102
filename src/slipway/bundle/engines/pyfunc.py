"""The last resort: the fitted scikit-learn pipeline itself, for a family that no other engine answers exactly."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import parallel_config
from skops.io import loads
from threadpoolctl import ThreadpoolController

from slipway.bundle.engines.files import PIPELINE
from slipway.bundle.reading import Bundle
from slipway.bundle.trusted_types import ALLOWED, refuse_other_types_in
from slipway.errors import BundleError

Probabilities = npt.NDArray[np.float64]

ROWS = 1_000  # answered at once; a caller with one row waits for no more than these of another caller
DTYPES: Mapping[str, Any] = {"integer": np.dtype("int64"), "number": np.dtype("float64"), "category": pd.StringDtype(na_value=np.nan)}

# How many threads BLAS and OpenMP use is a setting of the process, so who changes it for a while must be alone.
_alone = threading.Lock()


class PyfuncEngine:
    """A pipeline that answers as MLflow's model does: given a frame of the contract's columns, in its order and with its dtypes.

    One caller is answered at a time, on one core: rows are few and callers many, and threads that wait for one another take
    longer than the work. Answers are those of one process and thread, whatever `n_jobs` says.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._pipeline = _opened(bundle)
        self._dtypes = {column.name: DTYPES[column.kind] for column in bundle.contract.columns}
        self._threads = ThreadpoolController()

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Probabilities:
        """Return (n, classes) probabilities of n rows given by column."""
        rows = pd.DataFrame({name: pd.Series(columns[name], dtype=dtype) for name, dtype in self._dtypes.items()})
        return np.concatenate([self._answer(rows.iloc[start : start + ROWS]) for start in range(0, len(rows), ROWS)])

    def _answer(self, rows: pd.DataFrame) -> Probabilities:
        with _alone, self._threads.limit(limits=1), parallel_config(backend="sequential"):
            return np.asarray(self._pipeline.predict_proba(rows), dtype=np.float64)


def _opened(bundle: Bundle) -> Any:
    """Return the pipeline, loaded after every type in it was found on the allow-list.

    Raises:
        UnsafeModelError: One was not; nothing was loaded.
        BundleError: The file is no skops file, or holds no classifier of the contract's classes.
    """
    content, classes = bundle.file(PIPELINE), list(bundle.contract.classes)
    try:
        refuse_other_types_in(content, f"{bundle.folder}: {PIPELINE}")
        pipeline = loads(content, trusted=list(ALLOWED))
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BundleError(f"{bundle.folder}: {PIPELINE} is not a skops file ({error}). Release the model again.") from None
    found = np.asarray(getattr(pipeline, "classes_", [])).tolist()
    if found != classes or not hasattr(pipeline, "predict_proba"):
        raise BundleError(
            f"{bundle.folder}: {PIPELINE} holds a {type(pipeline).__name__} of the classes {found}; the contract promises "
            f"probabilities of {classes}. Release the model again."
        )
    return pipeline
