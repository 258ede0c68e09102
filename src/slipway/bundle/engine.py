"""Answering rows with a compiled model. The gateway, the parity proof and the champion comparison all answer through this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from slipway.bundle.contract import ClassLabel, Contract
from slipway.bundle.reading import Bundle

MODEL_FILE = "model.onnx"
Probabilities = npt.NDArray[np.float64]


class OnnxEngine:
    """A model in ONNX Runtime, one thread: rows are few and callers many, so threads are better spent on requests.

    The graph takes one (n, 1) tensor a column, float32 or text, under the column's own name, and its last output is the
    (n, classes) probabilities.
    """

    def __init__(self, bundle: Bundle) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(bundle.folder / MODEL_FILE), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._output = self._session.get_outputs()[-1].name
        self._types = {column.name: object if column.kind == "category" else np.float32 for column in bundle.contract.columns}

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Probabilities:
        """Return (n, classes) probabilities of n rows given by column: numbers for numeric columns, texts for categories."""
        feed = {name: np.asarray(columns[name], dtype=kind).reshape(-1, 1) for name, kind in self._types.items()}
        return np.asarray(self._session.run([self._output], feed)[0], dtype=np.float64)


def labels(probabilities: Probabilities, contract: Contract) -> list[ClassLabel]:
    """Return the answer for each row of (n, classes) probabilities: see `Contract.threshold`."""
    classes = contract.classes
    if contract.threshold is None:
        return [classes[index] for index in probabilities.argmax(axis=1).tolist()]
    yes = classes.index(contract.positive)
    reached = probabilities[:, yes] >= contract.threshold
    return [classes[yes] if hit else classes[1 - yes] for hit in reached.tolist()]


def by_column(rows: Sequence[Sequence[Any]], contract: Contract) -> dict[str, list[Any]]:
    """Turn rows in contract order into columns."""
    return {column.name: [row[index] for row in rows] for index, column in enumerate(contract.columns)}
