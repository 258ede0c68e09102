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
import numpy as np
import pandas as pd
import pytest

from slipway.bundle.cells import columns_of
from slipway.bundle.compiling import contract_columns
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
NEAREST = '''
"""The same by neighbours in a ball tree, which no engine but scikit-learn itself answers exactly."""

from dataclasses import replace

from optuna.distributions import IntDistribution
from sklearn.neighbors import KNeighborsClassifier

from slipway.models.breast_cancer import MODEL as BREAST_CANCER
from slipway.spec import Gate

MODEL = replace(
    BREAST_CANCER,
    name="breast-cancer-nearest",
    registered_as="breast_cancer_nearest",
    estimator=KNeighborsClassifier(algorithm="ball_tree"),
    search_space={"n_neighbors": IntDistribution(6, 12)},
    gate=Gate(floor=0.95, milliseconds=1_000),
    port=PORT,
)
'''
WARD = '''
"""Whether a patient stays longer than a week; most columns have gaps, and dates are written as in Spain."""

from optuna.distributions import CategoricalDistribution, FloatDistribution
from sklearn.linear_model import LogisticRegression

from slipway.spec import (
    Boolean, Category, Columns, Dataset, Date, Gate, Lookup, ModelSpec, Numeric, Ratio, Split, Target, Watch,
)

MODEL = ModelSpec(
    name="long-stay",
    registered_as="long_stay_logistic",
    description="Whether a patient stays longer than a week.",
    dataset=Dataset(origin="ROWS", sha256="SHA256", file="long_stay.csv"),
    columns=Columns(
        features={
            "age": Numeric(0, 120, "years", "Age", integer=True, missing=True),
            "lactate": Numeric(unit="mmol/l", description="Lactate, where it was measured", missing=True),
            "smoker": Boolean("Whether the patient smokes", missing=True),
            "urgent": Boolean("Whether the admission was urgent"),
            "triage": Category(("red", "yellow", "green"), "Triage", missing=True, ordered=True),
            "province": Category(("Sevilla", "Huelva", "Cádiz"), "Province of residence", other=True),
            "admitted": Date("Admission", ("month", "weekday", "hour"), since="referred", format="%d/%m/%Y %H:%M", time=True),
            "referred": Date("Referral, if there was one", parts=(), missing=True, format="%d/%m/%Y"),
        },
        target=Target("long", {"no": "a week or less", "yes": "longer"}, positive="yes"),
        excluded={"note": "another model reads it"},
        derived={
            "load": Ratio("lactate", "age"),
            "beds": Lookup("province", {"Sevilla": 4_200, "Huelva": 1_100, "Cádiz": None, "Lugo": 900}),
        },
        weight="stands for",
    ),
    split=Split(test=0.25, seed=7, stratify=True),
    estimator=LogisticRegression(max_iter=1_000),
    search_space={
        "C": FloatDistribution(1e-2, 1e1, log=True),
        "preparation.missing": CategoricalDistribution(["median", "mean"]),
        "preparation.indicator": CategoricalDistribution([True, False]),
    },
    metric="roc_auc",
    slices={"triage": (), "smoker": (), "province": (), "age": (40.0, 65.0)},
    gate=Gate(floor=0.6),
    watch=Watch(rows=100, minimum=50),
    port=PORT,
)
'''
NOTES = '''
"""The same with what the ward writes, by the components of its words: only scikit-learn itself counts them."""

from dataclasses import replace

from optuna.distributions import FloatDistribution, IntDistribution
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from slipway.models.long_stay import MODEL as LONG_STAY
from slipway.spec import Columns, Gate, Text

MODEL = replace(
    LONG_STAY,
    name="long-stay-notes",
    registered_as="long_stay_notes",
    columns=Columns(
        features={**LONG_STAY.columns.features, "note": Text("Note of the ward", width=4_096, missing=True, longest=500)},
        target=LONG_STAY.columns.target,
        weight=LONG_STAY.columns.weight,
    ),
    estimator=make_pipeline(TruncatedSVD(8), LogisticRegression(max_iter=1_000)),
    search_space={
        "truncatedsvd__n_components": IntDistribution(6, 12),
        "logisticregression__C": FloatDistribution(1e-2, 1e1, log=True),
    },
    gate=Gate(floor=0.6, milliseconds=1_000),
    port=PORT,
)
'''
MODELS = ("breast-cancer", "breast-cancer-nearest", "long-stay", "long-stay-notes")
BREAST_CANCERS = MODELS[:2]


