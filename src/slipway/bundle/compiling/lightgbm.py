"""The trees of LightGBM; see `slipway.bundle.engines.tree_table`.

The model is read from `Booster.dump_model`; how a row walks is in the library's tree.h, and its objectives have their own links.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from slipway.bundle.engines.tree_table import Link, TreeTable
from slipway.errors import CannotCompileError

INFINITE = 1e300  # how infinity is written: all cells but missing ones are below it
LINKS: Mapping[str, Link] = MappingProxyType(
    {
        "binary": "logistic",
        "multiclass": "softmax",
        "multiclassova": "logistic each",
        "regression": "number",
        "regression_l1": "number",
        "huber": "number",
        "fair": "number",
        "quantile": "number",
        "mape": "number",
        "poisson": "exponential",
        "gamma": "exponential",
        "tweedie": "exponential",
    }
)


def trees_of_lightgbm(estimator: Any) -> TreeTable:
    """Return the trees of a fitted LGBMClassifier or LGBMRegressor.

    Raises:
        CannotCompileError: Its objective has no known link, its leaves are linear models, or a column is missing in two ways.
    """
    model = estimator.booster_.dump_model()  # as far as its best iteration, like its answers
    name, *settings = model.get("objective", "none").split()
    slope = float(dict(setting.split(":") for setting in settings if ":" in setting).get("sigmoid", 1.0))
    link = "signed square" if name == "regression" and "sqrt" in settings else LINKS.get(name)
    if link is None or slope != 1:
        raise CannotCompileError(f"LightGBM with objective {model.get('objective', 'of your own')!r} has no engine.")
    nodes = _Nodes()
    for tree in model["tree_info"]:
        nodes.add_tree(tree["tree_structure"])
    outputs = model["num_tree_per_iteration"]
    return nodes.table(outputs, link, divisor=len(model["tree_info"]) / outputs if model["average_output"] else 1.0)


class _Nodes:
    """Nodes in the order in which a tree is walked, node by node."""

    def __init__(self) -> None:
        self._first: list[int] = []
        self._rows: list[list[Any]] = []  # feature, threshold, missing_left, left, right, value, chosen
        self._sets: list[list[float]] = []
        self._missing: dict[int, str] = {}

    def add_tree(self, root: Mapping[str, Any]) -> None:
        self._first.append(len(self._rows))
        waiting = [(root, -1, 0)]  # a node, and the place in its parent's row; not by recursion: a tree may be thousands of nodes deep
        while waiting:
            node, parent, side = waiting.pop()
            at = len(self._rows)
            if parent >= 0:
                self._rows[parent][side] = at
            if "leaf_value" in node:
                if "leaf_coeff" in node:
                    raise CannotCompileError("LightGBM with linear_tree=True has no engine.")
                self._rows.append([0, 0.0, False, at, at, node["leaf_value"], -1])
            else:
                self._rows.append(self._split(node))
                waiting += [(node["right_child"], at, 4), (node["left_child"], at, 3)]

    def _split(self, node: Mapping[str, Any]) -> list[Any]:
        feature, kind = node["split_feature"], node["missing_type"]
        if node["decision_type"] == "==":  # a category that is missing, or none of the set, goes to the right
            self._sets.append(sorted(float(value) for value in str(node["threshold"]).split("||")))
            return [feature, 0.0, False, -1, -1, 0.0, len(self._sets) - 1]
        if self._missing.setdefault(feature, kind) != kind:
            raise CannotCompileError(f"LightGBM: column {feature} has missing cells of two kinds, which has no engine.")
        threshold = float(node["threshold"])
        missing_left = threshold >= 0.0 if kind == "None" else bool(node["default_left"])  # without a kind, a missing cell is 0
        return [feature, threshold, missing_left, -1, -1, 0.0, -1]

    def table(self, outputs: int, link: Link, divisor: float) -> TreeTable:
        feature, threshold, missing_left, left, right, value, chosen = map(np.array, zip(*self._rows, strict=True))
        return TreeTable(
            first=np.array(self._first),
            feature=feature,
            threshold=np.where(np.abs(threshold) >= INFINITE, np.copysign(np.inf, threshold), threshold),
            missing_left=missing_left,
            left=left,
            right=right,
            value=value.astype(np.float64),
            start=np.zeros(outputs),
            bias=np.zeros(outputs),
            chosen=chosen,
            ends=np.cumsum([len(members) for members in self._sets], dtype=np.intp),
            members=np.array([member for members in self._sets for member in members], dtype=np.float64),
            zeros=np.array([feature for feature, kind in self._missing.items() if kind == "Zero"], dtype=np.intp),
            flushes=True,
            whole=True,
            divisor=divisor,
            link=link,
        )
