"""What the steps of a flow pass to each other: small, frozen and printable. Never a frame, a model or a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from slipway.records.base import Metrics, Record
from slipway.records.fleet import Fleet, FleetEntry
from slipway.records.learning import Covered, LearntRows
from slipway.records.rows import Admission, ColumnDifference, DataFinding, NotAdmitted, Snapshot, SnapshotDifference

__all__ = [
    "Admission",
    "ColumnDifference",
    "Covered",
    "DataFinding",
    "Fleet",
    "FleetEntry",
    "LearntRows",
    "Metrics",
    "NotAdmitted",
    "Record",
    "Snapshot",
    "SnapshotDifference",
]


class Tuned(Record):
    """The chosen hyperparameters (see `slipway.training.search.tuning.choose`), their cross-validated score, and the size of the search.

    `threshold` is that of a binary model, if it was tuned. `reach` is how far the interval of a regression reaches to either side.
    """

    model: str
    study: str
    parameters: dict[str, str | int | float | bool | None]
    score: float
    metric: str
    trials: int
    folds: int
    repeats: int
    seed: int
    threshold: float | None = None
    reach: float | None = None


class Candidate(Record):
    """A measured model. `version` is None if it was measured in a dry run and not registered.

    `metrics` are figures on the test rows, named as scikit-learn's scorers. `confusion_matrix` counts rows: true classes down, predicted
    classes across, in the order of the target's classes; it is empty for a regression. `baselines` are the same figures of simpler models,
    by name. `trusted` are the further types that the model's file trusts.
    """

    model: str
    registered_as: str
    version: int | None
    run_id: str
    bundle: str
    metrics: Metrics
    confusion_matrix: list[list[int]]
    data_sha256: str
    sample: bool
    baselines: dict[str, Metrics] = Field(default_factory=dict)
    trusted: list[str] = Field(default_factory=list)


class Rule(Record):
    """One rule of the gate, and how the candidate did."""

    name: str
    passed: bool
    reason: str


class Effect(Record):
    """One figure of champion and challenger on the same rows. `difference` is the challenger's less the champion's.

    With `lower_is_better`, the figure is an error, and a difference below 0 is an improvement.
    `low` and `high` are the 95 % interval of the difference, `p_value` is that of the test for no difference; both by `method`.
    """

    figure: str
    champion: float
    challenger: float
    difference: float
    low: float
    high: float
    p_value: float
    method: str
    lower_is_better: bool = False


class Paired(Record):
    """Champion and challenger on the same rows with known outcomes; `effect` is that of the spec's metric.

    `only_champion_right` and `only_challenger_right` count the discordant rows: of a regression, those for which one of the two is nearer
    to the outcome. Of a classifier there is `accuracy`, and of a binary one `auc`; of a regression `error`, the mean absolute one. `low`
    and `high` are the interval that decides the verdict: the effect's own if the comparison is made once, a wider one if it is `repeated`.
    `rows_needed` is how many more rows would show a difference as large as this one; None if it is shown already, or if there is no
    difference.
    """

    metric: str
    rows: int
    disagreeing: int
    only_champion_right: int
    only_challenger_right: int
    accuracy: Effect | None = None
    auc: Effect | None = None
    error: Effect | None = None
    effect: Effect | None
    repeated: bool
    low: float | None
    high: float | None
    rows_needed: int | None
    verdict: Literal["challenger better", "champion better", "no difference shown"]
    reason: str


class Verdict(Record):
    """What the gate decided about a candidate, rule by rule.

    `champion_metrics` are figures on the `rows_compared` test rows that candidate and champion both answered; `rows_left_out` counts the
    test rows that the champion has learnt from. If `rows_compared` is None, the figures are those of the champion's own release.
    `paired` compares the two row by row, with the candidate as the challenger; None if there are no rows that both answered. `recent`
    does so on the rows of the log that were set apart.
    """

    model: str
    champion: int | None
    champion_metrics: Metrics
    rules: list[Rule]
    rows_compared: int | None = None
    rows_left_out: int = 0
    paired: Paired | None = None
    recent: Paired | None = None

    @property
    def passed(self) -> bool:
        return all(rule.passed for rule in self.rules)

    @property
    def failures(self) -> list[str]:
        return [rule.reason for rule in self.rules if not rule.passed]


class RegistryState(Record):
    """Which versions of a registered model have the aliases, and the stage of each; enough to restore everything."""

    registered_as: str
    aliases: dict[str, int]
    stages: dict[int, str]


class Origin(Record):
    """What started a run: `shell`, `run page`, `schedule`, `automation NAME`, or `MLflow's page`; "" if an earlier Slipway wrote it down.

    `because` is the reason that came with it, such as an alarm's. `who` is None for the user of the process.
    """

    started_by: str = ""
    because: str = ""
    who: str | None = None

    @property
    def person(self) -> bool:
        """Whether a person started it. Where that is not known, a person did: what they took away is the thing to protect."""
        return not self.started_by.startswith(("schedule", "automation"))


STARTED_BY, WHO = "slipway.started-by", "slipway.who"  # labels of a run that says so itself, in Prefect


Action = Literal["release", "promotion", "rollback"]


class Promotion(Record):
    """A version that is being promoted, and the state before: all that an undo needs.

    `pointer` names the bundle that was in service on `host`, as `slipway.bundle.store.active` stores it, or None; `previous` is its
    version. `action` is what promotes the version: a release, the promotion of a challenger, or a rollback. `because` is the reason, if
    a person gave one. `registry` is the state of the registry before, which only earlier releases of Slipway moved first.
    """

    candidate: Candidate
    host: str
    pointer: dict[str, str | int | list[str]] | None
    previous: int | None = None
    registry: RegistryState | None = None
    action: Action = "release"
    because: str = ""
    origin: Origin = Origin()


class Endpoint(Record):
    """Where a version answers."""

    model: str
    version: int
    run_id: str
    url: str


class SmokeReport(Record):
    """The result of sending rows with known answers to the endpoint. `latency_ms` is for one row, the median of the probes."""

    endpoint: Endpoint
    probes: int
    refused: int
    latency_ms: float


class Decision(Record):
    """A person's decision about a candidate that passed the gate; `who` is the name they gave."""

    approved: bool
    who: str
    why: str