def stays(count: int) -> pd.DataFrame:
    """Patients as a hospital exports them: every fifth cell is empty, true and false are spelt in three ways, and rows have weights."""
    random = np.random.default_rng(5)

    def gaps(cells: Any) -> Any:
        return pd.Series(cells, dtype=object).where(random.random(count) >= 0.2)

    age, lactate, urgent = random.integers(18, 95, count), random.gamma(2, 1, count).round(2), random.random(count) < 0.5
    province = random.choice(["Sevilla", "Huelva", "Cádiz", "Lugo", "Vigo"], count, p=[0.4, 0.2, 0.2, 0.1, 0.1])
    admitted = pd.Series(pd.Timestamp("2025-01-01") + pd.to_timedelta(random.integers(0, 525_600, count), unit="min"))
    waited = random.integers(0, 60, count)
    score = waited / 30 + age / 30 + lactate + urgent + (province == "Lugo") + random.normal(0, 0.7, count)
    long = score > np.median(score)
    says = ["Sepsis, niño; dolor", "Fiebre y tos.\nControl", 'dice "bien": alta']
    notes = [" ".join(random.choice(says, 1 + random.integers(4), p=[0.7, 0.2, 0.1] if ill else [0.1, 0.2, 0.7])) for ill in long]
    return pd.DataFrame(
        {
            "age": gaps(age),
            "lactate": gaps(lactate),
            "smoker": gaps(random.choice(["yes", "no", "1"], count)),
            "urgent": np.where(urgent, "true", "false"),
            "triage": gaps(random.choice(["red", "yellow", "green"], count)),
            "province": province,
            "admitted": admitted.dt.strftime("%d/%m/%Y %H:%M"),
            "referred": gaps((admitted - pd.to_timedelta(waited, unit="D")).dt.strftime("%d/%m/%Y")),
            "note": gaps(notes),
            "long": np.where(long, "yes", "no"),
            "stands for": random.integers(1, 9, count) / 2,
        }
    )


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
    stays(600).to_csv(folder / "long_stay.csv", index=False)
    prefect, mlflow, gateway, one, other, third, fourth, *taken = free_ports(7 + len(catalogue()))
    with_tables(folder / "home")
    (folder / "models").mkdir()
    models = (
        ("breast_cancer", BREAST_CANCER, one),
        ("breast_cancer_nearest", NEAREST, other),
        ("long_stay", WARD, third),
        ("long_stay_notes", NOTES, fourth),
    )
    for name, text, port in models:
        table = folder / f"{name.removesuffix('_nearest').removesuffix('_notes')}.csv"
        checksum = hashlib.sha256(table.read_bytes()).hexdigest()
        text = text.replace("ROWS", str(table)).replace("SHA256", checksum).replace("PORT", str(port))
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


def ask(operator: Operator, model: str, **body: Any) -> httpx.Response:
    """Send a body to the model's own port, in MLflow's protocol."""
    port = {one["name"]: one["port"] for one in operator.slipway("models", "--json")[0]}[model]
    key = operator.settings.api_key
    assert key is not None
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} | body.pop("headers", {})
    return httpx.post(f"http://{LOOPBACK}:{port}/invocations", headers=headers, timeout=60.0, **body)


def of_mlflow(operator: Operator, model: str, rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the answers of MLflow's model of the version in service."""
    import mlflow

    tracking = operator.settings.tracking
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking)
    mlflow.set_tracking_uri(tracking)
    mlflow.set_registry_uri(tracking)
    registered_as = {one["name"]: one["registered_as"] for one in operator.slipway("models", "--json")[0]}[model]
    answered = mlflow.pyfunc.load_model(f"models:/{registered_as}@champion").predict(rows)
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)
    return list(pd.Series(answered))


