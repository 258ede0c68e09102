"""Results of the watch: small, frozen and printable. The journal keeps them and never deletes one."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from slipway.records import Metrics, Paired, Record

WindowKind = Literal["served", "outcomes"]
AlarmKind = Literal["drift", "concept", "outcomes"]
State = Literal["alarm", "held", "suspect", "unjudged", "steady"]


class ColumnDrift(Record):
    """One column of a window compared with the training rows; predicted labels are compared with those of the test rows.

    The column has `drifted` if `distance` reaches `threshold` and `p_value` is at most `significance`. That is the significance of
    the spec divided by the number of columns.
    """

    column: str
    distance_by: str
    distance: float
    threshold: float
    test: str
    p_value: float
    significance: float
    drifted: bool


class DriftFinding(Record):
    """Whether a window has drifted. Values by column: `new` are not in the training rows, `absent` are in the training rows only."""

    columns: list[ColumnDrift]
    prediction: ColumnDrift | None
    new: dict[str, list[str]]
    absent: dict[str, list[str]]

    @property
    def all(self) -> list[ColumnDrift]:
        """The features and then the prediction."""
        return [*self.columns, *([self.prediction] if self.prediction else [])]

    @property
    def drifted(self) -> list[str]:
        """The columns that drifted, features and then the prediction."""
        return [found.column for found in self.all if found.drifted]


class ColumnShares(Record):
    """How the cells of a column are spread: `then` among the training rows, `now` in a window, each summing to 1.

    `labels` are the values of a category, the most frequent first, or spans of numbers in their order; the outermost include what is
    beyond.
    """

    column: str
    categories: bool
    labels: list[str]
    then: list[float]
    now: list[float]


class SliceFigure(Record):
    """The spec's metric in one slice of the rows with outcomes, with its 95 % interval; None if those rows do not define it.

    `registered` is the figure of the same slice of the test rows. `worse` is decided as in `Performance`, but it does not make the
    window bad: of many slices, one is low by chance.
    """

    name: str
    rows: int
    figure: float | None
    low: float | None
    high: float | None
    registered: float | None
    worse: bool


class MeanError(Record):
    """By how much the outcomes of a window lie above the answers on average, in the unit of the number; `registered`: on the test rows.

    From `low` to `high` is the 95 % interval of a figure.
    """

    figure: float
    low: float
    high: float
    registered: float
    registered_low: float
    registered_high: float


class Performance(Record):
    """How right the answers of a window were by their outcomes. `low` and `high` are the 95 % interval of `figure`, the spec's metric.

    `registered` is the figure of the same version on its test rows. `worse`: the figure fell by more than the gate's tolerance, and by
    more than chance in the outcomes and in the test rows explains. That is concept drift. `below_floor`: `high` is below the gate's floor.
    With `lower_is_better`, the figure is an error: it rose, and `low` is above the floor. `hits` counts the rows whose label was right,
    or, of a regression, whose interval included the outcome.

    The last four fields let several windows be judged together: how sure `registered` is, the gate's tolerance, and, of a regression,
    the mean error. Windows of earlier versions of Slipway do not have them.
    """

    metric: str
    figure: float
    low: float
    high: float
    registered: float
    floor: float
    worse: bool
    below_floor: bool
    hits: int
    misses: int
    metrics: Metrics
    confusion_matrix: list[list[int]]
    slices: list[SliceFigure]
    lower_is_better: bool = False
    registered_interval: tuple[float, float] | None = None
    registered_rows: int = 0
    tolerance: float = 0.0
    mean_error: MeanError | None = None


class Window(Record):
    """One window of one version, from `first` to `last`: served rows, or predictions by the time their outcome was reported.

    `judged` is False if there were too few rows. `reason` says that, or the result, in words. `per_day` is rows a day.
    """

    model: str
    version: int
    kind: WindowKind
    number: int
    first: datetime
    last: datetime
    rows: int
    judged: bool
    reason: str
    per_day: float | None = None
    season: str | None = None
    drift: DriftFinding | None = None
    performance: Performance | None = None

    @property
    def bad(self) -> bool:
        """Whether the window counts towards an alarm."""
        if not self.judged or self.season:
            return False
        performance = self.performance
        return bool(self.drift and self.drift.drifted) or bool(performance and (performance.worse or performance.below_floor))


class Alarm(Record):
    """Several bad windows of a version: a reason to notify people and to retrain.

    `kind`, the weightiest last: "drift" of inputs or answers, "concept" drift (the answers are less right than they were), "outcomes"
    below the floor. `windows` are the numbers of the bad windows, or of those that are worse together.
    """

    model: str
    version: int
    kind: AlarmKind
    windows: list[int]
    reason: str
    at: datetime


class Proposal(Record):
    """A challenger that is better than the version in service on the rows that both answered. A person may promote it."""

    model: str
    champion: int
    challenger: int
    reason: str
    at: datetime


class WatchReport(Record):
    """The result of one run of the watch.

    `state`: "alarm", an alarm is raised; "held", an alarm is held back by the switch (`frozen` is its reason), by a cool-down, or because
    an earlier alarm reported the same windows; "suspect", fewer windows are bad than an alarm takes; "unjudged", no window has enough
    rows yet; else "steady". `kind` is the kind of the alarm, raised or held back.

    `windows` were judged in this run; `waiting` and `waiting_outcomes` count what is not in a full window yet. `paired` compares the
    version in service with its `challenger` on the rows with outcomes that both answered. A `proposal` is made once for two versions.
    """

    model: str
    version: int
    sample: bool
    state: State
    reason: str
    kind: AlarmKind | None
    alarm: Alarm | None
    frozen: str
    windows: list[Window]
    waiting: int
    waiting_outcomes: int
    challenger: int | None = None
    paired: Paired | None = None
    proposal: Proposal | None = None
    run_id: str | None = None
