"""The parts of a model that are neither columns nor times: what it must reach, how its rows are prepared, its card."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from slipway.errors import SpecError
from slipway.problems.classification.target import Target
from slipway.problems.regression.target import Quantity


@dataclass(frozen=True, slots=True)
class Gate:
    """What a candidate must reach, by the spec's metric, and what it may cost.

    `floor`: the lowest accepted figure on all test rows; if the metric is an error, the largest accepted one. `sample_floor`: the same
    for sample rows, if it differs: their columns are drawn independently within a class, so the effects of columns together are lost.
    `tolerance`: how much worse than the champion it may be on the same rows, in the unit of the metric.
    `slice_tolerance`: the same within each of the spec's slices; a larger loss is refused unless chance explains it.
    `slice_floor`: the same in each slice; a slice is refused if its whole 95 % interval is worse.
    `megabytes`: the limit for all files of the bundle, in 10^6 bytes. `milliseconds`: the limit for one row, as the median over the
    probe rows, answered by the bundle's engine in the process of the release, without HTTP.
    """

    floor: float
    tolerance: float = 0.005
    slice_tolerance: float = 0.02
    slice_floor: float | None = None
    sample_floor: float | None = None
    megabytes: float = 50.0
    milliseconds: float = 50.0

    def __post_init__(self) -> None:
        for name in ("tolerance", "slice_tolerance"):
            if not (value := getattr(self, name)) >= 0:
                raise SpecError(f"{name}={value} must not be negative: it is how much worse than the champion a candidate may be.")
        for name in ("megabytes", "milliseconds"):
            if not (value := getattr(self, name)) > 0:
                raise SpecError(f"{name}={value} is a limit that no bundle can keep; it must be above 0.")
        if not math.isfinite(self.floor):
            raise SpecError(f"floor={self.floor} is not a figure that a model can reach; expected a finite number.")

    def refuse_floors(self, target: Target | Quantity, metric: str) -> None:
        """Refuse floors and tolerances that the metric cannot have."""
        for floor in (self.floor, self.sample_floor):
            if floor is not None:
                target.require_floor(metric, floor)
        for name in ("tolerance", "slice_tolerance"):
            target.require_tolerance(metric, name, getattr(self, name))

    def refuse_slices(self, metric: str, slices: Collection[str], *, lower_is_better: bool) -> None:
        """Refuse a floor of slices that needs more than that of all rows, or that applies to none."""
        if (slice_floor := self.slice_floor) is None:
            return
        if lower_is_better and not slice_floor >= self.floor:
            raise SpecError(f"slice_floor={slice_floor} is below floor={self.floor}, and {metric} is an error; a slice must not need less.")
        if not lower_is_better and not slice_floor <= self.floor:
            raise SpecError(f"slice_floor={slice_floor} is above floor={self.floor}; a slice must not need more than all rows do.")
        if not slices:
            raise SpecError(f"slice_floor={slice_floor} applies to slices, but slices names none.")


@dataclass(frozen=True, slots=True)
class Preparation:
    """How raw columns become numbers; a search space may contain every field as `preparation.<field>`.

    `zeros`: how to treat the zeros of columns declared as `zero_is_missing`: "keep" leaves them; "impute" replaces them by the median
    of the other training rows and marks them in an additional column.
    `scale`: whether numbers are standardised; trees do not need it.
    `missing`: how to treat missing cells of numbers and booleans: "median" or "mean" of the other training rows replaces them; "native"
    leaves them to the estimator, which must know them (trees, forests, histogram gradient boosting).
    `indicator`: whether an additional column says which cells were missing; not with "native".
    """

    zeros: Literal["keep", "impute"] = "keep"
    scale: bool = True
    missing: Literal["median", "mean", "native"] = "median"
    indicator: bool = True


USUAL_PREPARATION = Preparation()


@dataclass(frozen=True, slots=True)
class Simplest:
    """Choose the simplest trial that is as good as the best, within one standard error of its mean over the folds.

    This is the rule of Breiman et al., Classification and Regression Trees (1984), 3.4.3: if many trials score alike, the best mean is
    a matter of chance, and the simpler model generalises better. `parameter` is the key of the search space that measures complexity;
    `direction` says which end of it is simple. Only trials that equal the best in all other parameters are compared.
    """

    parameter: str
    direction: Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class Card:
    """What users of a model must know, in full sentences: its purpose, what it is not for, and the peculiarities of its rows."""

    intended_use: str
    not_for: str
    quirks: tuple[str, ...] = ()
