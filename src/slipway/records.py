"""What one step of a release hands to the next: small, frozen and printable. Never a frame, a model or a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

Metrics = dict[str, float]


class Record(BaseModel):
    """Immutable, strict about its fields, and JSON in both directions: Prefect stores it as text."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Snapshot(Record):
    """The rows of one run, stored under a name that holds their checksum."""

    model: str
    path: Path
    sha256: str
    rows: int
    origin: str
    sample: bool


class Tuned(Record):
    """The hyperparameters chosen (see `slipway.training.search.tuning.choose`), their cross-validated score, and on how much evidence."""

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


class Candidate(Record):
    """A measured model. `version` is None when it was measured for a dry run and not registered.

    `metrics` are of the test rows, named as scikit-learn's scorers; `confusion_matrix` counts rows, true classes down,
    predicted classes across, in the order of the target's classes. `baselines` are the same figures of simpler models, by name.
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
    baselines: dict[str, Metrics] = {}


class Rule(Record):
    """One rule of the gate, and how the candidate did."""

    name: str
    passed: bool
    reason: str


class Effect(Record):
    """One figure of champion and challenger on the same rows. `difference` is the challenger's less the champion's.

    `low` and `high` are the 95 % interval of the difference, and `p_value` of the test that there is none; both by `method`.
    """

    figure: str
    champion: float
    challenger: float
    difference: float
    low: float
    high: float
    p_value: float
    method: str


class Paired(Record):
    """Champion and challenger on the same rows, whose outcome is known; `effect` is of the spec's metric.

    `only_champion_right` and `only_challenger_right` are the rows that tell them apart. `low` and `high` are what the verdict goes by:
    the effect's interval when the rows are looked at once; when they are looked at again and again, one that holds all the time.
    `rows_needed` is how many more rows would show a difference as large as this one; None where it is shown, or there is none.
    """

    metric: str
    rows: int
    disagreeing: int
    only_champion_right: int
    only_challenger_right: int
    accuracy: Effect
    auc: Effect | None
    effect: Effect | None
    repeated: bool
    low: float | None
    high: float | None
    rows_needed: int | None
    verdict: Literal["challenger better", "champion better", "no difference shown"]
    reason: str


class Verdict(Record):
    """What the gate decided about a candidate, rule by rule.

    `champion_metrics` are of the `rows_compared` test rows that candidate and champion both answered; `rows_left_out` are those
    that the champion has learnt from. Where `rows_compared` is None, they are of the champion's own release. `paired` compares the two
    row by row, the candidate in the challenger's place; None without rows that both answered.
    """

    model: str
    champion: int | None
    champion_metrics: Metrics
    rules: list[Rule]
    rows_compared: int | None = None
    rows_left_out: int = 0
    paired: Paired | None = None

    @property
    def passed(self) -> bool:
        return all(rule.passed for rule in self.rules)

    @property
    def failures(self) -> list[str]:
        return [rule.reason for rule in self.rules if not rule.passed]


class RegistryState(Record):
    """Which versions of one registered model hold the aliases, and the stage of each; enough to put everything back."""

    registered_as: str
    aliases: dict[str, int]
    stages: dict[int, str]


Action = Literal["release", "promotion", "rollback"]


class Promotion(Record):
    """A version on its way to become champion, and how things stood before: all that an undo needs.

    `pointer` is the bundle that was in service on `host`, as `slipway.bundle.store.active` keeps it there, or None. `action` says
    whether a release takes the version there, the promotion of a challenger, or a rollback, and `because` why, where a person said so.
    """

    candidate: Candidate
    host: str
    registry: RegistryState
    pointer: dict[str, str | int] | None
    action: Action = "release"
    because: str = ""


class Endpoint(Record):
    """Where a version answers."""

    model: str
    version: int
    run_id: str
    url: str


class SmokeReport(Record):
    """What the endpoint answered to rows whose answers are known. Latency is of one row, in milliseconds, median of the probes."""

    endpoint: Endpoint
    probes: int
    refused: int
    latency_ms: float


class Decision(Record):
    """What a person said to a candidate that had passed the gate; `who` is how they named themselves."""

    approved: bool
    who: str
    why: str


class Release(Record):
    """How a release ended. `decision` is None where nobody was asked; of a challenger, `smoke_test` is the rehearsal's."""

    outcome: Literal["promoted", "challenging", "refused", "rejected", "dry run"]
    snapshot: Snapshot
    tuned: Tuned
    candidate: Candidate
    verdict: Verdict
    smoke_test: SmokeReport | None = None
    decision: Decision | None = None


class Promoted(Record):
    """How the promotion of a challenger ended. `champion` is the version it was to replace; `decision` is None where nobody was asked."""

    outcome: Literal["promoted", "refused", "rejected"]
    candidate: Candidate
    champion: int | None
    because: str
    verdict: Verdict
    decision: Decision | None = None
    smoke_test: SmokeReport | None = None


class Rollback(Record):
    """How a rollback ended. `previous` was in service before; `tested` is of the public port, None where nothing had to be done."""

    outcome: Literal["rolled back", "already in service"]
    candidate: Candidate
    previous: int
    because: str
    message: str
    rehearsed: SmokeReport | None = None
    tested: SmokeReport | None = None


class FleetEntry(Record):
    """How the release of one model of several ended; `figure` is the spec's metric on the test rows."""

    model: str
    outcome: Literal["promoted", "challenging", "refused", "dry run", "needs approval", "failed"]
    version: int | None
    metric: str
    figure: float | None
    message: str


class Fleet(Record):
    """How the releases of several models ended."""

    entries: list[FleetEntry]


class Scored(Record):
    """What became of a file of rows. `scored` and `rejected` are all its `rows`; no row is in both.

    `labels` counts the answers by their meaning, `versions` by the version that gave them: with a challenger, or a switch meanwhile,
    it may be more than one. `bundle_sha256` is of the bundle's manifest, which names the checksum of every file; None through the endpoint.
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
