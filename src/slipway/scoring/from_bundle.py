"""Answers of the bundle itself, in this process: the quick way, of which only the file of predictions remains."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slipway.bundle.contract import MANIFEST
from slipway.bundle.deployment import Deployment, load
from slipway.bundle.store.active import Pointer, active
from slipway.errors import ScoringError
from slipway.files.checksums import checksum
from slipway.scoring.answers import ChunkAnswers
from slipway.settings import Settings
from slipway.spec import ModelSpec

logger = logging.getLogger(__name__)


class FromBundle:
    """The version in service, loaded from its bundle after it answered its probe rows as it was measured."""

    logs = False

    def __init__(self, deployment: Deployment, bundle_sha256: str) -> None:
        self.contract = deployment.contract
        self.bundle_sha256: str | None = bundle_sha256
        self._engine = deployment.engine

    def answer(self, columns: dict[str, Any], subjects: Sequence[str | None] | None = None) -> ChunkAnswers:
        """Return the answers to n >= 1 rows that keep the contract, given by column; nothing is logged, so `subjects` are ignored."""
        raw, output = self._engine.probabilities(columns), self.contract.output
        answered = output.labels(raw)
        versions = [self.contract.version] * len(answered)
        return ChunkAnswers(answered, output.numbers(raw), versions, prediction_ids=None)


def from_bundle(spec: ModelSpec, settings: Settings) -> FromBundle:
    """Return the version in service on this host, or else the champion of MLflow's registry.

    Raises:
        ScoringError: There is neither.
        BundleError: The bundle is damaged, or does not answer as it was measured.
        RegistryUnavailableError: MLflow was needed and does not answer.
    """
    if pointer := active(settings.bundles, spec.name):
        return _opened(settings.bundles / spec.name / pointer.bundle, spec, pointer)
    from slipway.tracking import registry
    from slipway.tracking.connection import connect

    client = connect(settings)
    if (version := registry.state(client, spec.registered_as).aliases.get(registry.CHAMPION)) is None:
        raise ScoringError(f"{spec.name}: no version is in service here, and MLflow has no champion. Run `slipway release {spec.name}`.")
    logger.info("%s: not in service on this host; version %s is fetched from MLflow", spec.name, version)
    with registry.bundle_of(client, spec.registered_as, version) as bundle:
        return _opened(bundle.folder, spec, Pointer(bundle.folder.name, spec.port, installation="", trusted=spec.trusted))


def _opened(folder: Path, spec: ModelSpec, pointer: Pointer) -> FromBundle:
    return FromBundle(load(folder, spec.name, pointer, pointer.port), checksum(folder / MANIFEST))
