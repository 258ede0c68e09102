"""`slipway adopt`: a version that plain MLflow logged becomes the file of a model, which answers exactly as that version does."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import Dataset, LGBMClassifier, LGBMRegressor, train
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import LinearSVC
from typer.testing import CliRunner, Result
from xgboost import DMatrix, XGBClassifier
from xgboost import train as train_xgboost

from deployments.cli import app
from deployments.commands.adopt import undone_unless_promoted
from slipway.bundle.cells import columns_of
from slipway.bundle.compiling import compile_model
from slipway.data.validation import validate
from slipway.drafting.drafting import executed
from slipway.errors import AdoptedModelError
from slipway.settings import Settings
from slipway.spec import Category, ModelSpec, Numeric
from slipway.tracking.connection import connect
from slipway.training.pipelines import build
from tests.support.compiled import bundled

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_settings")]

BOOSTED = {"n_estimators": 20, "verbose": -1, "n_jobs": 1}
TYPES = ["collections.OrderedDict", "lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier"]
ENGINES = {
    "pipeline": "ensemble",
    "Light_Boost": "ensemble",
    "booster": "ensemble",
    "extreme": "ensemble",
    "extreme-booster": "ensemble",
    "cat": "ensemble",
    "linear": "linear",
}


def stays(rows: int = 600) -> pd.DataFrame:
    random = np.random.default_rng(5)
    table = pd.DataFrame(
        {
            "bed": random.integers(1, 400, rows),
            "age": random.integers(18, 90, rows),
            "dose": random.normal(0, 1, rows).round(2),
            "ward": random.choice(["east", "north", "west"], rows),
        }
    )
    score = table["age"] / 40 + table["dose"] + (table["ward"] == "east") + random.normal(0, 0.5, rows)
    table["cost"] = (score * 100).round(2)
    table["long"] = (score > 2).astype(int)
    table.loc[random.random(rows) < 0.1, "dose"] = np.nan
    return table


def fitted() -> dict[str, Any]:
    """What analysts log, by the name that they register it under."""
    rows = stays()
    numbers, labels, everything = rows[["age", "dose"]], rows["long"], rows[["age", "dose", "ward"]]
    prepared = make_column_transformer(
        ("passthrough", ["age", "dose"]), (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["ward"])
    )
    return {
        "pipeline": make_pipeline(prepared, LGBMClassifier(**BOOSTED)).fit(everything, labels),
        "Light_Boost": LGBMClassifier(**BOOSTED).fit(numbers, labels),
        "booster": train({"objective": "binary", "verbose": -1, "num_threads": 1}, Dataset(numbers, labels), 20),
        "extreme": XGBClassifier(n_estimators=20, n_jobs=1).fit(numbers, labels),
        "extreme-booster": train_xgboost({"objective": "binary:logistic", "nthread": 1}, DMatrix(numbers, labels), 20),
        "cat": CatBoostClassifier(iterations=20, verbose=0, allow_writing_files=False, thread_count=1).fit(numbers, labels),
        "linear": LogisticRegression().fit(rows[["age", "bed"]], labels),
        "cost": LGBMRegressor(**BOOSTED).fit(numbers, rows["cost"]),
        "cat-cost": CatBoostRegressor(iterations=20, verbose=0, allow_writing_files=False, thread_count=1).fit(numbers, rows["cost"]),
        "nameless": LogisticRegression().fit(rows[["age", "bed"]].to_numpy(), labels),
        "margins": LinearSVC().fit(rows[["age", "bed"]], labels),
        "texts": LogisticRegression().fit(rows[["age", "bed"]], labels.map({0: "short", 1: "long"})),
        "strange": make_pipeline(FunctionTransformer(shutil.which), LogisticRegression()),
    }


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose MLflow has these versions, logged as MLflow's own guide says."""
    import mlflow

    folder = tmp_path_factory.mktemp("adopted")
    stays().to_csv(folder / "stays.csv", index=False)
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as patch:
        for setting in [name for name in os.environ if name.startswith("SLIPWAY_") or name == "MLFLOW_TRACKING_URI"]:
            patch.delenv(setting)  # MLflow sets its own in this process, in an earlier test
        patch.setenv("SLIPWAY_HOME", str(folder / "home"))
        client = connect(Settings.load())
        experiment = client.create_experiment("notebook", artifact_location=str(folder / "artifacts"))
        usual: dict[str, Any] = {"name": "model", "pip_requirements": []}
        for name, model in fitted().items():
            usual["registered_model_name"] = name
            module = type(model).__module__.partition(".")[0]
            with mlflow.start_run(experiment_id=experiment):
                if module == "sklearn":
                    signature = mlflow.models.infer_signature(stays()[["age", "dose", "ward"]]) if name == "pipeline" else None
                    mlflow.sklearn.log_model(model, signature=signature, skops_trusted_types=[*TYPES, "shutil.which"], **usual)
                else:
                    getattr(mlflow, module).log_model(model, **usual)
        with mlflow.start_run(experiment_id=experiment):
            mlflow.sklearn.log_model(fitted()["linear"], **(usual | {"registered_model_name": "pickled"}), serialization_format="pickle")
        with mlflow.start_run(experiment_id=experiment):
            mlflow.pyfunc.log_model(python_model=_answer, **(usual | {"registered_model_name": "code"}))
    return folder


