"""Versions in service without training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from slipway.bundle.writing import write
from slipway.catalogue import lookup
from slipway.data import samples
from slipway.lifecycle import mirroring, promotion, serving
from slipway.records import Candidate
from slipway.tracking import registry
from slipway.tracking.connection import connect
from slipway.tracking.unfinished import MODEL_TAG

MODEL = "heart-failure"


@dataclass
class Service:
    """Versions put into service as a release does it, without the training: all are the same measured model."""

    place: object
    write_bundle: object

    def promote(
        self, version: int, *, deployed: bool = True, wrong: bool = False, finished: bool = True, mirrored: bool = True, **contract
    ) -> Candidate:
        """Without `finished` or `mirrored`, it ends where a process was killed: before the ledger's line, or after it."""
        spec, settings = lookup(MODEL), self.place.settings
        client = connect(settings)
        run_id = client.create_run(self._experiment(client, settings)).info.run_id
        bundle = self.write_bundle(settings.home / "made" / str(version), version=version, run_id=run_id, **contract)
        if wrong:
            flipped = msgspec.structs.replace(bundle.probe, labels=[1 - label for label in bundle.probe.labels])
            bundle = write(bundle.folder, dict(bundle.files), bundle.contract, flipped)
        client.log_artifacts(run_id, str(bundle.folder), registry.BUNDLE_PATH)
        client.create_model_version(
            spec.registered_as,
            f"runs:/{run_id}/model",
            run_id,
            tags={"slipway.sample": str(bundle.contract.sample).lower(), MODEL_TAG: MODEL},
        )
        candidate = Candidate(
            model=MODEL, registered_as=spec.registered_as, version=version, run_id=run_id, bundle=f"runs:/{run_id}/bundle",
            metrics=bundle.contract.metrics, confusion_matrix=[[70, 12], [8, 94]], data_sha256=bundle.contract.data_sha256,
            sample=bundle.contract.sample,
        )  # fmt: skip
        samples.generate(spec, settings.snapshots)  # the rows it was trained on
        begun = promotion.begin(spec, candidate, settings)
        if deployed:
            serving.deploy(spec, bundle, settings)
        if finished:
            promotion.finish(begun, settings, why="no worse")
        if finished and mirrored:
            mirroring.put_in_line(spec, settings)
        return candidate

    def stored(self, version: int) -> Path:
        """Return the folder where MLflow keeps a version's bundle."""
        run_id = connect(self.place.settings).get_model_version(lookup(MODEL).registered_as, str(version)).run_id
        return self.place.settings.mlflow_artifacts / run_id / "artifacts" / registry.BUNDLE_PATH

    def _experiment(self, client, settings):
        if found := client.get_experiment_by_name(MODEL):
            return found.experiment_id
        client.create_registered_model(lookup(MODEL).registered_as)
        return client.create_experiment(MODEL, artifact_location=settings.mlflow_artifacts.as_uri())
