"""Models of the catalogue, released on sample rows without a platform: a registered version and an installed bundle."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.bundle.reading import Bundle
from slipway.bundle.store.active import install
from slipway.catalogue import lookup
from slipway.data import samples, validation
from slipway.settings import Settings
from slipway.tracking import registration, registry
from slipway.tracking.connection import connect
from slipway.training import splitting
from slipway.training.search import tuning


@dataclass(frozen=True)
class Released:
    """`address` is the version's in MLflow; `port` is the model's in the gateway."""

    address: str
    bundle: Bundle
    port: int

    def body(self, rows: int) -> dict[str, object]:
        """Return a request with that many rows: the probe rows, repeated."""
        found = self.bundle.probe.rows
        columns = [column.name for column in self.bundle.contract.columns]
        return {"dataframe_split": {"columns": columns, "data": [found[number % len(found)] for number in range(rows)]}}

    def labels(self, rows: int) -> list[int | str]:
        """Return the expected answer to them."""
        found = self.bundle.probe.labels
        return [found[number % len(found)] for number in range(rows)]


def release(name: str, settings: Settings, port: int) -> Released:
    """Train a model on sample rows by one trial, register it and install its bundle."""
    spec = lookup(name)
    snapshot = samples.generate(spec, settings.snapshots)
    rows = splitting.split(spec, validation.validate(spec, snapshot.path))
    tuned = tuning.tune(spec, rows, snapshot.sha256, 1, settings.studies)
    candidate = registration.register(spec, snapshot, rows, tuned, settings)
    with registry.downloaded_bundle(connect(settings), candidate.run_id) as bundle:
        install(bundle.folder, settings.bundles, port)
        return Released(f"models:/{candidate.registered_as}/{candidate.version}", bundle, port)
