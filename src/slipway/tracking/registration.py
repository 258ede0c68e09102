"""From tuned parameters to a registered candidate: measured once, logged, compiled, proven equal, then registered."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slipway.bundle import contract as contracts
from slipway.bundle.borders import border_rows, prove_rows
from slipway.bundle.cells import columns_of, rows_of
from slipway.bundle.compiling import Compiled, compile_after_failed_proof, compile_model, contract_columns, words_of
from slipway.bundle.contract import Contract, Probe
from slipway.bundle.engine import open_engine
from slipway.bundle.parity import prove
from slipway.bundle.writing import write
from slipway.errors import BundleError, ParityError, RegistryError
from slipway.records import Candidate, Snapshot, Tuned
from slipway.settings import Settings
from slipway.spec import Adopted, ModelSpec
from slipway.tracking import registry, runs
from slipway.tracking.connection import connect, without_password
from slipway.tracking.unfinished import MODEL_TAG, UNFINISHED, clear_up, run_name
from slipway.training.measuring import Measured, measure
from slipway.training.splitting import Rows

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

PROBES = 40


def require_registry(client: MlflowClient, spec: ModelSpec, run_in_service: str | None) -> None:
    """Find before the search what would stop the registration after it. An experiment that was deleted is restored: its name is taken.

    Args:
        run_in_service: The run of the version in service; None if there is none.
    Raises:
        RegistryError: The registered model was renamed, or someone made a version champion that no release made.
    """
    runs.restore_experiment(client, spec.name)
    now = registry.state(client, spec.registered_as)
    if run_in_service and not now.stages:
        for found in client.search_model_versions(f"run_id = '{run_in_service}'"):
            raise RegistryError(
                f"{spec.name}: the version in service is registered as {found.name} in MLflow, and the model's file says "
                f"{spec.registered_as}: it was renamed. Rename it back in MLflow, then release again; nothing was changed."
            )
    champion = now.aliases.get(registry.CHAMPION)
    if run_in_service is None and champion is not None and not registry.made_by(client, spec.registered_as, champion):
        raise RegistryError(
            f"{spec.name}: version {champion} of {spec.registered_as} has the alias champion in MLflow, and no release made it. "
            f"Remove the alias there, then release again; nothing was changed."
        )


def register(spec: ModelSpec, snapshot: Snapshot, rows: Rows, tuned: Tuned, settings: Settings, *, dry_run: bool = False) -> Candidate:
    """Measure the tuned model, log the run, prove the compiled model equal, and register the version as the candidate.

    A dry run logs the run and its bundle, and registers nothing. If a step fails, the run is marked as failed and the registry is
    unchanged: the version is created after the proof, gets its alias after its bundle is stored, and is deleted if a step between them
    fails. So this may be repeated. The caller holds the model's lock.

    Raises:
        RegistryUnavailableError: MLflow does not answer.
        CannotCompileError: The pipeline's answers depend on chance, or its threshold is not for the positive class.
        ParityError: The compiled model's answers differ from the measured ones, and so do those of the pipeline, read back.
        UnsafeModelError: The model contains types that are not on the allow-list.
    """
    client = connect(settings)
    clear_up(client, spec)
    try:
        candidate = _register(client, spec, snapshot, rows, tuned, settings, dry_run)
    except BaseException:
        with _logged(spec):
            clear_up(client, spec)
        raise
    clear_up(client, spec)  # after a lost answer, MLflow's client asks again, which leaves two versions
    return candidate


@contextmanager
def _logged(spec: ModelSpec) -> Iterator[None]:
    """Log an error in clearing up, so that it does not hide the error before."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        logger.warning("%s: clearing up failed; the next attempt clears up: %s", spec.name, without_password(error))


