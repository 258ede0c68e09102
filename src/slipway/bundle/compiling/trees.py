"""Trees and forests of scikit-learn as a graph that finds their leaves, and their values; see `slipway.bundle.engines.trees`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.compiling.compiled import Compiled, FittedPipeline
from slipway.bundle.compiling.preparation import encode_preparation
from slipway.bundle.engines.files import ARRAYS, GRAPH, PREPARATION, pack
from slipway.errors import CannotCompileError
from slipway.spec import ModelSpec

Array = npt.NDArray[Any]

FORESTS = ("ForestClassifier", "ForestRegressor")
TREES_DOMAIN = "ai.onnx.ml"
MOST_LEAVES = 1 << 24


def refuse_chance(spec: ModelSpec, fitted: FittedPipeline) -> None:
    """Refuse a forest, also inside another estimator, that adds its votes in the order in which threads finish.

    Raises:
        CannotCompileError: There is one; its answer at a tie is not always the same.
    """
    for part in (fitted.estimator, *fitted.estimator.get_params().values()):
        forest = any(kind.__name__ in FORESTS for kind in type(part).__mro__)
        if forest and part.n_jobs not in (None, 1):
            raise CannotCompileError(
                f"{spec.name}: the forest has n_jobs={part.n_jobs}, so its threads add up the votes in any order, and "
                "chance decides a tie. Set n_jobs=None before it is measured."
            )


def compile_forest(spec: ModelSpec, fitted: FittedPipeline) -> Compiled:
    """Compile a random forest, extra trees or a decision tree, of classes or of a number."""
    estimator = fitted.estimator
    files = {
        PREPARATION: encode_preparation(fitted),
        ARRAYS: pack(leaves(estimator)),
        GRAPH: leaf_graph(estimator, spec.columns.numbers_have_gaps),
    }
    return Compiled("trees", files, fitted.threshold)


def trees_of(estimator: Any) -> list[Any]:
    """Return scikit-learn's own trees, `sklearn.tree._tree.Tree`, in the order of the vote; none if the estimator has none."""
    if hasattr(estimator, "tree_"):
        return [estimator.tree_]
    parts = getattr(estimator, "estimators_", [])
    # not np.ravel of a list: it would treat forests of equal size as lists of trees
    return [tree for part in (parts.ravel() if isinstance(parts, np.ndarray) else parts) for tree in trees_of(part)]


def leaves(estimator: Any) -> dict[str, Array]:
    """Return the (leaves, classes) values of all leaves, (leaves, 1) for a number, tree after tree, and how many trees there are."""
    trees = trees_of(estimator)
    return {
        "value": np.concatenate([tree.value[tree.children_left < 0, 0, :] for tree in trees]),
        "trees": np.array(len(trees)),
    }


def leaf_graph(estimator: Any, gaps: bool = False) -> bytes:
    """Return an ONNX graph that takes an (n, width) float32 matrix and returns the (n, trees) numbers of the leaves, as float32.

    It is a regressor with one target a tree, and the weight of a leaf is its number: it only compares, adds nothing up, and cannot round.

    Args:
        gaps: Whether a cell of the matrix may be NaN.
    Raises:
        CannotCompileError: There are more leaves than float32 can number.
    """
    nodes: dict[str, list[Any]] = defaultdict(list)
    trees, leaf = trees_of(estimator), 0
    for number, tree in enumerate(trees):
        inner, node = tree.children_left >= 0, np.arange(tree.node_count)
        nodes["nodes_treeids"] += [number] * tree.node_count
        nodes["nodes_nodeids"] += node.tolist()
        nodes["nodes_featureids"] += np.where(inner, tree.feature, 0).tolist()
        nodes["nodes_values"] += np.where(inner, not_above(tree.threshold), 0.0).tolist()
        nodes["nodes_modes"] += np.where(inner, "BRANCH_LEQ", "LEAF").tolist()
        nodes["nodes_truenodeids"] += np.where(inner, tree.children_left, 0).tolist()
        if gaps:
            nodes["nodes_missing_value_tracks_true"] += np.where(inner, tree.missing_go_to_left, 0).tolist()
        nodes["nodes_falsenodeids"] += np.where(inner, tree.children_right, 0).tolist()
        ends = node[~inner].tolist()
        nodes["target_treeids"] += [number] * len(ends)
        nodes["target_nodeids"] += ends
        nodes["target_ids"] += [number] * len(ends)
        nodes["target_weights"] += [float(leaf + place) for place in range(len(ends))]
        leaf += len(ends)
    if leaf > MOST_LEAVES:
        raise CannotCompileError(f"the forest has {leaf:,} leaves; float32 can number {MOST_LEAVES:,}. Grow fewer trees, or smaller ones.")
    return leaf_walk(nodes, len(trees), estimator.n_features_in_)


def leaf_walk(nodes: Mapping[str, Sequence[Any]], trees: int, width: int) -> bytes:
    """Return an ONNX graph that takes an (n, width) float32 matrix and returns (n, trees) numbers, as float32.

    Args:
        nodes: Attributes of a TreeEnsembleRegressor with one target a tree.
    """
    from onnx import TensorProto, helper

    walk = helper.make_node("TreeEnsembleRegressor", ["matrix"], ["leaves"], domain=TREES_DOMAIN, n_targets=trees, **nodes)
    graph = helper.make_graph(
        [walk],
        "leaves",
        [helper.make_tensor_value_info("matrix", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info("leaves", TensorProto.FLOAT, [None, trees])],
    )
    opsets = [helper.make_opsetid(TREES_DOMAIN, 3), helper.make_opsetid("", 17)]
    serialized: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    return serialized


def not_above(threshold: Array) -> Array:
    """Return the largest float32 that is not above each float64: `cell <= threshold` stays the same for every float32 cell."""
    with np.errstate(over="ignore"):
        nearest = threshold.astype(np.float32)
        return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)
