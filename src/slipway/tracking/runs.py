"""One MLflow run a release: its inputs, its results, and the model in a format that is safe to load."""

from __future__ import annotations

import logging
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.records import Snapshot, Tuned
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking.logged_models import log_model
from slipway.tracking.recorded_rows import STUDY, learnt_tag
from slipway.training import artifacts, seen_rows
from slipway.training.evidence.evidence import TrainedModel
from slipway.training.measuring import Measured
from slipway.training.splitting import Rows

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)


def experiment(client: MlflowClient, name: str, settings: Settings) -> str:
    """Return the id of an experiment, which is created at the first call. `<model>` has the releases of the model."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    # without a server, MLflow would put artifacts below the folder in which the command was started
    location = (settings.mlflow_artifacts / name).as_uri() if settings.tracking == settings.mlflow_database else None
    return str(client.create_experiment(name, artifact_location=location))


def restore_experiment(client: MlflowClient, name: str) -> None:
    """Restore an experiment that a person deleted: MLflow keeps its name taken, so no run could be logged under it."""
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
        logger.warning("experiment %s was deleted in MLflow; it is restored, because its name stays taken", name)


def log(spec: ModelSpec, snapshot: Snapshot, tuned: Tuned, rows: Rows, measured: Measured, studies: Path | None = None) -> str:
    """Log everything about a measured model to the active run, and return the address of the logged model.

    Args:
        studies: The folder of the studies, for the pictures of the search; None leaves them out.

    Raises:
        UnsafeModelError: The pipeline contains a type that is not on the allow-list.
    """
    with warnings.catch_warnings():
        # validated rows have no missing values, and MLflow registers its local source twice
        warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer column")
        warnings.filterwarnings("ignore", message="The specified dataset source can be interpreted in multiple ways")
        return _log(TrainedModel(spec, snapshot, tuned, rows, measured), studies)


def _log(trained: TrainedModel, studies: Path | None) -> str:
    import mlflow

    spec, snapshot, tuned, rows, measured = trained.spec, trained.snapshot, trained.tuned, trained.rows, trained.measured
    mlflow.set_tags(_tags(spec, snapshot, tuned))
    mlflow.log_params(dict(tuned.parameters) | {"trials": tuned.trials, "folds": tuned.folds, "repeats": tuned.repeats, "seed": tuned.seed})
    baselines = {f"baseline_{name}_{key}": value for name, found in measured.baselines.items() for key, value in found.items()}
    mlflow.log_metrics(measured.metrics | {f"cv_{tuned.metric}": tuned.score} | baselines)
    _log_rows(spec, snapshot, rows)
    _log_evidence(trained, studies)
    model_uri = log_model(spec, rows, measured.pipeline)
    logger.info("%s: logged as run %s, with its evidence and the model", spec.name, mlflow.active_run().info.run_id)
    return model_uri


def git_commit() -> str:
    """Return the commit of this code, with `-dirty` if it was changed since; "unknown" outside a checkout."""
    here = Path(__file__).parent
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"], cwd=here, capture_output=True, text=True
    )
    return described.stdout.strip() if described.returncode == 0 else "unknown"


def _tags(spec: ModelSpec, snapshot: Snapshot, tuned: Tuned) -> dict[str, str]:
    commit = git_commit()
    return {
        "mlflow.source.git.commit": commit.removesuffix("-dirty"),
        "mlflow.note.content": spec.description + (" **Trained on sample rows.**" if snapshot.sample else ""),
        "slipway.model": spec.name,
        "slipway.git_commit": commit,
        "slipway.data_sha256": snapshot.sha256,
        "slipway.data_origin": snapshot.origin,
        "slipway.sample": str(snapshot.sample).lower(),
        STUDY: tuned.study,
    } | learnt_tag(snapshot.learnt)


def _log_rows(spec: ModelSpec, snapshot: Snapshot, rows: Rows) -> None:
    import mlflow

    parts = [("training", rows.train, rows.train_labels), ("test", rows.test, rows.test_labels)]
    if rows.recent:
        parts.append(("recent", rows.recent.features, rows.recent.labels))
    for context, features, labels in parts:
        dataset = mlflow.data.from_pandas(
            features.assign(**{spec.columns.target.name: labels}),
            source=str(snapshot.path),
            targets=spec.columns.target.name,
            name=f"{spec.name}{'-sample' if snapshot.sample else ''}",
        )
        mlflow.log_input(dataset, context=context, tags={"sha256": snapshot.sha256, "origin": snapshot.origin})


def _log_evidence(trained: TrainedModel, studies: Path | None) -> None:
    import mlflow

    from slipway.training.search.tuning import open_study

    study = open_study(trained.spec, trained.snapshot.sha256, studies) if studies and trained.tuned.trials else None
    with tempfile.TemporaryDirectory() as folder:
        artifacts.write(trained, Path(folder), git_commit(), study)
        seen_rows.write(trained.rows.train, Path(folder) / seen_rows.FILE)
        mlflow.log_artifacts(folder)
