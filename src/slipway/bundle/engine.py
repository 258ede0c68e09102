"""Answering rows with a compiled model, for the gateway, the parity proof and the comparison with the champion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from slipway.bundle.contract import Contract
from slipway.bundle.reading import Bundle

Probabilities = npt.NDArray[np.float64]


class Engine(Protocol):
    """A compiled model that is ready to answer. Safe to call from several threads at once."""

    def probabilities(self, columns: Mapping[str, Sequence[Any]]) -> Probabilities:
        """Return (n, classes) probabilities of n rows given by column: finite numbers for numeric columns, texts for categories, booleans.

        A regression returns (n, 1) numbers, as `Contract.quantity` says. The rows keep the contract: where it allows a missing cell,
        that is None.
        """
        ...


def open_engine(bundle: Bundle) -> Engine:
    """Return the engine that the contract names.

    - onnx: `model.onnx` takes the raw columns; the preparation is in the graph.
    - network: `preparation.json` makes a matrix of the columns, and `model.onnx` takes it, in float32.
    - linear: `preparation.json` and the weights of `model.npz`, in float64.
    - trees: `preparation.json`, `model.onnx` finds the leaves, `model.npz` has their votes; the answers equal scikit-learn's bit by bit.
    - boosting: like trees, but `model.npz` has the value that each leaf adds, and the value at which every row begins.
    - ensemble: `preparation.json` and the trees of `model.npz`, as LightGBM, XGBoost, CatBoost or scikit-learn adds them up; a missing cell
      may remain. `model.onnx` finds the leaves if there are very many.
    - histogram: as ensemble; earlier versions of Slipway wrote it.
    - svm: `preparation.json` and the support vectors of `model.npz`, in float64.
    - composed: `preparation.json`, `composition.json` and the arrays of its parts in `model.npz`, in float64. `AT.onnx` finds the leaves of
      part AT, if it has very many.
    - pyfunc: the pipeline itself, in `model.skops`; the last resort, and the only one that needs scikit-learn, pandas and skops.

    Each is imported only when a bundle needs it, because ONNX Runtime costs time and memory that the others do not need.

    Raises:
        BundleError: The bundle lacks a file that its engine needs, or the file is damaged.
        UnsafeModelError: `model.skops` has a type that is not on the allow-list.
    """
    match bundle.contract.engine:
        case "onnx":
            from slipway.bundle.engines.graph import GraphEngine

            return GraphEngine(bundle)
        case "network":
            from slipway.bundle.engines.graph import NetworkEngine

            return NetworkEngine(bundle)
        case "linear":
            from slipway.bundle.engines.linear import LinearEngine

            return LinearEngine(bundle)
        case "trees":
            from slipway.bundle.engines.trees import TreesEngine

            return TreesEngine(bundle)
        case "boosting":
            from slipway.bundle.engines.boosting import BoostingEngine

            return BoostingEngine(bundle)
        case "ensemble" | "histogram":
            from slipway.bundle.engines.ensemble import EnsembleEngine

            return EnsembleEngine(bundle)
        case "svm":
            from slipway.bundle.engines.svm import SvmEngine

            return SvmEngine(bundle)
        case "composed":
            from slipway.bundle.engines.composed.opening import ComposedEngine

            return ComposedEngine(bundle)
        case "pyfunc":
            from slipway.bundle.engines.pyfunc import PyfuncEngine

            return PyfuncEngine(bundle)


def by_column(rows: Sequence[Sequence[Any]], contract: Contract) -> dict[str, list[Any]]:
    """Turn rows in contract order into columns."""
    return {column.name: [row[index] for row in rows] for index, column in enumerate(contract.columns)}
