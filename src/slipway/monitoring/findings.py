"""What was found about one window of served rows, or of outcomes. Small, frozen, printable, and kept for good."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from slipway.records import Metrics, Paired, Record

WindowKind = Literal["served", "outcomes"]
AlarmKind = Literal["drift", "concept", "outcomes"]
State = Literal["alarm", "held", "suspect", "unjudged", "steady"]


class ColumnDrift(Record):
    """One column of a window against the training rows; for the predicted labels, against the labels predicted for the test rows.

    `p_value` is the test's own; it counts as significant at or below `significance`, which is the plan's, divided by the number of
    columns. `drifted` when it is, and the distance reaches the threshold.
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
    """Whether a window has drifted. `new` and `absent` are values by column: served though never learnt from, and learnt but not served."""

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


class SliceFigure(Record):
    """The spec's metric in one slice of the rows with outcomes, with its 95 % interval; None where those rows do not define it.

    `registered` is the figure of the same slice of the test rows. `worse` as for all rows; it is shown, and makes no window bad: of many
    slices one is low by chance.
    """

    name: str
    rows: int
    figure: float | None
    low: float | None
    high: float | None
    registered: float | None
    worse: bool


class Performance(Record):
    """How right the answers were, by their outcomes. `low` and `high` are the 95 % interval of `figure`, which is the spec's metric.

    `registered` is the figure of the same version on its test rows. `worse`: it has fallen by more than the gate's tolerance, and
    chance in neither the outcomes nor the test rows explains that, which is concept drift. `below_floor`: even `high` lies below
    the gate's floor.
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


class Window(Record):
    """One window of one version: served rows, or predictions whose outcome came to be known, from `first` to `last`.

    `judged` is False where there were too few rows; `reason` says so, or what was found, in words. `per_day` counts rows a day.
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
        """Whether it counts towards an alarm."""
        if not self.judged or self.season:
            return False
        performance = self.performance
        return bool(self.drift and self.drift.drifted) or bool(performance and (performance.worse or performance.below_floor))


class Alarm(Record):
    """What several windows of a version amount to: something to be told, and to retrain for.

    `kind`, in order of weight: "drift" of what is sent or answered, "concept" drift (the answers are less right than they were),
    "outcomes" below the floor. `windows` are the numbers of the bad ones that made it.
    """

    model: str
    version: int
    kind: AlarmKind
    windows: list[int]
    reason: str
    at: datetime


class Proposal(Record):
    """A challenger that was better than the version in service, on the rows that both answered: somebody may promote it."""

    model: str
    champion: int
    challenger: int
    reason: str
    at: datetime


class WatchReport(Record):
    """How one run of the watch ended; `windows` are those it judged, `waiting` counts rows and outcomes of windows that are not full.

    `state`: "alarm", which is told and retrained for; "held", where there would be one but for the switch (`frozen` says why it is on),
    a cool-down, or because all was told before; "suspect", where some windows are bad, and fewer than it takes; "unjudged", where no
    window has rows enough yet; else "steady". `kind` is what the windows amount to, told or held. `challenger` is the version that is
    tried beside it, and `paired` how the two compare on the rows with outcomes that both answered. `proposal` is made once for two
    versions.
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