def _answer(model_input: list[str]) -> list[str]:
    return model_input


@pytest.fixture
def home(logged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SLIPWAY_HOME", str(logged / "home"))
    monkeypatch.chdir(logged)
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def adopt(home: Path, version: str, *more: str, rows: str = "stays.csv", target: str = "long") -> Result:
    return CliRunner().invoke(app, ["adopt", version, "--rows", rows, "--target", target, "--draft", "--to", str(home), *more])


def model_of(path: Path) -> ModelSpec:
    return executed(path.read_text(), path.stem.replace("_", "-"), path)


def answers_of(spec: ModelSpec, folder: Path, rows: pd.DataFrame) -> tuple[str, np.ndarray]:
    """The engine, and its answers to rows."""
    case = bundled(spec, model := build(spec, {}), compile_model(spec, model), folder / "bundle")
    return case.contract.engine, case.engine.probabilities(columns_of(rows, case.contract.columns))


@pytest.mark.parametrize("name", ENGINES)
def test_what_was_logged_answers_the_same_from_an_engine(home: Path, logged: Path, name: str) -> None:
    found = adopt(home, f"models:/{name}/1")

    assert found.exit_code == 0, found.output
    spec = model_of(next(home.glob("*.py")))
    rows = validate(spec, logged / "stays.csv")[list(spec.columns.features)]
    engine, answers = answers_of(spec, home.parent, rows)
    model = fitted()[name]
    if name == "booster":
        expected = model.predict(rows)
    elif name == "extreme-booster":
        expected = model.predict(DMatrix(rows))
    else:
        expected = model.predict_proba(rows)[:, 1]
    assert (engine, spec.registered_as) == (ENGINES[name], name)
    assert answers[:, 1] == pytest.approx(expected, abs=1e-6 if name.startswith("extreme") else 1e-12)
    assert build(spec, {}).fit(rows, rows["age"]).predict_proba(rows)[:, 1] == pytest.approx(expected, abs=1e-6)  # `fit` trains nothing


@pytest.mark.parametrize("name", ["cost", "cat-cost"])
def test_a_number_too(home: Path, logged: Path, name: str) -> None:
    assert adopt(home, f"models:/{name}/1", target="cost").exit_code == 0

    spec = model_of(next(home.glob("*.py")))
    rows = validate(spec, logged / "stays.csv")[list(spec.columns.features)]
    _, answers = answers_of(spec, home.parent, rows)
    assert answers[:, 0] == pytest.approx(fitted()[name].predict(rows), abs=1e-9)


def test_the_columns_are_those_of_the_version_with_the_ranges_of_the_rows(home: Path) -> None:
    found = adopt(home, "models:/pipeline/1")

    spec = model_of(home / "pipeline.py")
    assert list(spec.columns.features) == ["age", "dose", "ward"]
    assert spec.columns.features["age"] == Numeric(0, 180, "", "Age", integer=True)
    assert spec.columns.features["dose"].missing
    assert spec.columns.features["ward"] == Category(("east", "north", "west"), "Ward")
    assert spec.columns.excluded == {"bed": "pipeline does not take it", "cost": "pipeline does not take it"}
    assert spec.trusted == ("lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier")
    assert "only you can say: Did models:/pipeline/1 learn from these rows? Then its figures here are better than it is." in found.stdout
    assert json.loads(adopt(home, "models:/pipeline/1", "--json").stdout)["columns"] == ["age", "dose", "ward"]


def test_adopted_again_what_a_person_has_filled_in_stays(home: Path) -> None:
    adopt(home, "models:/linear/1")
    path = home / "linear.py"
    path.write_text(path.read_text().replace("TODO: what linear is for, and who decides by its answers.", "Planning beds."))

    again = adopt(home, "models:/linear/1")

    assert again.exit_code == 0, again.output
    assert model_of(path).card.intended_use == "Planning beds."
    assert build(model_of(path), {})  # the checksum is that of the file beside it


def test_the_next_version_brings_its_rows(home: Path, logged: Path) -> None:
    adopt(home, "models:/linear/1")
    before = model_of(home / "linear.py").dataset
    stays(700).to_csv(logged / "newer.csv", index=False)

    assert adopt(home, "models:/linear/1", rows="newer.csv").exit_code == 0

    after = model_of(home / "linear.py").dataset
    assert (before.file, after.file) == ("stays.csv", "newer.csv")
    assert after.sha256 == hashlib.sha256((logged / "newer.csv").read_bytes()).hexdigest()


@pytest.mark.parametrize("version", ["models:/nameless/1", "models:/Light_Boost/1"])
def test_a_version_of_another_model_or_of_other_columns_leaves_the_file(home: Path, version: str) -> None:
    adopt(home, "models:/linear/1")
    path = home / "linear.py"
    before = path.read_text()

    found = adopt(home, version, "--name", "linear", *(["--columns", "age,bed"] if "nameless" in version else []))

    assert found.exit_code == 3, found.output
    assert path.read_text() == before
    path.write_text(before.replace('"bed"', '"floor"'))
    assert adopt(home, "models:/linear/1").exit_code == 3


def test_a_file_that_cannot_be_read_is_left_and_said(home: Path) -> None:
    (home / "linear.py").write_text("MODEL = (")

    found = adopt(home, "models:/linear/1")

    assert found.exit_code == 1
    assert "linear.py is there, and cannot be read: SyntaxError" in found.output
    assert (home / "linear.py").read_text() == "MODEL = ("


def test_the_files_are_as_before_if_the_next_version_is_refused(tmp_path: Path) -> None:
    path, stored = tmp_path / "stays.py", tmp_path / "stays.skops"
    before = {path: b"version 1", stored: b"model 1"}

    for status, kept in ((3, b"version 1"), (0, b"version 2")):
        path.write_bytes(b"version 2")
        stored.write_bytes(b"model 2")
        with pytest.raises(typer.Exit), undone_unless_promoted(path, before):
            raise typer.Exit(status)
        assert path.read_bytes() == kept
        assert stored.read_bytes() == (b"model 1" if status else b"model 2")


def test_the_file_of_another_model_is_left_as_it_is(home: Path) -> None:
    (home / "linear.py").write_text("MODEL = None\n")

    found = adopt(home, "models:/linear/1")

    assert found.exit_code == 3
    assert "is of another model, or has other columns, and is as it was; --yes replaces it, --name chooses another name" in found.output
    assert (home / "linear.py").read_text() == "MODEL = None\n"
    assert not (home / "linear.skops").exists()


@pytest.mark.parametrize(
    ("version", "more", "target", "message"),
    [
        ("models:/linear", (), "long", "'models:/linear' is no version of a registered model: expected models:/NAME/VERSION"),
        ("models:/linear/9", (), "long", "linear has the versions [1]"),
        ("models:/linear@champion", (), "long", "models:/linear@champion is not there"),
        ("models:/churn/1", (), "long", "MLflow has no registered model 'churn'"),
        ("models:/pickled/1", (), "long", "models:/pickled/1 is stored as a pickle (model.pkl), which runs any code when it is read"),
        ("models:/code/1", (), "long", "models:/code/1 was logged as python_function; `slipway adopt` reads sklearn, lightgbm, xgboost"),
        ("models:/strange/1", (), "long", "contains the types ['shutil.which']"),
        ("models:/nameless/1", (), "long", "models:/nameless/1 names no columns"),
        ("models:/nameless/1", ("--columns", "age,bed,dose"), "long", "models:/nameless/1 takes 2 columns, received 3 names"),
        ("models:/linear/1", (), "age", "takes the column 'age', which is the one to predict"),
        ("models:/linear/1", (), "ward", "answers the classes [0, 1], and column 'ward' has ['east', 'north', 'west']"),
        ("models:/linear/1", (), "cost", "answers the classes [0, 1], and column 'cost' has too many values"),
        ("models:/texts/1", (), "long", "answers the classes ['long', 'short'], and column 'long' has [0, 1]"),
        ("models:/margins/1", ("--columns", "age,bed"), "long", "is a LinearSVC that gives no probabilities"),
        ("models:/cost/1", (), "ward", "predicts a number, and column 'ward' has texts"),
        ("models:/linear/1", ("--name", "heart-failure"), "long", "the catalogue has a model 'heart-failure' already"),
        ("models:/linear/1", ("--name", "Linear"), "long", "'Linear' cannot be a model's name"),
    ],
)
def test_what_cannot_be_adopted_is_refused_and_nothing_is_written(
    home: Path, version: str, more: tuple[str, ...], target: str, message: str
) -> None:
    found = adopt(home, version, *more, target=target)

    assert found.exit_code == 1, found.output
    assert message in found.output.replace("\n", " ")
    assert list(home.iterdir()) == []


def test_columns_that_the_rows_do_not_have_are_named(home: Path, logged: Path) -> None:
    stays().rename(columns={"dose": "Dose"}).to_csv(logged / "renamed.csv", index=False)

    found = adopt(home, "models:/pipeline/1", rows="renamed.csv")

    assert "takes the columns age, dose, ward, and the table has no 'dose'. Did you mean 'Dose'" in found.output.replace("\n", " ")


def test_a_type_that_a_person_trusts_is_loaded_and_named_in_the_file(home: Path) -> None:
    found = adopt(home, "models:/strange/1", "--trust", "shutil.which", "--columns", "age,bed")

    assert "contains the types" not in found.output


def test_a_pickle_is_read_apart_and_answers_as_before(home: Path, logged: Path) -> None:
    found = adopt(home, "models:/pickled/1", "--trust-pickle")

    assert found.exit_code == 0, found.output
    spec = model_of(home / "pickled.py")
    rows = validate(spec, logged / "stays.csv")[["age", "bed"]]
    engine, answers = answers_of(spec, home.parent, rows)
    assert engine == "linear"
    assert answers == pytest.approx(fitted()["linear"].predict_proba(rows), abs=1e-12)


def test_names_of_columns_can_be_given(home: Path) -> None:
    assert adopt(home, "models:/nameless/1", "--columns", "age,bed").exit_code == 0

    assert list(model_of(home / "nameless.py").columns.features) == ["age", "bed"]


def test_a_stored_model_that_was_exchanged_or_is_gone_is_not_read(home: Path) -> None:
    adopt(home, "models:/linear/1")
    spec, stored = model_of(home / "linear.py"), home / "linear.skops"

    stored.write_bytes(stored.read_bytes() + b" ")
    found = CliRunner().invoke(app, ["check", str(home / "linear.py")])
    assert re.search(r"linear\.py:\d+: linear: .*linear\.skops is not the file that was adopted", found.stdout.replace("\n", " ")), (
        found.output
    )
    with pytest.raises(AdoptedModelError, match="is not the file that was adopted: expected sha256"):
        build(spec, {})
    stored.unlink()
    with pytest.raises(AdoptedModelError, match=r"linear\.skops cannot be read .*put it back, or adopt the version again"):
        build(spec, {})


def test_a_lost_artifact_is_said(home: Path, logged: Path) -> None:
    stored = list((logged / "artifacts").rglob("model.skops"))
    for path in stored:
        path.rename(path.with_suffix(".lost"))
    try:
        found = adopt(home, "models:/linear/1")
    finally:
        for path in stored:
            path.with_suffix(".lost").rename(path)

    assert found.exit_code == 1
    assert "models:/linear/1: its files cannot be read" in found.output.replace("\n", " ")
