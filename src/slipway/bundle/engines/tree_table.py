"""The trees of a boosted model as data, whichever library grew them; see `slipway.bundle.engines.ensemble`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.files import unpack
from slipway.bundle.reading import Bundle

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating]
Whole = npt.NDArray[np.intp]

Link = Literal["number", "logistic", "softmax", "logistic each", "exponential", "signed square"]
HISTOGRAM = ("first", "feature", "threshold", "missing_left", "left", "right", "value", "start", "exponential")


@dataclass(frozen=True, slots=True)
class TreeTable:
    """All nodes of all trees, numbered together: tree t begins at node `first[t]`.

    A cell of `feature` that is at most `threshold` leads to `left`, any other to `right`, and a missing one to `left` if `missing_left`. A
    leaf leads to itself. `threshold` has the type that the library compares in: cells are rounded to it first.

    A node with `chosen` >= 0 leads a category of that set to `left` instead. Set s is `members[ends[s - 1]:ends[s]]`, in increasing order.

    Every row begins at `start` (outputs,). `value` (nodes,) is of the output tree % outputs, or (nodes, outputs) of all; it has the type
    that the library adds up in, tree after tree. The sum is divided by `divisor`, multiplied with `scale`, and `bias` (outputs,) added.

    Attributes:
        zeros: Columns in which 0 is a missing cell.
        flushes: Whether a cell of at most 1e-35, positive or negative, is 0.
        whole: Whether a category is cut down to a whole number before it is looked up.
        others_missing: Whether a category that is in no set of its column is as a missing one; otherwise it leads to `right`.
    """

    first: Whole
    feature: Whole
    threshold: Floats
    missing_left: Flags
    left: Whole
    right: Whole
    value: Floats
    start: Floats
    chosen: Whole
    ends: Whole
    members: Floats
    zeros: Whole
    bias: Floats
    flushes: bool = False
    whole: bool = False
    others_missing: bool = False
    divisor: float = 1.0
    scale: float = 1.0
    link: Link = "number"

    @property
    def outputs(self) -> int:
        return len(self.start)

    @property
    def leaf(self) -> Flags:
        """Return which of the nodes are leaves."""
        found: Flags = self.left == np.arange(len(self.left))
        return found

    @property
    def tree(self) -> Whole:
        """Return the (nodes,) tree of each."""
        found: Whole = np.searchsorted(self.first, np.arange(len(self.left)), side="right") - 1
        return found

    @property
    def plain(self) -> bool:
        """Whether only thresholds and missing cells decide."""
        return not len(self.ends) and not len(self.zeros)

    def set_of(self, node: int | np.signedinteger) -> Floats:
        """Return the categories that a node leads to the left."""
        at = self.chosen[node]
        return self.members[self.ends[at - 1] if at else 0 : self.ends[at]]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what `of_bundle` reads."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}


SETTINGS = ("flushes", "whole", "others_missing", "divisor", "scale", "link")
NAMES = tuple(field.name for field in fields(TreeTable))


def of_bundle(bundle: Bundle) -> TreeTable:
    """Return the trees of an engine ensemble, or of histogram, as earlier versions of Slipway wrote it.

    Raises:
        BundleError: The file is missing or damaged.
    """
    if bundle.contract.engine == "histogram":
        return _of_histogram(bundle)
    found: dict[str, Any] = dict(zip(NAMES, unpack(bundle, NAMES), strict=True))
    settings: dict[str, Any] = {name: found.pop(name).item() for name in SETTINGS}
    return TreeTable(**found, **settings)


def _of_histogram(bundle: Bundle) -> TreeTable:
    found: dict[str, Any] = dict(zip(HISTOGRAM, unpack(bundle, HISTOGRAM), strict=True))
    exponential, outputs = bool(found.pop("exponential")), len(found["start"])
    link = "exponential" if exponential else "number" if bundle.contract.quantity else "logistic" if outputs == 1 else "softmax"
    settings: dict[str, Any] = {"link": link}
    return TreeTable(**found, **without_categories(len(found["left"]), outputs), **settings)


def without_categories(nodes: int, outputs: int) -> dict[str, Any]:
    """Return the fields of a table of plain trees, but for these nodes and outputs."""
    return {
        "chosen": np.full(nodes, -1),
        "ends": np.empty(0, dtype=np.intp),
        "members": np.empty(0),
        "zeros": np.empty(0, dtype=np.intp),
        "bias": np.zeros(outputs),
    }