def _register(
    client: MlflowClient, spec: ModelSpec, snapshot: Snapshot, rows: Rows, tuned: Tuned, settings: Settings, dry_run: bool
) -> Candidate:
    import mlflow

    experiment = runs.experiment(client, spec.name, settings)
    with mlflow.start_run(experiment_id=experiment, run_name=run_name(spec), tags={MODEL_TAG: spec.name}) as run:
        measured = measure(spec, rows, tuned)
        logger.info("%s: test rows scored: %s = %.4f", spec.name, spec.metric, measured.metrics[spec.metric])
        model_uri = runs.log(spec, snapshot, tuned, rows, measured, settings.studies)
        with tempfile.TemporaryDirectory(prefix="slipway-bundle-") as folder:
            compiled = compile_model(spec, measured.pipeline)
            contract = _contract(spec, snapshot, tuned, measured, compiled, run.info.run_id)
            compiled, contract = _proven(spec, rows, measured, compiled, contract, Path(folder))
            version = None if dry_run else _new_version(spec, model_uri)
            contract = contracts.with_version(contract, version)
            bundle = write(Path(folder) / registry.BUNDLE_PATH, compiled.files, contract, _probe(rows, measured, contract), words_of(spec))
            mlflow.log_artifacts(str(bundle.folder), registry.BUNDLE_PATH)
    if version is not None:
        _describe_version(client, spec, snapshot, version)
        registry.nominate(client, spec.registered_as, version)
        client.delete_model_version_tag(spec.registered_as, str(version), UNFINISHED)
        logger.info("%s: registered as %s version %d", spec.name, spec.registered_as, version)
    return Candidate(
        model=spec.service,
        registered_as=spec.registered_as,
        version=version,
        run_id=run.info.run_id,
        bundle=f"runs:/{run.info.run_id}/{registry.BUNDLE_PATH}",
        metrics=measured.metrics,
        confusion_matrix=measured.evaluation.confusion(),
        data_sha256=snapshot.sha256,
        sample=snapshot.sample,
        baselines=measured.baselines,
        trusted=list(spec.trusted),
    )


def _contract(spec: ModelSpec, snapshot: Snapshot, tuned: Tuned, measured: Measured, compiled: Compiled, run_id: str) -> Contract:
    import mlflow

    output = spec.problem.output(compiled.threshold, tuned.reach)
    return Contract(
        format=contracts.FORMAT,
        model=spec.service,
        registered_as=spec.registered_as,
        version=None,
        run_id=run_id,
        engine=compiled.engine,
        description=spec.description,
        columns=contract_columns(spec),
        target=spec.columns.target.name,
        data_sha256=snapshot.sha256,
        sample=snapshot.sample,
        metrics=measured.metrics,
        mlflow_version=mlflow.__version__,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        **contracts.of_output(output),
    )


def _proven(
    spec: ModelSpec, rows: Rows, measured: Measured, compiled: Compiled, contract: Contract, folder: Path
) -> tuple[Compiled, Contract]:
    """Return a compiled model with the measured answers: the given one, or for a graph that fails the proof, the pipeline."""
    try:
        _prove(spec, rows, measured, compiled, contract, folder / "proof")
        return compiled, contract
    except (ParityError, BundleError) as error:
        whole = compile_after_failed_proof(spec, measured.pipeline, compiled, error)
    contract = contracts.with_engine(contract, whole.engine)
    _prove(spec, rows, measured, whole, contract, folder / "second-proof")
    return whole, contract


def _prove(spec: ModelSpec, rows: Rows, measured: Measured, compiled: Compiled, contract: Contract, folder: Path) -> None:
    """Compare the serving engine with the measured model on every test row, and on rows where the model changes its answer."""
    bundle = write(folder, compiled.files, contract, _probe(rows, measured, contract))
    engine = open_engine(bundle.trusting(spec.trusted))
    answered = engine.probabilities(columns_of(rows.test, contract.columns))
    ours, output = measured.evaluation, contract.output
    prove(spec.name, ours.numbers, ours.labels, output.numbers(answered), output.labels(answered), differ=output.differ)
    prove_rows(f"{spec.name}, at its borders", measured.pipeline, engine, contract, border_rows(measured.pipeline, contract, rows.test))


def _probe(rows: Rows, measured: Measured, contract: Contract) -> Probe:
    """Take test rows spread evenly over the probability of the first class, so that some are near the border too; or over the intervals."""
    evaluation = measured.evaluation
    order = np.argsort(evaluation.numbers[:, 0], kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, PROBES).round().astype(int))]
    return Probe(
        rows=rows_of(rows.test.iloc[chosen], contract.columns),
        labels=[evaluation.labels[index] for index in chosen],
        probabilities=evaluation.numbers[chosen].tolist(),
    )


def _new_version(spec: ModelSpec, model_uri: str) -> int:
    import mlflow

    with redirect_stderr(StringIO()):  # MLflow reports the version there at any log level; we log it ourselves
        return int(mlflow.register_model(model_uri, spec.registered_as, tags={UNFINISHED: "true"}).version)


def _describe_version(client: MlflowClient, spec: ModelSpec, snapshot: Snapshot, version: int) -> None:
    if isinstance(spec.estimator, Adopted):
        client.set_model_version_tag(spec.registered_as, str(version), "slipway.adopted", spec.estimator.version)
    for key, value in {
        "slipway.model": spec.name,
        "slipway.data_sha256": snapshot.sha256,
        "slipway.sample": str(snapshot.sample).lower(),
        "slipway.git_commit": runs.git_commit(),
    }.items():
        client.set_model_version_tag(spec.registered_as, str(version), key, value)
