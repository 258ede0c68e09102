"""Forests of a search share trees: a forest with more trees, or with a depth limit that no tree reaches, begins like another one."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from slipway.problems.weights import fitted

FORESTS = (RandomForestClassifier, ExtraTreesClassifier)
SEEDS = np.iinfo(np.int32).max  # scikit-learn draws the seed of a tree below this
ROOM = 200_000_000  # bytes of votes that one process keeps
SAME_CRITERION = {"log_loss": "entropy"}  # two names of Shannon's information gain
LIMITS = ("n_estimators", "max_depth")  # parameters that end a forest or a tree, and change nothing before that
IDLE = ("n_jobs", "verbose", "warm_start", "oob_score")  # parameters that do not change the trees


@dataclass(frozen=True, slots=True)
class Fold:
    """Prepared rows for fitting and held-out rows, with their labels, and with their weights if they have any."""

    train: Any
    train_labels: Any
    held_out: Any
    truth: Any
    train_weights: Any = None
    held_out_weights: Any = None


@dataclass(frozen=True, slots=True)
class Votes:
    """The sum of the first trees' probabilities for n held-out rows, (n, classes), and the depth of the deepest tree."""

    total: npt.NDArray[np.float64]
    depth: int


@dataclass
class Forests:
    """The votes of earlier forests on the held-out rows, so that a later trial grows only its new trees.

    The probabilities equal those of a forest that is grown whole, to the last bit: scikit-learn draws the seeds of the trees one after
    another, adds up their probabilities in that order, and grows a tree that stays below its depth limit as if there were no limit.

    Args:
        sizes: Numbers of trees that trials may use; votes are kept at each of them on the way to a larger number.
    """

    sizes: Sequence[int] = ()
    _votes: dict[Hashable, dict[int, Votes]] = field(default_factory=dict, repr=False)

    def probabilities(self, forest: Any, rows: Fold, place: Hashable) -> npt.NDArray[np.float64]:
        """Return the forest's probabilities for the held-out rows of a fold, (n, classes), in the order of sorted labels.

        Args:
            forest: Unfitted, with a whole number as its seed.
            place: Identifies these rows and their preparation.
        """
        free, limited = _key(forest, None, place, rows), _key(forest, forest.max_depth, place, rows)
        limit = math.inf if forest.max_depth is None else forest.max_depth
        kept = {size: votes for size, votes in self._votes.get(free, {}).items() if votes.depth < limit}
        kept |= self._votes.get(limited, {})
        start = max((size for size in kept if size <= forest.n_estimators), default=0)
        if start < forest.n_estimators:
            grown = self._grow(forest, rows, start, kept.get(start))
            for size, votes in grown.items():
                self._votes.setdefault(free if votes.depth < limit else limited, {})[size] = votes
            kept |= grown
            self._make_room()
        probabilities: npt.NDArray[np.float64] = kept[forest.n_estimators].total / forest.n_estimators
        return probabilities

    def _grow(self, forest: Any, rows: Fold, start: int, votes: Votes | None) -> dict[int, Votes]:
        seeds = np.random.RandomState(forest.random_state)
        seeds.randint(SEEDS, size=start)  # the trees grown before have used these
        new = clone(forest).set_params(n_estimators=forest.n_estimators - start, warm_start=False, oob_score=False)
        fitted(new.set_params(random_state=seeds), rows.train, rows.train_labels, rows.train_weights)
        sparse = issparse(rows.held_out)
        held_out = rows.held_out if sparse else np.ascontiguousarray(rows.held_out, dtype=np.float32)
        total = votes.total.copy() if votes else np.zeros((held_out.shape[0], len(new.classes_)))
        depth, grown = votes.depth if votes else 0, {}
        for size, tree in enumerate(new.estimators_, start=start + 1):
            total += tree.predict_proba(held_out, check_input=sparse)
            depth = max(depth, tree.get_depth())
            if size in self.sizes or size == forest.n_estimators:
                grown[size] = Votes(total.copy(), depth)
        return grown

    def _make_room(self) -> None:
        while sum(votes.total.nbytes for kept in self._votes.values() for votes in kept.values()) > ROOM and len(self._votes) > 1:
            del self._votes[next(iter(self._votes))]


def _key(forest: Any, max_depth: int | None, place: Hashable, rows: Fold) -> Hashable:
    parameters = {name: value for name, value in forest.get_params().items() if name not in (*LIMITS, *IDLE)}
    parameters["criterion"] = SAME_CRITERION.get(forest.criterion, forest.criterion)
    if forest.max_features in ("sqrt", "log2"):  # both are the same number for twelve columns
        parameters["max_features"] = max(1, int(getattr(np, forest.max_features)(np.shape(rows.train)[1])))
    return type(forest), place, max_depth, repr(sorted(parameters.items()))
