"""The version in service, and what its rows are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import pandas as pd

from slipway.bundle.contract import Contract
from slipway.bundle.reading import Bundle
from slipway.catalogue import catalogue
from slipway.data import recalling, validation
from slipway.errors import NotInServiceError, WatchError
from slipway.gate.comparison import answer_test_rows
from slipway.lifecycle.ledger import IN_SERVICE, Ledger
from slipway.monitoring.drift.drift import Reference
from slipway.problems.training import Evaluation
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import registry
from slipway.tracking.connection import connect
from slipway.tracking.recorded_rows import recorded_rows
from slipway.tracking.unfinished import MODEL_TAG
from slipway.training.splitting import Rows, split


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
        registered = answer_test_rows(spec, rows, bundle)
    since = _since(spec, contract.version or 0, settings)
    challenger = registry.state(connect(settings), spec.registered_as).aliases.get(registry.CHALLENGER)
    return Watched(contract, since, Reference(rows.train, registered.labels, registered.truth), rows.test, registered, challenger)


@contextmanager
def bundle_and_rows(spec: ModelSpec, settings: Settings) -> Iterator[tuple[Bundle, Rows]]:
    """Yield the bundle of the version in service, and its training and test rows. Raises as `watched`."""
    client = connect(settings)
    champion = registry.champion(client, spec.registered_as)
    if champion is None:
        raise NotInServiceError(f"{spec.name} has no version in service. Run `slipway release {spec.name}` first.")
    with registry.downloaded_bundle(client, champion.run_id) as bundle:
        contract = bundle.contract
        if [column.name for column in contract.columns] != spec.columns.names:
            raise WatchError(
                f"{spec.name}: version {contract.version} takes other columns than the model's file describes, so the file cannot be used "
                f"to read its training rows. Release the model: `slipway release {spec.name}`."
            )
        maker = catalogue().get(champion.tags.get(MODEL_TAG, ""), spec)  # a promoted challenger keeps its rows under its own name
        snapshot = recalling.recall(maker, contract.data_sha256, partial(recorded_rows, client, maker), settings.mirror, settings.snapshots)
        rows = split(spec, validation.validate(spec, snapshot.path))
        yield bundle, rows


def _since(spec: ModelSpec, version: int, settings: Settings) -> datetime:
    entries = Ledger(settings.ledger).history(spec.name)
    times = [entry.at for entry in entries if entry.event in IN_SERVICE and entry.version == version]
    return datetime.fromisoformat(times[-1]) if times else datetime.fromtimestamp(0, UTC)
