"""Whether there is anything to learn from since the version in service."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from slipway.audit import Place, known_outcomes
from slipway.learning.recalling import rows_sha256_of
from slipway.lifecycle.record import InService
from slipway.records import Snapshot
from slipway.spec import FollowedDataset, ModelSpec
from slipway.tracking.recorded_rows import learnt_rows_of, study_of

if TYPE_CHECKING:
    from mlflow import MlflowClient


def nothing_new(spec: ModelSpec, snapshot: Snapshot, now: InService, client: MlflowClient) -> str:
    """Return why a release would learn from the same rows as the version in service, in the same way; "" if it would not.

    Args:
        snapshot: The rows of this release.
        now: The version in service.
    """
    from slipway.training.search.tuning import searched, study_name

    before, learnt = learnt_rows_of(client, now.run_id), snapshot.learnt
    rows = learnt.rows_sha256 if learnt else snapshot.sha256
    if rows != rows_sha256_of(now, client) or (learnt and learnt.new):
        return ""
    study = study_of(client, now.run_id)
    if study is None or _settings(study) != _settings(study_name(searched(spec, sample=snapshot.sample), snapshot.sha256)):
        return ""  # the model's file is another now, and the same rows may teach something else
    log = f", and no outcome has come since {before.until if before else now.since.isoformat()}" if learnt else ""
    return f"nothing to learn from: the rows are those of version {now.version}, which is in service{log}"


def prospect(spec: ModelSpec, now: InService, place: Place, until: datetime) -> str:
    """Return in words what a release would learn from, for the person who reads an alarm.

    Raises:
        AuditError: The log cannot be read.
    """
    if spec.learns is None and isinstance(spec.dataset, FollowedDataset):
        return "a release learns from what the origin of its rows holds now"
    if spec.learns is None:
        return "a release would learn from the same rows again: the model's file has no learns=Outcomes()"
    rows = len(known_outcomes(place, spec.service, since=now.since, until=until))
    if not rows:
        return f"no outcome has come since version {now.version} went into service, so a release finds nothing new in the log"
    return f"{rows:,} outcomes have come since version {now.version} went into service, and a release learns from the rows they belong to"


def _settings(study: str) -> str:
    """Return the part of a study's name that stands for all that makes trials comparable, but for the rows."""
    return study.rpartition("-")[2]
