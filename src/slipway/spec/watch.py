"""How a model in service is watched: how many rows are judged together, what counts as drift, and what raises an alarm."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from slipway.errors import SpecError
from slipway.spec.columns import Columns, Date, Feature, Numeric
from slipway.spec.schedules import Schedule
from slipway.spec.texts import Text

# Evidently's names, the default first; `slipway.monitoring.drift.homogeneity` adds "homogeneity". Tests of Evidently that are not
# reliable here are left out: see docs/decisions/0029-drift.md
NUMBER_DISTANCES = ("wasserstein", "jensenshannon", "psi", "hellinger", "kl_div")
CATEGORY_DISTANCES = ("jensenshannon", "psi", "hellinger", "kl_div")
NUMBER_TESTS = ("ks", "t_test")
CATEGORY_TESTS = ("homogeneity",)
# a quarter of a standard deviation, and a Cohen's w of 0.42: small to medium; measured as the lowest that rows without drift stay below
NUMBER_THRESHOLD, CATEGORY_THRESHOLD = 0.25, 0.15

DAILY = Schedule("watch", "0 5 * * *", "UTC", active=True)


@dataclass(frozen=True, slots=True)
class Drift:
    """When a column of a window has drifted: it is far enough from the training rows, and chance does not explain it.

    A distance alone would report chance as drift in small windows; a test alone would report any small change in large ones.

    `distance`, `test`: Evidently's names of the two. If one is left out or does not fit the column, the default applies: the normed
    Wasserstein distance and the Kolmogorov-Smirnov test for numbers, the Jensen-Shannon distance and the chi-squared test of
    homogeneity for categories, codes and labels. `threshold`: the smallest distance that counts; by default 0.25 training standard
    deviations for numbers, and 0.15 for categories, codes and labels. `significance`: the largest p-value, over all columns of a
    window together (Bonferroni).
    """

    threshold: float | None = None
    significance: float = 0.01
    distance: str | None = None
    test: str | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not (self.threshold > 0 and math.isfinite(self.threshold)):
            raise SpecError(f"drift: threshold={self.threshold}: expected a distance above 0.")
        if not 0 < self.significance < 1:
            raise SpecError(f"drift: significance={self.significance}: expected a probability between 0 and 1.")
        if self.distance not in (None, *NUMBER_DISTANCES):
            raise SpecError(f"drift: distance={self.distance!r} is not one of {', '.join(NUMBER_DISTANCES)}.")
        if self.test not in (None, *NUMBER_TESTS, *CATEGORY_TESTS):
            raise SpecError(f"drift: test={self.test!r} is not one of {', '.join(NUMBER_TESTS + CATEGORY_TESTS)}.")

    def fits(self, categories: bool) -> bool:
        """Return whether its distance and test can compare such a column."""
        distances, tests = (CATEGORY_DISTANCES, CATEGORY_TESTS) if categories else (NUMBER_DISTANCES, NUMBER_TESTS)
        return self.distance in (None, *distances) and self.test in (None, *tests)

    def methods(self, categories: bool) -> tuple[str, str]:
        """Return the distance and the test for such a column."""
        distances, tests = (CATEGORY_DISTANCES, CATEGORY_TESTS) if categories else (NUMBER_DISTANCES, NUMBER_TESTS)
        return (
            self.distance if self.distance and self.distance in distances else distances[0],
            self.test if self.test and self.test in tests else tests[0],
        )

    def least(self, categories: bool) -> float:
        """Return the smallest distance of such a column that counts as drift."""
        if self.threshold is not None:
            return self.threshold
        return CATEGORY_THRESHOLD if categories else NUMBER_THRESHOLD


def as_categories(feature: Feature) -> bool:
    """Return whether a feature is compared value by value: a category, yes and no, or numbers that name things."""
    if isinstance(feature, Date | Text):
        return False
    if not isinstance(feature, Numeric):
        return True
    return feature.nominal or (feature.integer and feature.low is not None and feature.high is not None and feature.high - feature.low == 1)


@dataclass(frozen=True, slots=True)
class Season:
    """Days of every year on which rows usually differ: windows that begin on them are shown, but raise no alarm.

    `first` and `last` are "MM-DD", both included; a season may cross the end of the year.
    """

    name: str
    first: str
    last: str

    def __post_init__(self) -> None:
        for day in (self.first, self.last):
            try:
                date.fromisoformat(f"2024-{day}")  # a leap year: the 29th of February is a day too
            except ValueError:
                raise SpecError(f"season {self.name!r}: {day!r} is not a day; expected MM-DD, such as 12-15.") from None

    def includes(self, day: date) -> bool:
        """Return whether the season includes a day."""
        found = f"{day:%m-%d}"
        return self.first <= found <= self.last if self.first <= self.last else found >= self.first or found <= self.last


LABELS = Drift(threshold=0.07)  # windows of two or three labels without drift stay below 0.05


@dataclass(frozen=True, slots=True)
class Watch:
    """How a model is watched.

    `rows`: the number of served rows, or outcomes, in a window; they are judged together. `days`: after so many days a window is closed
    even if it is not full. `minimum`: a window with fewer rows is not judged. `needed` bad windows among the last `of` raise an alarm;
    so do the last `of` or fewer together, if they show a fall that none shows alone (`slipway.monitoring.falls`).
    `cooldown_days`: after an alarm there is none for so many days. `drift`: for every column that `columns` does not name; `prediction`:
    for the answers, by default `LABELS` for classes, and as any number for numbers. `volume`: a window with so many times more, or fewer,
    rows a day than the windows before is reported; it raises no alarm. `schedule`: when the model is watched automatically.
    """

    rows: int = 500
    days: float = 7.0
    minimum: int = 100
    needed: int = 2
    of: int = 5
    cooldown_days: float = 7.0
    drift: Drift = Drift()
    columns: Mapping[str, Drift] = field(default_factory=dict)
    prediction: Drift | None = None
    volume: float = 4.0
    seasons: tuple[Season, ...] = ()
    schedule: Schedule = DAILY

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        if not 2 <= self.minimum <= self.rows:
            raise SpecError(f"watch: minimum={self.minimum}, rows={self.rows}: expected 2 <= minimum <= rows.")
        if not 1 <= self.needed <= self.of:
            raise SpecError(f"watch: needed={self.needed}, of={self.of}: expected 1 <= needed <= of.")
        if not self.days > 0 or not self.cooldown_days >= 0 or not self.volume > 1:
            raise SpecError(
                f"watch: days={self.days}, cooldown_days={self.cooldown_days}, volume={self.volume}: "
                "expected days above 0, a cool-down of 0 or more, and a volume above 1."
            )

    def of_column(self, name: str) -> Drift:
        """Return the drift settings of a feature."""
        return self.columns.get(name, self.drift)

    def of_prediction(self, categories: bool) -> Drift:
        """Return the drift settings of the answers."""
        return self.prediction or (LABELS if categories else Drift())

    def refuse_columns(self, columns: Columns) -> None:
        """Refuse settings for columns that there are not, or of another kind."""
        if unknown := sorted(set(self.columns) - set(columns.features)):
            raise SpecError(f"watch.columns names {unknown}, which are not features.")
        kinds = {name: as_categories(feature) for name, feature in columns.features.items()}
        if unfit := sorted(name for name, drift in self.columns.items() if not drift.fits(kinds[name])):
            raise SpecError(
                f"watch.columns: the distance or test of {unfit} compares columns of the other kind; leave it out to use the default."
            )
        categories = columns.target.answers_are_categories
        if not self.of_prediction(categories).fits(categories):
            answers = "labels are categories" if categories else "the answers are numbers"
            raise SpecError(f"watch.prediction: {answers}; leave the distance and the test out to use the defaults.")

    def season(self, day: date) -> str | None:
        """Return the season that includes a day, None if there is none."""
        return next((season.name for season in self.seasons if season.includes(day)), None)


AS_USUAL = Watch()
