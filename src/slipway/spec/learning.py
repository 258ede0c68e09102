"""Which answered rows a release learns from: those whose outcome became known since."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from slipway.errors import SpecError
from slipway.problems.weights import takes_weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """A release learns from answered rows whose outcome is known, beside the rows of its data set, and is judged on the newest of them.

    Which rows: `days`: those answered in so many days before the release; all that the log keeps if it is None. `delay`: days that an
    outcome may take; rows answered later than that are left out, because the outcomes that come first are of other cases than the rest.
    `versions`: those that any version answered, a challenger too, or only those of the one in service. `subjects`: all rows of a
    subject, or the latest one. `most`: how many at most, the newest.

    How they count: `weight`: of one of them, where a row of the data set has one of 1. `half_life`: days after which a row counts half.
    If both are None, the rows themselves decide: those that came first are learnt from to predict those that came next, and older rows
    count less if that is better beyond chance.

    How they judge: `apart`: the share that is set apart, the newest by when the outcome came, and `most_apart` rows at most: it judges,
    and is learnt from when newer ones have taken its place. `enough`: with fewer rows set apart, the release is judged on the test rows
    alone. `coverage`: so is it if fewer than this share of the answers of one label have an outcome. `fall`: how much worse than the
    champion, and than the floor, it may be on the test rows if it is better on the rows set apart, beyond chance, in the unit of the
    metric: what it learns anew may contradict the test rows, which are older. None: no more than always.
    """

    days: float | None = None
    delay: float = 0.0
    versions: Literal["all", "in service"] = "all"
    subjects: Literal["all", "latest"] = "all"
    most: int = 100_000
    weight: float | None = None
    half_life: float | None = None
    apart: float = 0.3
    most_apart: int = 500
    enough: int = 100
    coverage: float = 0.1
    fall: float | None = None

    def __post_init__(self) -> None:
        for name in ("days", "half_life", "weight"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise SpecError(f"learns: {name}={value} must be a number above 0.")
        if not (self.delay >= 0 and math.isfinite(self.delay)):
            raise SpecError(f"learns: delay={self.delay} must be a number of days from 0 up.")
        if self.days is not None and self.delay >= self.days:
            raise SpecError(f"learns: delay={self.delay:g} leaves none of the last {self.days:g} days; expected a shorter delay.")
        if not 0 < self.apart < 1:
            raise SpecError(f"learns: apart={self.apart} must be a share between 0 and 1: of the rows, the newest, which judge.")
        if not 0 <= self.coverage <= 1:
            raise SpecError(f"learns: coverage={self.coverage} must be a share from 0 to 1: of the answers, those with an outcome.")
        for name in ("most", "most_apart", "enough"):
            if getattr(self, name) < 1:
                raise SpecError(f"learns: {name}={getattr(self, name)} must be a number of rows, 1 at least.")
        if self.fall is not None and not self.fall >= 0:
            raise SpecError(f"learns: fall={self.fall} must not be negative: it is how much worse a candidate may be on the test rows.")

    @property
    def weighted(self) -> bool:
        """Whether its rows do not all count as one of the data set."""
        return self.weight not in (None, 1.0) or self.half_life is not None

    def refuse(self, group: str, *estimators: Any) -> None:
        """Refuse a split by groups, of which the log knows nothing, and an estimator that would ignore the weights; None is no estimator.

        Raises:
            SpecError: One of the two.
        """
        if group:
            raise SpecError(f"learns: rows of the log have no {group!r}, so a split by groups cannot place them; leave one of the two out.")
        for estimator in estimators:
            if self.weighted and estimator is not None and not takes_weights(estimator):
                raise SpecError(
                    f"learns: {type(estimator).__name__} takes no weights of rows, so weight={self.weight} and "
                    f"half_life={self.half_life} would not count: leave them out, or use an estimator whose fit takes sample_weight."
                )