@pytest.fixture(scope="module")
def patients(operator: Operator) -> pd.DataFrame:
    """Every row of the hospital's file as a program sends it: null for an empty cell, true and false."""
    spec = runpy.run_path(str(operator.models / "long_stay.py"))["MODEL"]
    rows = validate(spec, operator.models.parent / "long_stay.csv")
    return pd.DataFrame(columns_of(rows, contract_columns(spec)), dtype=object)


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
    assert entries[0]["metrics"]["roc_auc"] == ended[model]["figure"] >= (0.95 if model in BREAST_CANCERS else 0.6)
    assert entries[0]["sample"] is False


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize("model", BREAST_CANCERS)
def test_its_endpoint_answers_every_test_row_as_mlflows_model_does(
    operator: Operator, rows: Rows, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = ask(operator, model, json={"dataframe_split": rows.test.to_dict(orient="split", index=False)})

    predictions = answered.json()["predictions"]
    assert predictions == of_mlflow(operator, model, rows.test, monkeypatch)
    assert len(predictions) == 143  # a quarter of 569
    assert (pd.Series(predictions, index=rows.test.index) == rows.test_labels).mean() > 0.9


@pytest.mark.usefixtures("released")
def test_rows_with_gaps_are_answered_as_mlflows_model_does_however_a_gap_is_written(
    operator: Operator, patients: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = of_mlflow(operator, "long-stay", patients, monkeypatch)
    records = patients.to_dict(orient="records")
    without = [{name: cell for name, cell in record.items() if cell is not None} for record in records]
    text = json.dumps({"dataframe_records": records}).replace("null", "NaN")
    written = patients.to_csv(index=False)

    answers = [
        ask(operator, "long-stay", json={"dataframe_split": patients.to_dict(orient="split", index=False)}),
        ask(operator, "long-stay", json={"dataframe_records": records}),
        ask(operator, "long-stay", json={"dataframe_records": without}),
        ask(operator, "long-stay", content=text, headers={"Content-Type": "application/json"}),
        ask(operator, "long-stay", content=written.encode(), headers={"Content-Type": "text/csv"}),
    ]

    assert patients.isna().sum().sum() > 400
    assert {"Lugo", "Vigo"} <= set(patients["province"])
    assert set(expected) == {"yes", "no"}
    assert [answer.json()["predictions"] for answer in answers] == [expected] * 5


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"age": 40.5}, "expected a whole number from 0 to 120 (years), or null, received 40.5"),
        ({"smoker": "yes"}, 'expected true or false, or null, received "yes"'),
        ({"urgent": None}, "expected true or false, received nothing (null, NaN or an empty cell)"),
        ({"triage": "blue"}, "expected one of 'red', 'yellow', 'green', or null, received \"blue\""),
        ({"province": ""}, 'expected a text, received ""'),
        ({"referred": "31/12/2025"}, 'expected a date such as 2026-11-29, or null, received "31/12/2025"'),
        ({"admitted": "2025-12-31T10:30Z"}, 'such as 2026-11-29T10:30:00, received "2025-12-31T10:30Z"'),
        ({"age of the patient": 3}, "row 0, column 'age of the patient': expected only the columns age, lactate"),
    ],
)
def test_a_cell_that_is_neither_a_value_nor_a_gap_is_refused(
    operator: Operator, patients: pd.DataFrame, changes: dict[str, Any], message: str
) -> None:
    answered = ask(operator, "long-stay", json={"dataframe_records": [patients.iloc[0].to_dict() | changes]})

    assert answered.status_code == 400
    assert message in answered.json()["message"]


