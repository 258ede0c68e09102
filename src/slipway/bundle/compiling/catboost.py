"""The trees of CatBoost; see `slipway.bundle.engines.tree_table`.

The model is read from its JSON form, https://catboost.ai/docs/en/concepts/output-data_model-json. All nodes of a level have one split.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.tree_table import Link, TreeTable, without_categories
from slipway.errors import CannotCompileError

LINKS: Mapping[str, Link] = MappingProxyType(
    {
        "Logloss": "logistic",
        "CrossEntropy": "logistic",
        "MultiClass": "softmax",
        "MultiClassOneVsAll": "logistic each",
        "RMSE": "number",
        "MAE": "number",
        "Quantile": "number",
        "MAPE": "number",
        "Huber": "number",
        "Poisson": "exponential",
        "Tweedie": "exponential",
    }
)


def trees_of_catboost(estimator: Any) -> TreeTable:
    """Return the trees of a fitted CatBoostClassifier or CatBoostRegressor.

    Raises:
        CannotCompileError: Its loss has no known link, its trees are not symmetric, or it splits categories.
    """
    loss = str(estimator.get_all_params()["loss_function"])
    link = LINKS.get(loss.partition(":")[0])
    model = _model(estimator)
    if link is None or "oblivious_trees" not in model:
        raise CannotCompileError(
            f"CatBoost with loss {loss!r} and grow_policy {estimator.get_all_params()['grow_policy']!r} has no engine."
        )
    scale, bias = model["scale_and_bias"]
    bias = np.atleast_1d(np.array(bias, dtype=np.float64))
    columns = sorted(model["features_info"]["float_features"], key=lambda column: int(column["feature_index"]))
    trees = [_tree(tree, columns, len(bias)) for tree in model["oblivious_trees"]]
    size = [len(tree["left"]) for tree in trees]
    first = np.concatenate([[0], np.cumsum(size)])
    offset = np.repeat(first[:-1], size)
    every = {name: np.concatenate([tree[name] for tree in trees]) for name in trees[0]}
    value = every["value"]
    return TreeTable(
        first=first[:-1],
        feature=every["feature"],
        threshold=every["threshold"],
        missing_left=every["missing_left"],
        left=every["left"] + offset,
        right=every["right"] + offset,
        value=value if len(bias) > 1 else value[:, 0],
        start=np.zeros(len(bias)),
        scale=float(scale),
        link=link,
        **(without_categories(first[-1], len(bias)) | {"bias": bias}),
    )


def _model(estimator: Any) -> dict[str, Any]:
    with TemporaryDirectory() as folder:  # the library writes only to files
        path = Path(folder) / "model.json"
        estimator.save_model(str(path), format="json")
        model: dict[str, Any] = json.loads(path.read_text())
    return model


def _tree(tree: Mapping[str, Any], columns: Sequence[Mapping[str, Any]], outputs: int) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of one tree, its nodes level by level. Bit i of a node's place in its level says where split i led."""
    splits = tree["splits"]
    if any(split["split_type"] != "FloatFeature" for split in splits):
        raise CannotCompileError("CatBoost with categories of its own has no engine.")
    inner, leaves = (1 << len(splits)) - 1, 1 << len(splits)
    feature, threshold = np.zeros(inner + leaves, dtype=np.intp), np.zeros(inner + leaves, dtype=np.float32)
    missing_left = np.zeros(inner + leaves, dtype=np.bool_)
    left, right = np.arange(inner + leaves), np.arange(inner + leaves)
    for level, split in enumerate(splits):
        column, nodes = columns[split["float_feature_index"]], np.arange(1 << level)
        at, below = nodes + len(nodes) - 1, nodes + 2 * len(nodes) - 1
        feature[at], threshold[at] = column["flat_feature_index"], split["border"]
        missing_left[at] = column["nan_value_treatment"] != "AsTrue"  # true is to be above the border
        left[at], right[at] = below, below + len(nodes)
    value = np.zeros((inner + leaves, outputs))
    value[inner:] = np.reshape(tree["leaf_values"], (leaves, outputs))
    return {"feature": feature, "threshold": threshold, "missing_left": missing_left, "left": left, "right": right, "value": value}
