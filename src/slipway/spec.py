"""What a model is declared to be. One `ModelSpec` a model; nonsense is refused when the file is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from slipway.errors import SpecError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from sklearn.base import BaseEstimator

ClassLabel = int | str
PREPARATION = "preparation."

# figures measured on the test rows, named as scikit-learn's scorers; higher is better for each
_METRICS = ("accuracy", "balanced_accuracy", "f1_macro", "neg_log_loss")
BINARY_METRICS = (*_METRICS, "precision", "recall", "f1", "roc_auc", "average_precision")
MULTICLASS_METRICS = (*_METRICS, "roc_auc_ovr")


@dataclass(frozen=True, slots=True)
class Numeric:
    """A number the caller sends.

    `low` and `high` are inclusive and in `unit`; a value outside is refused, so they are what is physically possible
    rather than what the training rows happen to hold. `zero_is_missing` marks a column whose zeros stand for "not measured".
    """

    low: float
    high: float
    unit: str
    description: str
    integer: bool = False
    zero_is_missing: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise SpecError(f"{self.description!r}: the range {self.low} to {self.high} is empty; low must be below high.")


@dataclass(frozen=True, slots=True)
class Category:
    """One of a fixed list of texts."""

    values: tuple[str, ...]
    description: str

    def __post_init__(self) -> None:
        if len(set(self.values)) != len(self.values) or len(self.values) < 2:
            raise SpecError(f"{self.description!r}: a category needs two or more different values, not {list(self.values)}.")


Feature = Numeric | Category


@dataclass(frozen=True, slots=True)
class Target:
    """The column to predict. `classes` maps each label, in the order of the model's probabilities, to what it means."""

    name: str
    classes: Mapping[ClassLabel, str]
    positive: ClassLabel | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", MappingProxyType(dict(self.classes)))
        if len(self.classes) < 2:
            raise SpecError(f"target {self.name}: a classifier needs two classes or more, not {list(self.classes)}.")
        if len({type(label) for label in self.classes}) > 1:
            raise SpecError(f"target {self.name}: the classes are all whole numbers or all texts, not {list(self.classes)}.")
        if list(self.classes) != sorted(self.classes):
            raise SpecError(f"target {self.name}: list the classes in sorted order, as scikit-learn does: {sorted(self.classes)}.")
        if len(self.classes) == 2 and self.positive not in self.classes:
            raise SpecError(f"target {self.name}: positive={self.positive!r} is not one of {list(self.classes)}.")

    @property
    def labels(self) -> list[ClassLabel]:
        return list(self.classes)

    def index(self, label: ClassLabel | None) -> int:
        """Return the place of a class among the probabilities."""
        return self.labels.index(label)  # type: ignore[arg-type]

    @property
    def binary(self) -> bool:
        return len(self.classes) == 2


@dataclass(frozen=True, slots=True)
class Columns:
    """Every column of the file: what callers send, in the order a person would give it; what is predicted; what is left out and why."""

    features: Mapping[str, Feature]
    target: Target
    excluded: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", MappingProxyType(dict(self.features)))
        object.__setattr__(self, "excluded", MappingProxyType(dict(self.excluded)))
        if not self.features:
            raise SpecError("a model needs at least one feature.")
        if self.target.name in self.features:
            raise SpecError(f"the target {self.target.name} stands among the features; a model must not be shown its answer.")
        if both := sorted(set(self.excluded) & {*self.features, self.target.name}):
            raise SpecError(f"{both} are both used and excluded; decide for one.")

    @property
    def names(self) -> list[str]:
        return list(self.features)

    @property
    def numeric(self) -> dict[str, Numeric]:
        return {name: kind for name, kind in self.features.items() if isinstance(kind, Numeric)}

    @property
    def categorical(self) -> dict[str, Category]:
        return {name: kind for name, kind in self.features.items() if isinstance(kind, Category)}

    @property
    def file_columns(self) -> list[str]:
        """Every column the CSV must hold."""
        return [*self.features, self.target.name, *self.excluded]


@dataclass(frozen=True, slots=True)
class Dataset:
    """The address of the rows, the checksum they must have, and the file's name in a mirror."""

    origin: str
    sha256: str
    file: str

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef"):
            raise SpecError(f"{self.origin}: sha256 must be 64 lower-case hexadecimal digits, not {self.sha256!r}.")