@pytest.mark.drill
@pytest.mark.usefixtures("released")
def test_a_file_with_gaps_is_scored_and_the_log_gives_the_watch_its_gaps(operator: Operator, patients: pd.DataFrame) -> None:
    folder = operator.models.parent
    served = patients.assign(lactate=None).head(300)  # the laboratory has stopped: no other cell has changed
    served.to_csv(folder / "served.csv", index=False)
    operator.slipway(
        "score", "long-stay", str(folder / "served.csv"), "--to", str(folder / "scored.csv"), "--through", "endpoint", "--json"
    )
    scored = pd.read_csv(folder / "scored.csv")

    found, _ = operator.slipway("watch", "long-stay", "--json")

    window = [window for window in found["windows"] if window["kind"] == "served"][-1]  # the rows before are as they were learnt from
    drifted = [column["column"] for column in window["drift"]["columns"] if column["drifted"]]
    assert len(scored) == 300
    assert drifted == ["lactate is missing"]


@pytest.fixture(scope="module")
def notes(operator: Operator, patients: pd.DataFrame) -> pd.DataFrame:
    """The same patients with their notes, None for a missing one."""
    written = pd.read_csv(operator.models.parent / "long_stay.csv", dtype=str)["note"].astype(object)
    return patients.assign(note=written.where(written.notna(), None))


@pytest.mark.usefixtures("released")
def test_texts_are_answered_as_mlflows_model_does_and_a_text_that_is_too_long_is_refused(
    operator: Operator, notes: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = of_mlflow(operator, "long-stay-notes", notes, monkeypatch)
    records = notes.to_dict(orient="records")
    emptied = [record | {"note": record["note"] or ""} for record in records]
    written = notes.to_csv(index=False)

    answers = [
        ask(operator, "long-stay-notes", json={"dataframe_split": notes.to_dict(orient="split", index=False)}),
        ask(operator, "long-stay-notes", json={"dataframe_records": records}),
        ask(operator, "long-stay-notes", json={"dataframe_records": emptied}),
        ask(operator, "long-stay-notes", content=written.encode(), headers={"Content-Type": "text/csv"}),
    ]
    refused = ask(operator, "long-stay-notes", json={"dataframe_records": [records[0] | {"note": "x" * 501}]})

    assert 60 < notes["note"].isna().sum() < 180
    assert set(expected) == {"yes", "no"}
    assert [answer.json()["predictions"] for answer in answers] == [expected] * 4
    assert refused.status_code == 400
    assert "column 'note': expected a text of 1 to 500 characters, or null, received 501 characters" in refused.json()["message"]


@pytest.mark.drill
@pytest.mark.usefixtures("released")
def test_a_file_with_texts_is_scored_and_the_watch_finds_the_words_of_another_language(operator: Operator, notes: pd.DataFrame) -> None:
    folder = operator.models.parent
    served = notes.assign(note=notes["note"].where(notes["note"].isna(), "no further complaints, home tomorrow")).head(300)
    served.to_csv(folder / "english.csv", index=False)
    operator.slipway(
        "score", "long-stay-notes", str(folder / "english.csv"), "--to", str(folder / "answered.csv"), "--through", "endpoint", "--json"
    )

    found, _ = operator.slipway("watch", "long-stay-notes", "--json")

    window = [window for window in found["windows"] if window["kind"] == "served"][-1]
    drifted = {column["column"] for column in window["drift"]["columns"] if column["drifted"]}
    assert len(pd.read_csv(folder / "answered.csv")) == 300
    assert "new words in note" in drifted <= {"words in note", "new words in note"}


def test_the_neighbours_are_served_as_the_pipeline_itself_and_the_log_says_what_that_costs(
    operator: Operator, released: tuple[dict[str, Any], str]
) -> None:
    installed = operator.settings.bundles.glob("*/*/contract.json")
    engines = {path.parents[1].name: json.loads(path.read_text())["engine"] for path in installed}

    assert engines == {"breast-cancer": "linear", "breast-cancer-nearest": "pyfunc", "long-stay": "linear", "long-stay-notes": "pyfunc"}
    assert "breast-cancer-nearest: no smaller engine answers exactly" in released[1]


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
