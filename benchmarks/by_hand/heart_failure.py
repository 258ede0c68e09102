"""heart-failure as one would train and register it by hand: what `benchmarks/release.py` compares a release with.

    python benchmarks/by_hand/heart_failure.py heart.csv --tracking http://127.0.0.1:5000 --trials 40

It has the same rows, split, folds and search space, and the same calls of MLflow: one run with tags, parameters, figures, both data sets,
seven pictures and five tables, the model as skops, a version with its alias and stage. It does not check the rows, compile the model,
prove or judge anything, resume a search, write a ledger, serve, or undo. It imports nothing of Slipway.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ |= {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import mlflow
import optuna
import optuna.visualization.matplotlib as pictures_of
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from sklearn.calibration import CalibrationDisplay
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Binarizer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

NAME, TARGET, SEED = "heart_failure_bare", "HeartDisease", 42
FOLDS, REPEATS = 5, 3
NUMBERS = ["Age", "FastingBS", "MaxHR", "Oldpeak"]
ZERO_IS_MISSING = ["RestingBP", "Cholesterol"]
CATEGORIES = {
    "Sex": ["M", "F"],
    "ChestPainType": ["ATA", "NAP", "ASY", "TA"],
    "RestingECG": ["Normal", "ST", "LVH"],
    "ExerciseAngina": ["Y", "N"],
    "ST_Slope": ["Up", "Flat", "Down"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path, help="CSV with the columns of heart.csv")
    parser.add_argument("--tracking", required=True, help="address of the MLflow server")
    parser.add_argument("--trials", type=int, default=40, help="points to try (40)")
    asked = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore")  # stages are deprecated, and Optuna's pictures are experimental
    mlflow.set_tracking_uri(asked.tracking)
    mlflow.set_experiment(NAME)

    seconds: dict[str, float] = {}
    with timed("rows", seconds):
        sha256 = hashlib.sha256(asked.rows.read_bytes()).hexdigest()
        rows = pd.read_csv(asked.rows)
        train, test = train_test_split(rows, test_size=0.20, random_state=SEED, stratify=rows[TARGET])
    with timed("search", seconds), threadpool_limits(1):  # matrices this small are slower on several threads
        study = search(train, asked.trials)
    with timed("score", seconds):
        model = fit(study.best_params, train)
        figures = score(model, test)
        baselines = score_baselines(study.best_params, train, test)
    with timed("log", seconds), mlflow.start_run(run_name="by hand"):
        mlflow.set_tags(tags(sha256))
        mlflow.log_params(study.best_params | {"trials": asked.trials, "folds": FOLDS, "repeats": REPEATS, "seed": SEED})
        mlflow.log_metrics(figures | {"cv_accuracy": study.best_value} | baselines)
        for context, part in (("training", train), ("test", test)):
            mlflow.log_input(mlflow.data.from_pandas(part, source=str(asked.rows), targets=TARGET, name="heart"), context=context)
        with tempfile.TemporaryDirectory() as folder:
            write_evidence(Path(folder), model, study, train, test, figures)
            mlflow.log_artifacts(folder)
        address = log_model(model, train)
    with timed("register", seconds):
        register(address)
    print(json.dumps({"figures": figures, "seconds": seconds}))


@contextmanager
def timed(name: str, seconds: dict[str, float]) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - started


def search(train: pd.DataFrame, trials: int) -> optuna.Study:
    folds = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=SEED)

    def objective(trial: optuna.Trial) -> float:
        chosen = {
            "C": trial.suggest_float("C", 1e-3, 1e2, log=True),
            "zeros": trial.suggest_categorical("zeros", ["keep", "impute"]),
        }
        scores = cross_val_score(pipeline(chosen), train.drop(columns=TARGET), train[TARGET], scoring="accuracy", cv=folds)
        return float(scores.mean())

    sampler = optuna.samplers.TPESampler(seed=SEED, multivariate=True, constant_liar=True, n_startup_trials=10)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=trials)
    return study


def pipeline(chosen: dict[str, Any], estimator: Any = None) -> Pipeline:
    steps: list[tuple[str, Any, list[str]]] = []
    if chosen["zeros"] == "impute":
        steps.append(("numbers", StandardScaler(), NUMBERS))
        steps.append(("imputed", make_pipeline(SimpleImputer(missing_values=0.0, strategy="median"), StandardScaler()), ZERO_IS_MISSING))
        steps.append(("measured", Binarizer(), ZERO_IS_MISSING))
    else:
        steps.append(("numbers", StandardScaler(), [*NUMBERS, *ZERO_IS_MISSING]))
    steps.append(("categories", OneHotEncoder(categories=list(CATEGORIES.values()), sparse_output=False), list(CATEGORIES)))
    if estimator is None:
        estimator = LogisticRegression(C=chosen["C"], max_iter=2_000, random_state=SEED)
    return Pipeline([("preparation", ColumnTransformer(steps)), ("model", estimator)])


def fit(chosen: dict[str, Any], train: pd.DataFrame, estimator: Any = None) -> Pipeline:
    return pipeline(chosen, estimator).fit(train.drop(columns=TARGET), train[TARGET])


def score_baselines(chosen: dict[str, Any], train: pd.DataFrame, test: pd.DataFrame) -> dict[str, float]:
    others = {"most_frequent": DummyClassifier(strategy="prior"), "reference": DecisionTreeClassifier(max_leaf_nodes=3)}
    return {
        f"baseline_{name}_{key}": value for name, other in others.items() for key, value in score(fit(chosen, train, other), test).items()
    }


def score(model: Pipeline, test: pd.DataFrame) -> dict[str, float]:
    truth, features = test[TARGET], test.drop(columns=TARGET)
    labels, probabilities = model.predict(features), model.predict_proba(features)
    return {
        "accuracy": accuracy_score(truth, labels),
        "balanced_accuracy": balanced_accuracy_score(truth, labels),
        "f1": f1_score(truth, labels),
        "f1_macro": f1_score(truth, labels, average="macro"),
        "precision": precision_score(truth, labels, zero_division=0.0),
        "recall": recall_score(truth, labels),
        "roc_auc": roc_auc_score(truth, probabilities[:, 1]),
        "average_precision": average_precision_score(truth, probabilities[:, 1]),
        "neg_log_loss": -log_loss(truth, probabilities),
    }


def tags(sha256: str) -> dict[str, str]:
    described = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=40"], capture_output=True, text=True)
    return {"git_commit": described.stdout.strip() or "unknown", "data_sha256": sha256, "mlflow.note.content": "by hand"}


def write_evidence(
    folder: Path, model: Pipeline, study: optuna.Study, train: pd.DataFrame, test: pd.DataFrame, figures: dict[str, float]
) -> None:
    """Write seven pictures and five tables."""
    truth, features = test[TARGET], test.drop(columns=TARGET)
    probabilities = model.predict_proba(features)[:, 1]
    found = permutation_importance(model, features, truth, scoring="accuracy", n_repeats=5, random_state=SEED)
    importances = pd.DataFrame({"mean": found.importances_mean, "deviation": found.importances_std}, index=features.columns)
    importances = importances.sort_values("mean", ascending=False)
    (folder / "plots").mkdir()
    draw(folder / "plots/confusion_matrix.png", lambda axes: ConfusionMatrixDisplay.from_estimator(model, features, truth, ax=axes))
    draw(folder / "plots/roc.png", lambda axes: RocCurveDisplay.from_predictions(truth, probabilities, ax=axes))
    draw(folder / "plots/precision_recall.png", lambda axes: PrecisionRecallDisplay.from_predictions(truth, probabilities, ax=axes))
    draw(
        folder / "plots/calibration.png",
        lambda axes: CalibrationDisplay.from_predictions(truth, probabilities, n_bins=10, strategy="quantile", ax=axes),
    )
    draw(folder / "plots/permutation_importance.png", lambda axes: importances["mean"].plot.barh(ax=axes, xerr=importances["deviation"]))
    for name, of in (("history", pictures_of.plot_optimization_history), ("importance", pictures_of.plot_param_importances)):
        axes = of(study)
        axes.figure.savefig(folder / f"plots/optuna_{name}.png", dpi=110)
        plt.close(axes.figure)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1))
    importances.to_csv(folder / "importance.csv")
    train.describe(include="all").to_json(folder / "profile.json")
    study.trials_dataframe().to_csv(folder / "trials.csv")
    lines = [f"| {name} | {value:.4f} |" for name, value in figures.items()]
    (folder / "card.md").write_text("\n".join(["# Heart failure", "", "| figure | test rows |", "|---|---|", *lines, ""]))


def draw(path: Path, on: Callable[[Any], object]) -> None:
    figure, axes = plt.subplots(figsize=(5.2, 4.2))
    on(axes)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def log_model(model: Pipeline, train: pd.DataFrame) -> str:
    features = train.drop(columns=TARGET)
    kinds = {"O": DataType.string, "f": DataType.double, "i": DataType.long}
    inputs = [ColSpec(kinds.get(features[name].to_numpy().dtype.kind, DataType.string), name) for name in features]
    signature = ModelSignature(inputs=Schema(inputs), outputs=Schema([ColSpec(DataType.long, TARGET)]))
    info = mlflow.sklearn.log_model(
        model,
        name="model",
        serialization_format="skops",
        skops_trusted_types=["numpy.dtype"],
        # named here, because MLflow would need half a minute to find them
        pip_requirements=[f"{name}=={version(name)}" for name in ("scikit-learn", "skops", "numpy", "pandas")],
        signature=signature,
        input_example=features.head(5),
    )
    return str(info.model_uri)


def register(address: str) -> None:
    number = mlflow.register_model(address, NAME).version
    client = mlflow.MlflowClient()
    client.transition_model_version_stage(NAME, number, "Production", archive_existing_versions=True)
    client.set_registered_model_alias(NAME, "champion", number)


if __name__ == "__main__":
    main()