@dataclass(frozen=True, slots=True)
class Split:
    """How the test rows are set apart: a share of the rows, a seed, and whether every class keeps its share."""

    test: float
    seed: int
    stratify: bool

    def __post_init__(self) -> None:
        if not 0 < self.test < 1:
            raise SpecError(f"test={self.test}: the share of test rows lies between 0 and 1.")


@dataclass(frozen=True, slots=True)
class Gate:
    """What a candidate must reach: a floor for the metric on the test rows, and the champion's figure less a tolerance."""

    floor: float
    tolerance: float = 0.005

    def __post_init__(self) -> None:
        if self.tolerance < 0:
            raise SpecError(f"tolerance={self.tolerance} must not be negative: it is how much worse than the champion is accepted.")


@dataclass(frozen=True, slots=True)
class Preparation:
    """How raw columns become numbers; every field may stand in a search space as `preparation.<field>`.

    `zeros`: what happens to the zeros of columns that are declared `zero_is_missing`: "keep" leaves them, "impute" puts the
    median of the other training rows in their place and tells the estimator, by one more column, where it did.
    """

    zeros: Literal["keep", "impute"] = "keep"


@dataclass(frozen=True, slots=True)
class Simplest:
    """Take the simplest of the trials that are as good as the best, within one standard error of its mean over the folds.

    The rule of Breiman et al., Classification and Regression Trees (1984), 3.4.3: where the scores are flat, the best mean is
    an accident of the folds, and the simpler model is the one that travels. `parameter` is the key of the search space that
    measures complexity; `direction` says which end of it is simple. Only trials that share the best one's other choices count.
    """

    parameter: str
    direction: Literal["low", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model: what it learns from, how it is tuned, what it must reach, and where it is served.

    A trial is scored over `folds` folds, shuffled anew `repeats` times; small data need the repeats, because one shuffle of
    a few hundred rows decides more than the hyperparameters do.
    """

    name: str
    registered_as: str
    description: str
    dataset: Dataset
    columns: Columns
    split: Split
    estimator: BaseEstimator
    search_space: Mapping[str, BaseDistribution]
    metric: str
    gate: Gate
    port: int
    trials: int = 40
    folds: int = 5
    repeats: int = 1
    simplest: Simplest | None = None
    preparation: Preparation = Preparation()

    def __post_init__(self) -> None:
        object.__setattr__(self, "search_space", MappingProxyType(dict(self.search_space)))
        try:
            self._refuse_nonsense()
        except SpecError as error:
            raise SpecError(f"{self.name}: {error}") from None

    def _refuse_nonsense(self) -> None:
        if not self.name.isascii() or self.name != self.name.lower() or not self.name.replace("-", "").isalnum():
            raise SpecError("a model's name is lower-case letters, digits and hyphens: it becomes part of an address.")
        known = set(self.estimator.get_params()) | {PREPARATION + name for name in Preparation.__slots__}
        if unknown := sorted(set(self.search_space) - known):
            raise SpecError(
                f"{type(self.estimator).__name__} has no parameter {unknown}; search_space keys must be estimator parameters, "
                f"or {PREPARATION}<field> with one of {sorted(Preparation.__slots__)}."
            )
        if not 1 <= self.port <= 65_535:
            raise SpecError(f"port={self.port} is no port; use 1 to 65535.")
        if self.trials < 1 or self.folds < 2 or self.repeats < 1:
            raise SpecError(
                f"trials={self.trials}, folds={self.folds}, repeats={self.repeats}: tuning needs a trial, two folds and a repeat at least."
            )
        if self.simplest and self.simplest.parameter not in self.search_space:
            raise SpecError(f"simplest names {self.simplest.parameter!r}, which is not in the search space {sorted(self.search_space)}.")
        metrics = BINARY_METRICS if self.columns.target.binary else MULTICLASS_METRICS
        if self.metric not in metrics:
            raise SpecError(f"metric={self.metric!r} is not measured for this target; use one of {', '.join(metrics)}.")


def describe(value: Any) -> str:
    """Return a stable text for an estimator or a distribution, used to name studies."""
    return f"{type(value).__name__}({', '.join(f'{key}={item!r}' for key, item in sorted(vars(value).items()))})"
