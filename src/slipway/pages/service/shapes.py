"""What the process beside the gateway knows of the models in service, in the fields of its JSON. Times are ISO 8601 with a zone."""

from __future__ import annotations

from typing import Literal

import msgspec

from slipway.monitoring.latest import LatencySpan
from slipway.monitoring.published import Latest

MlflowState = Literal["agrees", "disagrees", "silent", "elsewhere"]


class MeasuredFigure(msgspec.Struct, frozen=True):
    """A figure of test rows, named as scikit-learn's scorer, with its 95 % interval if it is known."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


class WaitingVersion(msgspec.Struct, frozen=True):
    """A version whose release waits for a person's approval until then."""

    version: int
    until: str


class TriedVersion(msgspec.Struct, frozen=True):
    """The challenger. `share` is the fraction of requests that it answers, 0 in shadow.

    Of the latest lines of the log, both versions answered `rows`, and gave the same answer to `agreeing` of them. `proposal` says why the
    watch proposed to promote it; "" if it has not.
    """

    version: int
    share: float
    figure: MeasuredFigure | None = None
    rows: int = 0
    agreeing: int = 0
    proposal: str = ""


class ModelAtAGlance(msgspec.Struct, frozen=True):
    """A model's service in short. `version` is None if none is in service.

    `p95_ms`: of the latest requests, 95 % took at most so long. `disagreements` are between gateway and ledger, in words. `frozen` says
    why alarms are switched off, `held` which decision of a person holds automations back; "" if nothing does. `watch` is the last one,
    None before the first.
    """

    model: str
    version: int | None = None
    since: str = ""
    sample: bool = False
    figure: MeasuredFigure | None = None
    watch: Latest | None = None
    p95_ms: float | None = None
    frozen: str = ""
    held: str = ""
    disagreements: list[str] = []
    awaited: list[WaitingVersion] = []
    challenger: TriedVersion | None = None

    @property
    def own_watch(self) -> Latest | None:
        """The last watch, if it was of the version in service."""
        return self.watch if self.watch and self.watch.version == self.version else None


class ServiceOverview(msgspec.Struct, frozen=True):
    """All models. `silent` names what did not answer, so that something may be missing."""

    models: list[ModelAtAGlance]
    silent: list[str] = []


class LedgerLine(msgspec.Struct, frozen=True):
    """A line of the ledger. `why` is its reason, `because` the one that came with what started the run."""

    event: str
    version: int
    previous: int | None
    at: str
    who: str
    why: str
    started_by: str = ""
    because: str = ""
    figure: float | None = None
    sample: bool = False
    run_url: str = ""


class JudgedWindow(msgspec.Struct, frozen=True):
    """A window of the watch. Of served rows, `farthest` is the column with the largest distance as a multiple of its threshold.

    Of outcomes, `figure` is the metric with its 95 % interval, beside the one of the test rows and the gate's floor.
    """

    number: int
    kind: Literal["served", "outcomes"]
    first: str
    last: str
    rows: int
    judged: bool
    bad: bool
    reason: str
    farthest: str = ""
    multiple: float | None = None
    drifted: list[str] = []
    figure: float | None = None
    low: float | None = None
    high: float | None = None
    registered: float | None = None
    floor: float | None = None


class RaisedAlarm(msgspec.Struct, frozen=True):
    """An alarm of the watch: drift, concept or outcomes."""

    kind: str
    version: int
    at: str
    reason: str


class ServiceDetail(msgspec.Struct, frozen=True):
    """A model's service in full: that of its `glance`, and where it comes from, how it does, and what happened to it.

    `line` put the version into service; None if this ledger has none. `figures` are of the test rows, the model's own metric first; their
    intervals come from MLflow. `windows` are those of the version in service, oldest first, `alarms` and `lines` of all versions, newest
    first. `mlflow`: "elsewhere" is a database without a server. The addresses are "" where there is no page. `known`: there is such a
    model, or was.
    """

    glance: ModelAtAGlance
    known: bool = True
    description: str = ""
    metric: str = ""
    lower_is_better: bool = False
    run_id: str = ""
    line: LedgerLine | None = None
    data_sha256: str = ""
    figures: list[MeasuredFigure] = []
    test_rows: int | None = None
    windows: list[JudgedWindow] = []
    alarms: list[RaisedAlarm] = []
    latency: list[LatencySpan] = []
    lines: list[LedgerLine] = []
    mlflow: MlflowState = "elsewhere"
    mlflow_disagreements: list[str] = []
    mlflow_run: str = ""
    mlflow_version: str = ""
    model_card: str = ""
    has_report: bool = False
