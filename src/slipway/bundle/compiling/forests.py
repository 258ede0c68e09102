"""Trees and forests of scikit-learn as the arrays that `slipway.bundle.engines.trees` walks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.compiling.compiled import Compiled, Measured
from slipway.bundle.compiling.preparation import encode_preparation
from slipway.bundle.engines.files import ARRAYS, PREPARATION, pack
from slipway.errors import CannotCompileError
from slipway.spec import ModelSpec

Array = npt.NDArray[Any]


def refuse_chance(spec: ModelSpec, measured: Measured) -> None:
    """Refuse a forest, also one inside another estimator, that adds its votes in the order in which threads finish.

    Raises:
        CannotCompileError: There is one; it has no one answer at a tie.
    """
    for part in (measured.estimator, *measured.estimator.get_params().values()):
        forest = any(kind.__name__ == "ForestClassifier" for kind in type(part).__mro__)
        if forest and part.n_jobs not in (None, 1):
            raise CannotCompileError(
                f"{spec.name}: the forest has n_jobs={part.n_jobs}, so its threads add up the votes in any order and a "
                "tie is decided by chance. Set n_jobs=None before it is measured."
            )


def compile_forest(spec: ModelSpec, measured: Measured) -> Compiled:
    """Compile a RandomForestClassifier, an ExtraTreesClassifier or a DecisionTreeClassifier."""
    files = {PREPARATION: encode_preparation(measured), ARRAYS: pack(arrays(measured.estimator))}
    return Compiled("trees", files, measured.threshold)


def trees_of(estimator: Any) -> list[Any]:
    """Return scikit-learn's own trees, `sklearn.tree._tree.Tree`, in the order of the vote; none for an estimator without any."""
    if hasattr(estimator, "tree_"):
        return [estimator.tree_]
    parts = getattr(estimator, "estimators_", [])
    # not np.ravel of a list: it would take forests for lists of trees, of one length
    return [tree for part in (parts.ravel() if isinstance(parts, np.ndarray) else parts) for tree in trees_of(part)]


def arrays(estimator: Any) -> dict[str, Array]:
    """Return the nodes of all trees, breadth first, as `TreesEngine` wants them."""
    trees = trees_of(estimator)
    starts = np.cumsum([0, *(tree.node_count for tree in trees[:-1])])
    left, right = (
        np.concatenate([np.where(side >= 0, side + start, -1) for side, start in zip(sides, starts, strict=True)])
        for sides in ([tree.children_left for tree in trees], [tree.children_right for tree in trees])
    )
    order, first = _breadth_first(starts, left, right)
    leaf = left[order] < 0
    threshold = np.concatenate([tree.threshold for tree in trees])[order]
    return {
        "feature": np.where(leaf, 0, np.concatenate([tree.feature for tree in trees])[order]).astype(np.int32),
        "threshold": np.where(leaf, np.float32(np.inf), not_above(threshold)),
        "first": first.astype(np.int32),
        "value": np.where(leaf[:, None], np.concatenate([tree.value[:, 0, :] for tree in trees])[order], 0.0),
        "trees": np.array(len(trees)),
    }


def _breadth_first(roots: Array, left: Array, right: Array) -> tuple[Array, Array]:
    """Return the old number of each new node, and the new number of its first child, which is itself for a leaf."""
    levels, firsts, done = [], [], 0
    level = roots
    while len(level):
        inner = left[level] >= 0
        first = np.arange(done, done + len(level))
        done += len(level)
        first[inner] = done + 2 * np.arange(inner.sum())
        levels.append(level)
        firsts.append(first)
        level = np.column_stack([left[level[inner]], right[level[inner]]]).ravel()
    return np.concatenate(levels), np.concatenate(firsts)


def not_above(threshold: Array) -> Array:
    """Return the largest float32 that is not above each float64: `cell <= threshold` stays the same for every float32 cell."""
    with np.errstate(over="ignore"):
        nearest = threshold.astype(np.float32)
    return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)
