"""The trees of scikit-learn's histogram gradient boosting; see `slipway.bundle.engines.tree_table`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.tree_table import Link, TreeTable

EXPONENTIAL = ("poisson", "gamma")  # losses of a regressor that learns the logarithm of its mean
BITS = 32  # of a word of a set of categories


def trees_of_histograms(estimator: Any) -> TreeTable:
    """Return the trees of a HistGradientBoostingClassifier or a HistGradientBoostingRegressor."""
    # no public attribute has the trees and the value at which every row begins; if these change, the parity proof fails
    predictors = [predictor for iteration in estimator._predictors for predictor in iteration]
    trees = [predictor.nodes for predictor in predictors]
    first = np.concatenate([[0], np.cumsum([len(nodes) for nodes in trees])])
    nodes, own = np.concatenate(trees), np.arange(first[-1])
    offset, leaf = np.repeat(first[:-1], np.diff(first)), nodes["is_leaf"].astype(bool)
    source, codes = _before_encoding(estimator)
    feature = np.where(leaf, 0, nodes["feature_idx"])
    chosen, sets = np.full(len(nodes), -1), list[npt.NDArray[np.float64]]()
    for tree, predictor in enumerate(predictors):
        for node in np.flatnonzero(predictor.nodes["is_categorical"] & ~predictor.nodes["is_leaf"].astype(bool)):
            words = predictor.raw_left_cat_bitsets[predictor.nodes[node]["bitset_idx"]]
            members = [code for code in range(len(words) * BITS) if words[code // BITS] >> np.uint32(code % BITS) & 1]
            at = first[tree] + node
            chosen[at] = len(sets)
            sets.append(np.sort(codes[int(feature[at])][members]))
    start = np.asarray(estimator._baseline_prediction, dtype=np.float64).ravel()
    return TreeTable(
        first=first[:-1],
        feature=source[feature],
        threshold=nodes["num_threshold"],
        missing_left=nodes["missing_go_to_left"].astype(bool),
        left=np.where(leaf, own, nodes["left"] + offset),
        right=np.where(leaf, own, nodes["right"] + offset),
        value=nodes["value"],
        start=start,
        zeros=np.empty(0, dtype=np.intp),
        bias=np.zeros(len(start)),
        chosen=chosen,
        ends=np.cumsum([len(members) for members in sets], dtype=np.intp),
        members=np.concatenate([np.empty(0), *sets]),
        others_missing=True,
        link=_link(estimator, len(start)),
    )


def _link(estimator: Any, outputs: int) -> Link:
    if hasattr(estimator, "classes_"):
        return "logistic" if outputs == 1 else "softmax"
    return "exponential" if estimator.loss in EXPONENTIAL else "number"


def _before_encoding(estimator: Any) -> tuple[npt.NDArray[np.intp], dict[int, npt.NDArray[np.float64]]]:
    """Return the column that each column of the trees comes from, and by column of the trees the category of each code.

    With categories, the estimator moves their columns to the front and replaces the cells by codes.
    """
    if estimator.is_categorical_ is None:
        return np.arange(estimator.n_features_in_), {}
    encoder = estimator._preprocessor.named_transformers_["encoder"]
    categorical = np.flatnonzero(_categorical(estimator))
    others = np.setdiff1d(np.arange(estimator.n_features_in_), categorical)
    return np.concatenate([categorical, others]), {
        place: np.asarray(categories, dtype=np.float64) for place, categories in enumerate(encoder.categories_)
    }


def _categorical(estimator: Any) -> npt.NDArray[np.bool_]:
    """Return which columns of the caller's matrix are categories."""
    chosen = np.zeros(estimator.n_features_in_, dtype=np.bool_)
    for name, _, columns in estimator._preprocessor.transformers_:
        if name == "encoder":
            chosen[columns] = True
    return chosen
