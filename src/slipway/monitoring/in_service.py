"""The version in service, and what its rows are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from slipway.bundle.contract import Contract
from slipway.bundle.reading import Bundle
from slipway.catalogue import catalogue
from slipway.errors import NotInServiceError, WatchError
from slipway.gate.comparison import ENOUGH_ROWS, answer_test_rows
from slipway.learning.recalling import recall, rows_again
from slipway.lifecycle import record
from slipway.monitoring.drift.drift import Reference
from slipway.problems.training import Evaluation
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking.connection import connect
from slipway.tracking.registry import made_by
from slipway.training.splitting import Rows


@dataclass(frozen=True, slots=True)
class Watched:
    """The version in service, and what its rows are compared with.

    `since`: when it went into service. `tested`: the test rows. `registered`: its answers to the test rows. `challenger`: the version
    that is tried beside it.
    """

    contract: Contract
    since: datetime
    reference: Reference
    tested: pd.DataFrame
    registered: Evaluation
    challenger: int | None = None

    @property
    def version(self) -> int:
        return self.contract.version or 0


def watched(spec: ModelSpec, settings: Settings) -> Watched:
    """Return the version in service with its training and test rows, which are fetched again if the snapshot is missing.

    Raises:
        NotInServiceError: No version is in service.
        WatchError: The model's file now describes other columns than the version takes.
        SnapshotNotFoundError, DatasetChangedError, OriginUnreachableError, DatasetNotFoundError: The rows are not available.
    """
    with bundle_and_rows(spec, settings) as (bundle, rows):
        contract = bundle.contract
        # a version that learnt from the log is what it was on the latest rows that it did not learn from: the test rows are older
        judged = rows.judged_by_recent if rows.recent and len(rows.recent.labels) >= ENOUGH_ROWS else rows
        registered = answer_test_rows(spec, judged, bundle).counting(None)  # rows in service have no weight
    now, trial = record.in_service(spec, settings), record.challenger_of(spec.service, settings)
    since = now.since if now else datetime.fromtimestamp(0, UTC)
    reference = Reference(rows.train, registered.labels, registered.truth)
    return Watched(contract, since, reference, judged.test, registered, trial.version if trial else None)


@contextmanager
def bundle_and_rows(spec: ModelSpec, settings: Settings) -> Iterator[tuple[Bundle, Rows]]:
    """Yield the bundle of the version in service, and its training and test rows. Raises as `watched`."""
    now = record.in_service(spec, settings)
    if now is None:
        raise NotInServiceError(f"{spec.name} has no version in service. Run `slipway release {spec.name}` first.")
    client = connect(settings)
    with record.bundle_of(spec.service, now.version, now.run_id, settings) as bundle:
        contract = bundle.contract
        if [column.name for column in contract.columns] != spec.columns.names:
            raise WatchError(
                f"{spec.name}: version {contract.version} takes other columns than the model's file describes, so the file cannot be used "
                f"to read its training rows. Release the model: `slipway release {spec.name}`."
            )
        maker = catalogue().get(made_by(client, spec.registered_as, now.version), spec)  # a challenger's rows are under its own name
        snapshot = recall(maker, contract.data_sha256, client, settings)
        yield bundle, rows_again(spec, snapshot, settings, whole=False)
