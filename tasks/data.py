"""Rows: from their address to a checked file."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from slipway.data import fetching, samples, typed_rows
from slipway.data.admission import gate, words
from slipway.errors import DeclinedError
from slipway.learning.recalling import of_data_set, recall, rows_sha256_of
from slipway.lifecycle import record, refused_rows
from slipway.records import Admission, DataFinding, Snapshot
from slipway.settings import Settings
from slipway.spec import FollowedDataset, ModelSpec
from slipway.tracking.connection import connect
from slipway.training.splitting import Rows, split
from tasks import events
from tasks.origin import require_leave
from tasks.patience import FOR_ORIGIN, MINUTE

logger = logging.getLogger("slipway.tasks.data")

LEVELS = {"passed": logging.INFO, "asked": logging.WARNING, "refused": logging.WARNING}


@task(task_run_name="fetch-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=15 * MINUTE, **FOR_ORIGIN)
def fetch(spec: ModelSpec, settings: Settings, sample: bool = False, snapshot: str | None = None) -> Snapshot:
    """Download, verify and store the rows, generate sample rows, or take those of an earlier run; see `slipway.data`."""
    if snapshot is not None and sample:
        raise DeclinedError(
            f"{spec.name}: the record of a snapshot says whether its rows are sample rows; leave out `sample`, or `snapshot`."
        )
    if snapshot is not None:
        return recall(spec, snapshot, connect(settings), settings)
    if sample:
        return samples.generate(spec, settings.snapshots)
    return fetching.fetch(spec, settings.mirror, settings.snapshots, settings.sql_login, _rows_in_service(spec, settings))


@task(task_run_name="admit-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=15 * MINUTE)
def admit(spec: ModelSpec, snapshot: Snapshot, settings: Settings, chosen: bool = False, further: Sequence[DataFinding] = ()) -> Admission:
    """Compare followed rows with those of the version in service, within the limits of the model's file; see `slipway.data.admission`.

    The run page shows the findings with their tables.

    Args:
        chosen: Whether a person chose the rows by their checksum. Then only `further` decides.
        further: Findings of other rules on the same rows.
    """
    if chosen:
        return Admission(model=spec.name, sha256=snapshot.sha256, findings=[*further])
    found = gate.admit(spec, snapshot, settings.snapshots, _rows_in_service(spec, settings), further)
    for finding in found.findings:
        logger.log(LEVELS[finding.outcome], "%s: data gate, %s: %s", spec.name, finding.name, finding.reason)
    if found.findings:
        create_markdown_artifact(words.report(found), key=f"rows-{spec.name}", description=f"{spec.name}: the data gate: {found.outcome}")
    return found


@task(task_run_name="refuse-rows-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=10 * MINUTE)
def refuse_rows(spec: ModelSpec, admission: Admission, settings: Settings) -> None:
    """Write into the ledger that the data gate refused rows."""
    refused_rows.note(spec, admission, settings, events.run_url(), require_leave(spec.service, settings))
    events.emit(events.REFUSED, spec.service, None, refused_rows.why(spec, admission))


@task(task_run_name="validate-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=15 * MINUTE)
def validate(spec: ModelSpec, snapshot: Snapshot) -> Rows:
    """Refuse rows that break the model's columns, and split off the test rows."""
    return split(spec, typed_rows.read(spec, of_data_set(snapshot)))


def _rows_in_service(spec: ModelSpec, settings: Settings) -> str:
    """Return the checksum of the real rows of the version in service, "" without one, and for rows that are pinned."""
    if not isinstance(spec.dataset, FollowedDataset):
        return ""
    now = record.in_service(spec, settings)
    return rows_sha256_of(now, connect(settings)) if now and not now.sample else ""
