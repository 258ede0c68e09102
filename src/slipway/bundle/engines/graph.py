"""Models in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from slipway.bundle.engines.files import GRAPH
from slipway.bundle.engines.outputs import matrix_of
from slipway.bundle.engines.preparation import Preparer
from slipway.bundle.reading import Bundle
from slipway.errors import BundleError

Probabilities = npt.NDArray[np.float64]

ROWS = 64  # that a network takes at once: its intermediate values stay in the processor's cache, and memory is bounded


class GraphEngine:
    """A graph with its preparation inside.

    It takes one (n, 1) tensor a column, float32 or text, in the contract's order, and its last output is the (n, classes)
    probabilities. The inputs' names are not always the columns': skl2onnx writes "mean radius" as "mean_radius".

    Raises:
        BundleError: The graph has more or fewer inputs than the contract has columns.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._session = session(bundle)
        self._output = self._session.get_outputs()[-1].name
        inputs, columns = self._session.get_inputs(), bundle.contract.columns
        if len(inputs) != len(columns):
            raise BundleError(
                f"{bundle.folder}: {GRAPH} takes {len(inputs)} columns; the contract has {len(columns)}. Release the model again."
            )
        self._inputs = [
            (column.name, taken.name, object if column.kind == "category" else np.float32)
            for column, taken in zip(columns, inputs, strict=True)
        ]

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Probabilities:
        """Return (n, classes) probabilities of n rows given by column."""
        feed = {taken: np.asarray(columns[name], dtype=kind).reshape(-1, 1) for name, taken, kind in self._inputs}
        return matrix_of(self._session.run([self._output], feed)[0])


class NetworkEngine:
    """A graph that takes the (n, width) float32 matrix of a preparation; its last output is the (n, classes) probabilities."""

    def __init__(self, bundle: Bundle) -> None:
        self._preparer = Preparer.of(bundle)
        self._session = session(bundle)
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[-1].name

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Probabilities:
        """Return (n, classes) probabilities of n rows given by column."""
        matrix = self._preparer.matrix(columns).astype(np.float32)
        parts = (matrix[start : start + ROWS] for start in range(0, len(matrix), ROWS))
        return matrix_of(np.concatenate([self._session.run([self._output], {self._input: part})[0] for part in parts]))


def session(bundle: Bundle, name: str = GRAPH) -> Any:
    """Open a graph for one thread: requests have few rows but are many, so threads are better used for requests."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    content = bundle.file(name)
    try:
        return onnxruntime.InferenceSession(content, sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base
        raise BundleError(f"{bundle.folder}: ONNX Runtime cannot open {name} ({error}). Release the model again.") from error
