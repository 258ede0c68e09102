"""The rows of an earlier release again: those of its data set, and those of the log as it had them then."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from slipway.audit import Line
from slipway.data import recalling, typed_rows
from slipway.errors import BundleError, RegistryError, RowsGoneError
from slipway.learning.evidence import Learning, Predecessor, learn
from slipway.learning.joining import ColumnsOf
from slipway.lifecycle import record
from slipway.lifecycle.record import InService
from slipway.records import Snapshot
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking.recorded_rows import RecordedRows, learnt_rows, learnt_rows_of, recorded_rows
from slipway.training.splitting import Rows, split

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)


def recall(spec: ModelSpec, digits: str, client: MlflowClient, settings: Settings) -> Snapshot:
    """Return the rows of the data set of an earlier release, with the record of what it learnt from the log, if it did.

    Args:
        digits: The checksum, or its first 8 digits or more.
    Raises:
        SnapshotNotFoundError, DatasetChangedError, OriginUnreachableError, DatasetNotFoundError: See `slipway.data.recalling`.
    """
    recorded = partial(recorded_rows, client, spec)
    found = learnt_rows(client, spec, digits.strip().lower()) if len(digits.strip()) >= recalling.FEWEST else None
    if found is None:
        return recalling.recall(spec, digits, recorded, settings.mirror, settings.snapshots, settings.sql_login)

    def with_its_own(digits: str) -> list[RecordedRows]:
        return [found.rows, *recorded(digits)]

    snapshot = recalling.recall(spec, found.rows.sha256, with_its_own, settings.mirror, settings.snapshots, settings.sql_login)
    return snapshot.model_copy(update={"sha256": found.sha256, "learnt": found.record})


def rows_again(spec: ModelSpec, snapshot: Snapshot, settings: Settings, *, whole: bool = True) -> Rows:
    """Return the rows of an earlier release, split.

    Args:
        whole: Whether all rows of the log must be there still; if not, those that were pruned are left out, with a warning.
    Raises:
        RowsGoneError: Some are not.
    """
    rows = split(spec, typed_rows.read(spec, of_data_set(snapshot)))
    return learnt_again(spec, snapshot, rows, settings, whole=whole).rows


def learnt_again(spec: ModelSpec, snapshot: Snapshot, rows: Rows, settings: Settings, *, whole: bool = True) -> Learning:
    """Join the rows of the log to those of the data set as they were joined by an earlier release. Raises as `rows_again`."""
    before = snapshot.learnt
    if before is None:
        return Learning(snapshot, rows, [])
    champion = Predecessor(max(before.versions, default=0), None)
    until = datetime.fromisoformat(before.until)
    again = learn(
        spec, of_data_set(snapshot), rows, settings.audit_url or settings.home, until, columns_by_version(spec, settings), champion
    )
    now = again.snapshot.learnt
    if again.snapshot.sha256 != snapshot.sha256:
        there = f"{now.learnt + now.apart:,}" if now else "none"
        message = (
            f"{spec.name}: the release took {before.learnt + before.apart:,} answered rows from {before.first} to {before.last}, and the "
            f"log has {there} of them now: rows were pruned, or `learns` in the model's file is another. The run cannot be repeated."
        )
        if whole:
            raise RowsGoneError(message)
        logger.warning(message)
    return Learning(again.snapshot.model_copy(update={"sha256": snapshot.sha256, "learnt": before}), again.rows, [])


def of_data_set(snapshot: Snapshot) -> Snapshot:
    """Return the record of the rows of the data set alone."""
    return snapshot.model_copy(update={"sha256": snapshot.learnt.rows_sha256, "learnt": None}) if snapshot.learnt else snapshot


def predecessor_of(spec: ModelSpec, client: MlflowClient, now: InService | None) -> Predecessor | None:
    """Return the version in service, and until when its release saw outcomes."""
    if now is None:
        return None
    before = learnt_rows_of(client, now.run_id)
    return Predecessor(now.version, datetime.fromisoformat(before.until) if before else None)


def rows_sha256_of(now: InService, client: MlflowClient) -> str:
    """Return the checksum of the rows of the data set that the version in service learnt from, without those of the log."""
    before = learnt_rows_of(client, now.run_id)
    return before.rows_sha256 if before else now.data_sha256


def columns_by_version(spec: ModelSpec, settings: Settings) -> ColumnsOf:
    """Return a function that says which columns a line of the log has, by the bundle of the version that answered it."""
    known: dict[tuple[int | None, str], Sequence[str] | None] = {}

    def names(line: Line) -> Sequence[str] | None:
        version = (line.version, line.run_id)
        if version not in known:
            known[version] = None
            with suppress(BundleError, RegistryError), record.bundle_of(spec.service, line.version or 0, line.run_id, settings) as bundle:
                known[version] = [column.name for column in bundle.contract.columns]
        return known[version]

    return names
