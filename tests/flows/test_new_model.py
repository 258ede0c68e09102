"""A model that the project has never seen: one file in a user's own folder, from its rows to a tested endpoint."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from slipway.catalogue import catalogue
from slipway.data.validation import validate
from slipway.settings import LOOPBACK, Settings
from slipway.training.splitting import Rows, split
from tests.support.pickles import pickles_below

pytestmark = pytest.mark.timeout(600)

BREAST_CANCER = '''
"""Whether a breast mass is malignant, from what an image of a fine needle aspirate shows of its cell nuclei."""

from optuna.distributions import FloatDistribution
from sklearn.linear_model import LogisticRegression

from slipway.spec import Columns, Dataset, Gate, ModelSpec, Numeric, Split, Target

HIGHEST = {
    "radius": 100, "texture": 100, "perimeter": 1_000, "area": 10_000, "smoothness": 1,
    "compactness": 5, "concavity": 5, "concave points": 1, "symmetry": 1, "fractal dimension": 1,
}
FIGURES = ("mean {}", "{} error", "worst {}")

MODEL = ModelSpec(
    name="breast-cancer",
    registered_as="breast_cancer_logistic",
    description="Whether a breast mass is malignant, from thirty measures of its cell nuclei.",
    dataset=Dataset(origin="ROWS", sha256="SHA256", file="breast_cancer.csv"),
    columns=Columns(
        features={
            figure.format(measure): Numeric(0, highest, "as measured", figure.format(measure))
            for figure in FIGURES
            for measure, highest in HIGHEST.items()
        },
        target=Target("diagnosis", {"benign": "no cancer", "malignant": "cancer"}, positive="malignant"),
    ),
    split=Split(test=0.25, seed=7, stratify=True),
    estimator=LogisticRegression(max_iter=1_000),
    search_space={"C": FloatDistribution(1e-2, 1e1, log=True)},
    metric="roc_auc",
    gate=Gate(floor=0.95),
    port=PORT,
)
'''
BAGGED = '''
"""The same by bagged trees, which no engine but scikit-learn itself answers exactly."""

from dataclasses import replace

from optuna.distributions import IntDistribution
from sklearn.ensemble import BaggingClassifier

from slipway.models.breast_cancer import MODEL as BREAST_CANCER
from slipway.spec import Gate

MODEL = replace(
    BREAST_CANCER,
    name="breast-cancer-bagged",
    registered_as="breast_cancer_bagged",
    estimator=BaggingClassifier(max_features=0.7),
    search_space={"n_estimators": IntDistribution(20, 30)},
    gate=Gate(floor=0.95, milliseconds=1_000),
    port=PORT,
)
'''
MODELS = ("breast-cancer", "breast-cancer-bagged")


@dataclass(frozen=True)
class Operator:
    """A user at a shell, with the settings in the environment and model files in a folder of their own."""

    environment: dict[str, str]
    models: Path

    def slipway(self, *arguments: str) -> Any:
        """Run a command that prints JSON."""
        command = [sys.executable, "-m", "deployments.cli", *arguments]
        ran = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=500)
        assert ran.returncode == 0, f"{arguments} ended with {ran.returncode}:\n{ran.stdout}\n{ran.stderr}"
        return json.loads(ran.stdout), ran.stderr

    @property
    def settings(self) -> Settings:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it in this process
            for name, value in self.environment.items():
                patch.setenv(name, value)
            return Settings.load()


@pytest.fixture(scope="module")
def operator(
    tmp_path_factory: pytest.TempPathFactory, free_ports: Callable[[int], list[int]], with_tables: Callable[[Path], Path]
) -> Iterator[Operator]:
    from sklearn.datasets import load_breast_cancer

    folder = tmp_path_factory.mktemp("operator")
    bunch = load_breast_cancer(as_frame=True)
    rows = bunch.frame.assign(diagnosis=bunch.target.map(dict(enumerate(bunch.target_names)))).drop(columns="target")
    rows.to_csv(folder / "breast_cancer.csv", index=False)
    checksum = hashlib.sha256((folder / "breast_cancer.csv").read_bytes()).hexdigest()
    prefect, mlflow, gateway, one, other, *taken = free_ports(5 + len(catalogue()))
    with_tables(folder / "home")
    (folder / "models").mkdir()
    for name, text, port in (("breast_cancer", BREAST_CANCER, one), ("breast_cancer_bagged", BAGGED, other)):
        text = text.replace("ROWS", str(folder / "breast_cancer.csv")).replace("SHA256", checksum).replace("PORT", str(port))
        (folder / "models" / f"{name}.py").write_text(text)
    left_out = ("SLIPWAY_", "PREFECT_", "MLFLOW_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)} | {
        "SLIPWAY_HOME": str(folder / "home"),
        "SLIPWAY_MODELS": str(folder / "models"),
        "SLIPWAY_PREFECT_PORT": str(prefect),
        "SLIPWAY_MLFLOW_PORT": str(mlflow),
        "SLIPWAY_GATEWAY_PORT": str(gateway),
        "SLIPWAY_MODEL_PORTS": json.dumps(dict(zip(catalogue(), taken, strict=True))),
    }
    person = Operator(environment, folder / "models")
    try:
        yield person
    finally:
        subprocess.run([sys.executable, "-m", "deployments.cli", "down"], env=environment, check=True, capture_output=True)


@pytest.fixture(scope="module")
def released(operator: Operator) -> tuple[dict[str, Any], str]:
    """How each release ended, and what they logged; they tune in two processes."""
    ended, logged = operator.slipway("fleet", *MODELS, "--trials", "4", "--jobs", "2", "--json")
    return {entry["model"]: entry for entry in ended["entries"]}, logged


@pytest.fixture(scope="module")
def rows(operator: Operator) -> Rows:
    """The rows as the release splits them."""
    spec = runpy.run_path(str(operator.models / "breast_cancer.py"))["MODEL"]
    return split(spec, validate(spec, operator.models.parent / "breast_cancer.csv"))


def test_it_is_listed_with_the_projects_own(operator: Operator) -> None:
    listed, _ = operator.slipway("models", "--json")

    assert [model["name"] for model in listed] == sorted([*catalogue(), *MODELS])


@pytest.mark.parametrize("model", MODELS)
def test_it_is_promoted_and_stands_in_the_history(operator: Operator, released: tuple[dict[str, Any], str], model: str) -> None:
    ended, _ = released
    entries, _ = operator.slipway("history", model, "--json")

    assert (ended[model]["outcome"], ended[model]["version"]) == ("promoted", 1)
    assert [(entry["event"], entry["version"], entry["aliases"]) for entry in entries] == [("promoted", 1, ["champion"])]
    assert entries[0]["metrics"]["roc_auc"] == ended[model]["figure"] >= 0.95
    assert entries[0]["sample"] is False


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize("model", MODELS)
def test_its_endpoint_answers_every_test_row_as_mlflows_model_does(
    operator: Operator, rows: Rows, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    settings, (listed, _) = operator.settings, operator.slipway("models", "--json")
    listing = next(one for one in listed if one["name"] == model)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.tracking)
    mlflow.set_tracking_uri(settings.tracking)
    mlflow.set_registry_uri(settings.tracking)
    key = settings.api_key
    assert key is not None

    answered = httpx.post(
        f"http://{LOOPBACK}:{listing['port']}/invocations",
        json={"dataframe_split": rows.test.to_dict(orient="split", index=False)},
        headers={"Authorization": f"Bearer {key.get_secret_value()}"},
        timeout=60.0,
    )

    expected = mlflow.pyfunc.load_model(f"models:/{listing['registered_as']}@champion").predict(rows.test)
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)
    predictions = answered.json()["predictions"]
    assert predictions == pd.Series(expected).tolist()
    assert len(predictions) == 143  # a quarter of 569
    assert (pd.Series(predictions, index=rows.test.index) == rows.test_labels).mean() > 0.9


def test_the_bagged_trees_are_served_as_the_pipeline_itself_and_the_log_says_what_that_costs(
    operator: Operator, released: tuple[dict[str, Any], str]
) -> None:
    installed = operator.settings.bundles.glob("*/*/contract.json")
    engines = {path.parents[1].name: json.loads(path.read_text())["engine"] for path in installed}

    assert engines == {"breast-cancer": "linear", "breast-cancer-bagged": "pyfunc"}
    assert "breast-cancer-bagged: no smaller engine answers exactly" in released[1]


@pytest.mark.usefixtures("released")
def test_nothing_that_was_stored_is_a_pickle(operator: Operator) -> None:
    artifacts = operator.settings.mlflow_artifacts

    assert len(list(artifacts.rglob("model.skops"))) >= 3  # MLflow's two, and the one in a bundle
    assert pickles_below(artifacts) == []
    assert pickles_below(operator.settings.bundles) == []


def test_the_new_models_have_deployments_and_the_projects_own_manifest_stays_as_it_is(operator):
    shown, checked = (
        subprocess.run([sys.executable, *arguments], env=operator.environment, capture_output=True, text=True)
        for arguments in (
            ["-c", "from deployments.server.manifest import content; print(content())"],
            ["-m", "deployments.server.manifest", "--check"],
        )
    )

    assert {f"name: {name}\n" in shown.stdout for name in MODELS} == {True}
    assert checked.returncode == 1
    assert "prefect.yaml holds the project's own models only" in checked.stderr
