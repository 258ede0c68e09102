"""What is known about a measured model beyond its figures: their intervals, the figures by slice, and which columns matter."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from slipway.problems.training import Interval
from slipway.records import Snapshot, Tuned
from slipway.spec import ModelSpec
from slipway.training.evidence.importance import Importance, importances
from slipway.training.evidence.intervals import intervals, method
from slipway.training.evidence.profile import Profile, profile
from slipway.training.evidence.slices import Slice, by_slice
from slipway.training.measuring import Measured
from slipway.training.splitting import Rows


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A trained and measured model, with its spec, snapshot, hyperparameters and rows."""

    spec: ModelSpec
    snapshot: Snapshot
    tuned: Tuned
    rows: Rows
    measured: Measured


@dataclass(frozen=True, slots=True)
class Evidence:
    """95 % intervals by figure, figures by slice, importance by column (largest first), and a profile of the rows."""

    intervals: dict[str, Interval]
    slices: list[Slice]
    importances: list[Importance]
    profile: Profile


def gather(trained: TrainedModel) -> Evidence:
    """Compute the evidence from the measured answers and the rows. The same model gives the same evidence."""
    spec, rows, evaluation = trained.spec, trained.rows, trained.measured.evaluation
    return Evidence(
        intervals=intervals(evaluation, spec.split.seed),
        slices=by_slice(spec, rows.test, evaluation),
        importances=importances(spec, rows, trained.measured),
        profile=profile(spec, rows),
    )


def figures_as_json(trained: TrainedModel, evidence: Evidence) -> dict[str, Any]:
    """Return the figures, their intervals, and the figures of baselines and slices, for programs."""
    return {
        "rows": len(trained.rows.test),
        "figures": trained.measured.metrics,
        "intervals": evidence.intervals,
        "method": method(trained.measured.evaluation),
        "baselines": trained.measured.baselines,
        "slices": [asdict(part) | {"enough": part.enough} for part in evidence.slices],
    }
