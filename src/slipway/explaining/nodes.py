"""The trees of a bundle as arrays of nodes, whichever engine answers from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines import tree_table
from slipway.bundle.engines.files import GRAPH, unpack
from slipway.bundle.engines.tree_table import TreeTable
from slipway.bundle.reading import Bundle
from slipway.explaining.graph_nodes import attributes

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Trees:
    """All nodes of all trees, numbered together. The model adds `start` and the `value` of one leaf of each tree.

    A cell of `feature` that is at most `threshold` leads to `left`, as does a missing one if `missing_left`; a leaf has `left` -1.
    `threshold` has the type that cells are compared in. `value` is (leaves, outputs), in the order of the nodes.
    """

    feature: Whole
    threshold: npt.NDArray[np.floating]
    missing_left: npt.NDArray[np.bool_]
    left: Whole
    right: Whole
    value: Floats
    start: Floats


def of_bundle(bundle: Bundle) -> Trees:
    """Return the trees of an engine trees, boosting, or ensemble with `TreeTable.plain` trees.

    Raises:
        BundleError: A file is missing or damaged.
    """
    match bundle.contract.engine:
        case "trees":
            value, trees = unpack(bundle, ("value", "trees"))
            return _of_graph(bundle, value / int(trees), np.zeros(value.shape[1]))
        case "boosting":
            value, start = unpack(bundle, ("value", "start"))
            return _of_graph(bundle, value, start)
        case _:
            return _of_table(tree_table.of_bundle(bundle))


def _of_graph(bundle: Bundle, value: Floats, start: Floats) -> Trees:
    found = attributes(bundle.file(GRAPH), f"{bundle.folder}: {GRAPH}")
    tree, left, right = (found[f"nodes_{name}"].astype(np.intp) for name in ("treeids", "truenodeids", "falsenodeids"))
    first = np.searchsorted(tree, tree)  # the number of the first node of each node's tree
    leaf = left == 0  # no node leads back to the first
    missing = found.get("nodes_missing_value_tracks_true", np.zeros(len(tree)))
    return Trees(
        feature=found["nodes_featureids"].astype(np.intp),
        threshold=found["nodes_values"].astype(np.float32),
        missing_left=missing.astype(np.bool_),
        left=np.where(leaf, -1, first + left),
        right=np.where(leaf, -1, first + right),
        value=value if value.ndim == 2 else _of_stages(value, tree[leaf], len(start)),
        start=start,
    )


def _of_table(table: TreeTable) -> Trees:
    leaf, outputs = table.leaf, table.outputs
    value = table.value.astype(np.float64)[leaf] * (table.scale / table.divisor)
    return Trees(
        feature=table.feature.astype(np.intp),
        threshold=table.threshold,
        missing_left=table.missing_left.astype(np.bool_),
        left=np.where(leaf, -1, table.left),
        right=np.where(leaf, -1, table.right),
        value=value if value.ndim == 2 else _of_stages(value, table.tree[leaf], outputs),
        start=table.start.astype(np.float64) * (table.scale / table.divisor) + table.bias,
    )


def _of_stages(value: Floats, tree: Whole, outputs: int) -> Floats:
    """Return the (leaves, outputs) values of boosted trees: each stage has one tree an output."""
    spread = np.zeros((len(value), outputs))
    spread[np.arange(len(value)), tree % outputs] = value
    return spread
