"""The trees of XGBoost; see `slipway.bundle.engines.tree_table`.

The model is read from its JSON form, https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.tree_table import Link, TreeTable
from slipway.errors import CannotCompileError

Singles = npt.NDArray[np.float32]

LINKS: Mapping[str, Link] = MappingProxyType(
    {
        "binary:logistic": "logistic",
        "multi:softprob": "softmax",
        "reg:squarederror": "number",
        "reg:absoluteerror": "number",
        "reg:pseudohubererror": "number",
        "reg:squaredlogerror": "number",
        "reg:quantileerror": "number",
        "count:poisson": "exponential",
        "reg:gamma": "exponential",
        "reg:tweedie": "exponential",
    }
)


def trees_of_xgboost(estimator: Any) -> TreeTable:
    """Return the trees of a fitted XGBClassifier or XGBRegressor.

    Raises:
        CannotCompileError: It is not made of plain trees, its objective has no known link, or it takes a number for a missing cell.
    """
    if not np.isnan(estimator.missing):
        raise CannotCompileError(f"XGBoost with missing={estimator.missing!r} has no engine; leave it out.")
    booster = estimator.get_booster()
    if hasattr(estimator, "best_iteration"):  # it stopped early, and answers with the best
        booster = booster[: estimator.best_iteration + 1]
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    boosted, objective = learner["gradient_booster"], learner["objective"]["name"]
    if boosted["name"] != "gbtree" or objective not in LINKS:
        raise CannotCompileError(f"XGBoost with booster {boosted['name']!r} and objective {objective!r} has no engine.")
    trees, outputs = boosted["model"]["trees"], boosted["model"]["tree_info"]
    if any(int(tree["tree_param"]["size_leaf_vector"]) > 1 for tree in trees):
        raise CannotCompileError("XGBoost with leaves of several numbers has no engine; leave multi_strategy out.")
    stages = [trees[place] for place in _by_stage(outputs)]
    return _table(stages, _start(learner["learner_model_param"], LINKS[objective], max(outputs) + 1), LINKS[objective])


def _by_stage(outputs: list[int]) -> list[int]:
    """Return the trees in stages that have one of each output; each output keeps its order."""
    order = np.argsort(outputs, kind="stable").reshape(max(outputs) + 1, -1)
    places: list[int] = order.T.ravel().tolist()
    return places


def _start(parameters: Mapping[str, str], link: Link, outputs: int) -> Singles:
    """Return the (outputs,) sum at which every row begins; the library computes it in float32."""
    base = np.atleast_1d(np.array(json.loads(parameters["base_score"]), dtype=np.float32))
    if link == "logistic":
        base = -np.log(np.float32(1) / base - np.float32(1))
    elif link == "exponential":
        base = np.log(base)
    return np.broadcast_to(base, outputs).copy()


def _table(trees: list[dict[str, Any]], start: Singles, link: Link) -> TreeTable:
    size = [len(tree["left_children"]) for tree in trees]
    first = np.concatenate([[0], np.cumsum(size)])

    def every(name: str, kind: Any) -> npt.NDArray[Any]:
        return np.concatenate([np.array(tree[name], dtype=kind) for tree in trees])

    offset, own = np.repeat(first[:-1], size), np.arange(first[-1])
    left, right, conditions = every("left_children", np.intp), every("right_children", np.intp), every("split_conditions", np.float32)
    leaf, missing_left = left < 0, every("default_left", np.bool_)
    left, right = np.where(leaf, own, left + offset), np.where(leaf, own, right + offset)
    chosen, sets = _sets(trees, first)
    inside = chosen >= 0  # a category of the set goes to the right there, so the sides change places
    return TreeTable(
        first=first[:-1],
        feature=np.where(leaf, 0, every("split_indices", np.intp)),
        threshold=np.nextafter(conditions, np.float32(-np.inf)),  # it asks whether a cell is below
        missing_left=missing_left ^ inside,
        left=np.where(inside, right, left),
        right=np.where(inside, left, right),
        value=conditions,
        start=start,
        zeros=np.empty(0, dtype=np.intp),
        bias=np.zeros(len(start), dtype=np.float32),
        chosen=chosen,
        ends=np.cumsum([len(members) for members in sets], dtype=np.intp),
        members=np.concatenate([np.empty(0), *sets]),
        whole=True,
        link=link,
    )


def _sets(trees: list[dict[str, Any]], first: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.intp], list[npt.NDArray[np.float64]]]:
    """Return for each node the number of its set of categories, -1 if it has none, and the sets."""
    chosen, sets = np.full(first[-1], -1, dtype=np.intp), list[npt.NDArray[np.float64]]()
    for start, tree in zip(first[:-1].tolist(), trees, strict=True):
        parts = zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True)
        for node, begin, count in parts:
            chosen[start + node] = len(sets)
            sets.append(np.sort(np.array(tree["categories"][begin : begin + count], dtype=np.float64)))
    return chosen, sets
