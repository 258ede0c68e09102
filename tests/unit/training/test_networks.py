"""Keras networks: trained, stored and compiled like any other model."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from slipway.bundle.engine import open_engine
from slipway.bundle.parity import TOLERANCE
from slipway.bundle.reading import read
from slipway.catalogue import lookup
from slipway.data.samples import generate
from slipway.data.validation import validate
from slipway.records import Candidate, Snapshot, Tuned
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking.registration import register
from slipway.training.networks import ConvolutionalNetwork
from slipway.training.splitting import Rows, split

pytestmark = pytest.mark.slow

RANDOM = np.random.default_rng(5)
NUMBERS = RANDOM.normal(size=(300, 12)).astype(np.float32)
NAMES = np.where(NUMBERS[:, :3].sum(axis=1) > 0, "yes", "no")
QUICK = ConvolutionalNetwork(filters=4, learning_rate=5e-2, epochs=8, patience=8, batch_size=16, random_state=1)


@pytest.fixture(scope="module")
def network() -> ConvolutionalNetwork:
    return clone(QUICK).fit(NUMBERS, NAMES)


def test_a_network_learns_and_names_its_classes(network: ConvolutionalNetwork) -> None:
    assert network.classes_.tolist() == ["no", "yes"]
    assert (network.predict(NUMBERS) == NAMES).mean() > 0.9
    np.testing.assert_allclose(network.predict_proba(NUMBERS).sum(axis=1), 1.0, rtol=1e-12)


def test_the_same_seed_gives_the_same_network_and_another_one_another(network: ConvolutionalNetwork) -> None:
    again, other = clone(QUICK).fit(NUMBERS, NAMES), clone(QUICK).set_params(random_state=2).fit(NUMBERS, NAMES)

    assert np.array_equal(again.predict_proba(NUMBERS), network.predict_proba(NUMBERS))
    assert not np.array_equal(other.predict_proba(NUMBERS), network.predict_proba(NUMBERS))


def test_balance_predicts_a_rare_class_more_often() -> None:
    rare = np.where(NUMBERS[:, 0] + RANDOM.normal(size=300) > 1.8, "yes", "no")  # one in ten, and noise over it
    short = clone(QUICK).set_params(learning_rate=2e-2, epochs=10)
    called = [(clone(short).set_params(balance=balance).fit(NUMBERS, rare).predict(NUMBERS) == "yes").sum() for balance in (0.0, 1.0)]

    assert called[0] < called[1]


def test_the_exported_graph_answers_like_the_network(network: ConvolutionalNetwork) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(network.to_onnx(), providers=["CPUExecutionProvider"])
    (answered,) = session.run(None, {session.get_inputs()[0].name: NUMBERS})

    np.testing.assert_allclose(answered, network.predict_proba(NUMBERS), rtol=0, atol=TOLERANCE)


def test_exporting_leaves_the_loggers_as_they_were(network: ConvolutionalNetwork, caplog: pytest.LogCaptureFixture) -> None:
    import logging

    before = list(logging.getLogger().handlers)
    network.to_onnx()

    assert logging.getLogger().handlers == before
    assert not [record for record in caplog.records if "tf2onnx" in record.pathname]


@pytest.fixture(scope="module")
def students(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelSpec, Snapshot, Rows]:
    spec = lookup("student-dropout-cnn")
    snapshot = generate(spec, tmp_path_factory.mktemp("students"))
    return spec, snapshot, split(spec, validate(spec, snapshot.path))


@pytest.fixture(scope="module")
def registered(
    students: tuple[ModelSpec, Snapshot, Rows], tmp_path_factory: pytest.TempPathFactory, with_mlflow: Callable[[Path], Path]
) -> Iterator[tuple[Candidate, Settings]]:
    spec, snapshot, rows = students
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("MLFLOW_TRACKING_URI", raising=False)
        settings = Settings(home=with_mlflow(tmp_path_factory.mktemp("home")), tracking_uri=None)
        parameters = {"filters": 8, "kernel_size": 3, "epochs": 4}
        tuned = Tuned(
            model=spec.name, study="by-hand", parameters=parameters, score=0.8, metric="accuracy", trials=1, folds=5, repeats=1, seed=42
        )
        yield register(spec, snapshot, rows, tuned, settings), settings


def test_mlflow_the_bundle_and_the_measured_model_agree_on_every_test_row(
    students: tuple[ModelSpec, Snapshot, Rows], registered: tuple[Candidate, Settings], tmp_path: Path
) -> None:
    import mlflow

    (_, _, rows), (candidate, _) = students, registered
    stored = mlflow.pyfunc.load_model(f"models:/model_conv_network/{candidate.version}").predict(rows.test)
    bundle = read(Path(mlflow.artifacts.download_artifacts(candidate.bundle, dst_path=str(tmp_path))))
    answered = bundle.contract.output.labels(
        open_engine(bundle).probabilities({name: rows.test[name].tolist() for name in rows.test.columns})
    )

    assert bundle.contract.engine == "network"
    assert set(answered) <= {"Dropout", "Enrolled", "Graduate"}
    assert list(stored) == answered
    hits = sum(label == truth for label, truth in zip(answered, rows.test_labels, strict=True))
    assert hits / len(answered) == pytest.approx(candidate.metrics["accuracy"])


def test_mlflow_keeps_the_network_as_keras_does_and_nothing_pickled(registered: tuple[Candidate, Settings]) -> None:
    import mlflow

    candidate, settings = registered
    names = {path.name for path in (settings.home / "mlflow").rglob("*")}

    assert {"network.keras", "preparation.skops", "answers.json", "network_code.py"} <= names
    assert not {name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))}
    assert mlflow.models.get_model_info(f"models:/model_conv_network/{candidate.version}").signature is not None


@pytest.fixture
def stored(registered: tuple[Candidate, Settings], tmp_path: Path) -> Path:
    """A copy of what MLflow keeps of the network, for the test to damage."""
    import mlflow

    return Path(mlflow.artifacts.download_artifacts(f"models:/model_conv_network/{registered[0].version}", dst_path=str(tmp_path)))


def test_a_network_with_code_in_its_file_is_refused(stored: Path) -> None:
    import keras
    import mlflow

    (file,) = stored.rglob("network.keras")
    layers = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda rows: rows + 1)])
    layers.save(file)

    with pytest.raises(Exception, match="safe_mode"):
        mlflow.pyfunc.load_model(str(stored))


@pytest.mark.parametrize("name", ["network.keras", "preparation.skops"])
def test_a_network_that_expands_to_gigabytes_is_refused_before_it_is_expanded(stored: Path, name: str) -> None:
    import mlflow

    (file,) = stored.rglob(name)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("more", b"")
        archive.infolist()[-1].file_size = 1 << 30  # what its entry says, and as much as zipfile would expand of it

    with pytest.raises(ValueError, match=f"{name}: expected to expand to at most 1,073,741,824 bytes"):
        mlflow.pyfunc.load_model(str(stored))


def test_two_models_of_one_data_set_share_rows_and_columns() -> None:
    one, other = lookup("student-dropout-cnn"), lookup("student-dropout-svm")

    assert one.columns is other.columns
    assert one.dataset is other.dataset
    assert one.split is other.split
