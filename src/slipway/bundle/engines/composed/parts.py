"""The parts of a composition as data. Each turns an (n, width) matrix into (n, outputs) numbers; `opening` makes them ready to run.

`at` is the number of a part that has arrays: array `name` of part 3 is `3.name` in the bundle's `model.npz`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from slipway.bundle.engines.steps import Above

LinkName = Literal[
    "logistic",
    "softmax",
    "logistic each",
    "exponential",
    "likelihood",
    "second against first",
    "adaptive",
    "share",
]
Activation = Literal["identity", "exp", "tanh", "logistic", "relu", "softmax"]
Kernel = Literal["linear", "poly", "rbf", "sigmoid"]
Metric = Literal["euclidean", "manhattan"]


class Sums(msgspec.Struct, frozen=True, tag="sums", forbid_unknown_fields=True):
    """matrix @ weights + intercepts: `weights` (width, outputs), `intercepts` (outputs,)."""

    at: int


class TreeSums(msgspec.Struct, frozen=True, tag="trees", forbid_unknown_fields=True):
    """A `slipway.bundle.engines.tree_table.TreeTable`. `graph`: whether the file `AT.onnx` finds the leaves."""

    at: int
    graph: bool


class Machine(msgspec.Struct, frozen=True, tag="machine", forbid_unknown_fields=True):
    """A support vector machine of libsvm: one number for each pair of classes, or one number.

    `vectors` (v, width), `weights` (v, outputs), `intercepts` (outputs,). The kernel is of scikit-learn's `gamma`, `degree` and `coef0`.
    """

    at: int
    kernel: Kernel
    gamma: float
    degree: float
    coef0: float


class OneVersusRest(msgspec.Struct, frozen=True, tag="one versus rest", forbid_unknown_fields=True):
    """(n, classes) votes of (n, pairs) decisions; see `slipway.bundle.engines.svm.one_versus_rest`."""

    part: Part
    classes: int


class Platt(msgspec.Struct, frozen=True, tag="platt", forbid_unknown_fields=True):
    """(n, classes) probabilities of (n, pairs) decisions, as libsvm couples them: `slopes` and `offsets` (pairs,)."""

    part: Part
    at: int
    classes: int


class Dense(msgspec.Struct, frozen=True, tag="dense", forbid_unknown_fields=True):
    """Layers in turn: layer i has `weights_i` (inputs, outputs) and `intercepts_i` (outputs,), and then an activation."""

    at: int
    layers: int
    hidden: Activation
    last: Activation


class Neighbours(msgspec.Struct, frozen=True, tag="neighbours", forbid_unknown_fields=True):
    """The shares of the classes among the nearest training rows, or the mean of their numbers if there are no `classes`.

    `rows` (m, width), `answers` (m,): the place of the class, or the number. `tree`: whether the order among rows at one distance is that
    of a k-d tree, whose arrays are `order`, `nodes` (nodes, 3) and `bounds` (2, nodes, width); otherwise it is that of the rows.
    """

    at: int
    metric: Metric
    count: int
    weighted: bool
    tree: bool
    classes: int


class Gaussian(msgspec.Struct, frozen=True, tag="gaussian", forbid_unknown_fields=True):
    """Log-likelihoods of GaussianNB: `means` and `variances` (classes, width), `priors` (classes,)."""

    at: int


class Quadratic(msgspec.Struct, frozen=True, tag="quadratic", forbid_unknown_fields=True):
    """Log-likelihoods of QuadraticDiscriminantAnalysis: `means` (classes, width), `rotation_i` (width, rank), `constants`, `priors`."""

    at: int


class Categorical(msgspec.Struct, frozen=True, tag="categorical", forbid_unknown_fields=True):
    """Log-likelihoods of CategoricalNB: `column_i` (categories, classes) and `priors` (classes,)."""

    at: int
    columns: int


class Rescaled(msgspec.Struct, frozen=True, tag="rescaled", forbid_unknown_fields=True):
    """(cell - `shift`) / `divisor` * `factor` + `offset`, (width,) each, in this order."""

    at: int


class Within(msgspec.Struct, frozen=True, tag="within", forbid_unknown_fields=True):
    """No cell below `low` or above `high`."""

    low: float
    high: float


class Filled(msgspec.Struct, frozen=True, tag="filled", forbid_unknown_fields=True):
    """The column's own of the `values` (width,) in place of a missing cell."""

    at: int