class Release(Record):
    """How a release ended. `decision` is None if nobody was asked. For a challenger, `smoke_test` is that of the rehearsal.

    `admission` is what the data gate found; None of a release of an earlier Slipway.
    """

    outcome: Literal["promoted", "challenging", "refused", "rejected", "dry run"]
    snapshot: Snapshot
    tuned: Tuned
    candidate: Candidate
    verdict: Verdict
    smoke_test: SmokeReport | None = None
    decision: Decision | None = None
    admission: Admission | None = None


class Promoted(Record):
    """How the promotion of a challenger ended. `champion` is the version to be replaced; `decision` is None if nobody was asked."""

    outcome: Literal["promoted", "refused", "rejected"]
    candidate: Candidate
    champion: int | None
    because: str
    verdict: Verdict
    decision: Decision | None = None
    smoke_test: SmokeReport | None = None


class Rollback(Record):
    """How a rollback ended. `previous` was in service before. `tested` is the test of the public port, None if nothing had to be done."""

    outcome: Literal["rolled back", "already in service"]
    candidate: Candidate
    previous: int
    because: str
    message: str
    rehearsed: SmokeReport | None = None
    tested: SmokeReport | None = None


class Scored(Record):
    """The result of scoring a file of rows. Each of its `rows` is either `scored` or `rejected`.

    `labels` counts the answers by their meaning, `versions` by the version that answered: with a challenger, or if the version changed
    meanwhile, there may be several. `bundle_sha256` is that of the bundle's manifest, which contains the checksum of every file; None
    if the endpoint answered.
    """

    model: str
    through: Literal["bundle", "endpoint"]
    source: str
    source_sha256: str
    destination: Path
    rejected_to: Path | None
    rows: int
    scored: int
    rejected: int
    labels: dict[str, int]
    versions: dict[str, int]
    run_id: str
    bundle_sha256: str | None
    sample: bool
    seconds: float