class Same(msgspec.Struct, frozen=True, tag="same", forbid_unknown_fields=True):
    """The matrix itself."""


class Picked(msgspec.Struct, frozen=True, tag="picked", forbid_unknown_fields=True):
    """Some columns, in this order."""

    columns: tuple[int, ...]


class Placed(msgspec.Struct, frozen=True, tag="placed", forbid_unknown_fields=True):
    """The columns in these places of `width` columns; the others are 0."""

    columns: tuple[int, ...]
    width: int


class Chain(msgspec.Struct, frozen=True, tag="chain", forbid_unknown_fields=True):
    """Each part takes what the one before it returned."""

    parts: tuple[Part, ...]


class Beside(msgspec.Struct, frozen=True, tag="beside", forbid_unknown_fields=True):
    """The outputs of parts side by side, all of the same matrix."""

    parts: tuple[Part, ...]


class InTurn(msgspec.Struct, frozen=True, tag="in turn", forbid_unknown_fields=True):
    """The mean of parts, added up one after another."""

    parts: tuple[Part, ...]


class Averaged(msgspec.Struct, frozen=True, tag="averaged", forbid_unknown_fields=True):
    """numpy.average of parts; `weights` one a part, or none. `numbers`: each has one output, and numpy adds up along the last axis."""

    parts: tuple[Part, ...]
    weights: tuple[float, ...]
    numbers: bool


class Median(msgspec.Struct, frozen=True, tag="median", forbid_unknown_fields=True):
    """The weighted median of the columns of a part: `weights` (columns,)."""

    part: Part
    at: int


class Voted(msgspec.Struct, frozen=True, tag="voted", forbid_unknown_fields=True):
    """The sum of votes for the places of classes that parts return: `yes` for the place, `no` for the others, (parts,) each.

    It is divided by `divisor` ().
    """

    parts: tuple[Part, ...]
    at: int
    classes: int


class Linked(msgspec.Struct, frozen=True, tag="linked", forbid_unknown_fields=True):
    """A function of each row of numbers; see `slipway.bundle.engines.composed.linking`."""

    name: LinkName


class Decided(msgspec.Struct, frozen=True, tag="decided", forbid_unknown_fields=True):
    """The value of the class with the largest number; of one number, the second value if it is above 0.

    `pairs`: the numbers are of pairs of classes, and most pairs decide.
    """

    values: tuple[float, ...]
    pairs: bool


class Sigmoid(msgspec.Struct, frozen=True, tag="sigmoid", forbid_unknown_fields=True):
    """Calibrated probabilities: `slopes` and `offsets` (outputs,). `places`: the class of each output."""

    at: int
    places: tuple[int, ...]
    classes: int


class Isotonic(msgspec.Struct, frozen=True, tag="isotonic", forbid_unknown_fields=True):
    """Calibrated probabilities by linear interpolation: `x_i` and `y_i` of output i. `places`: the class of each output."""

    at: int
    places: tuple[int, ...]
    classes: int


class Temperature(msgspec.Struct, frozen=True, tag="temperature", forbid_unknown_fields=True):
    """Calibrated probabilities: the softmax of logits times `beta`. `of_probabilities`: the logits are their logarithms."""

    beta: float
    of_probabilities: bool


Part = (
    Sums
    | TreeSums
    | Machine
    | OneVersusRest
    | Platt
    | Dense
    | Neighbours
    | Gaussian
    | Quadratic
    | Categorical
    | Above
    | Rescaled
    | Within
    | Filled
    | Same
    | Picked
    | Placed
    | Chain
    | Beside
    | InTurn
    | Averaged
    | Median
    | Voted
    | Linked
    | Decided
    | Sigmoid
    | Isotonic
    | Temperature
)


class FittedComposition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole composition: a part that takes the matrix of the preparation, and returns the answers."""

    part: Part
