"""What MLflow stores of a release, in a real database: everything about the run, nothing unsafe, and which version is champion."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import time
import traceback
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from lightgbm import LGBMClassifier
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LogisticRegression

from slipway.bundle.engine import by_column, open_engine
from slipway.bundle.reading import Bundle
from slipway.bundle.store.active import active, install
from slipway.errors import ParityError, RegistryUnavailableError, ReleaseInProgressError, ServingError, StorageError, UnsafeModelError
from slipway.lifecycle import mirroring, promotion
from slipway.lifecycle.ledger import Ledger
from slipway.lifecycle.rehearsal import rehearse
from slipway.records import Candidate, RegistryState, Snapshot, Tuned
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import mirrors, registry, runs
from slipway.tracking.connection import connect, is_away
from slipway.tracking.mirrors import Mirrors, Version
from slipway.tracking.registration import register
from slipway.tracking.unfinished import MODEL_TAG, UNFINISHED, clear_up
from slipway.training.measuring import Measured
from slipway.training.splitting import Rows

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
PICKLE = re.compile(rb"\x80[\x02-\x05]")  # how every pickle since protocol 2 begins
SECRET = "a-password-that-must-not-show"


@dataclass
class Desk:
    """Everything that registering takes, over one database; making that takes seconds, so the module shares it."""

    settings: Settings
    snapshot: Snapshot
    rows: Rows
    tuned: Tuned

    @property
    def client(self) -> MlflowClient:
        return connect(self.settings)

    def register(self, spec: ModelSpec, **options: Any) -> Candidate:
        return register(spec, self.snapshot, self.rows, self.tuned, self.settings, **options)

    def state(self, spec: ModelSpec) -> RegistryState:
        return registry.state(self.client, spec.registered_as)


@pytest.fixture(scope="module")
def desk(
    tmp_path_factory: pytest.TempPathFactory, with_mlflow: Callable[[Path], Path], snapshot: Snapshot, rows: Rows, tuned: Tuned
) -> Iterator[Desk]:
    before, folder = {**os.environ}, with_mlflow(tmp_path_factory.mktemp("registry"))
    for name in before:
        if name.startswith("SLIPWAY_") or name == "MLFLOW_TRACKING_URI":
            del os.environ[name]
    yield Desk(Settings(home=folder, gateway_port=1), snapshot, rows, tuned)  # port 1: no gateway answers
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def registered(desk: Desk, heart: ModelSpec) -> tuple[Candidate, RegistryState]:
    """Version 1 of heart-failure, and the state of the registry right after."""
    return desk.register(heart), desk.state(heart)


@pytest.fixture
def run(desk: Desk, registered: tuple[Candidate, RegistryState]) -> Any:
    return desk.client.get_run(registered[0].run_id)


def named(spec: ModelSpec, name: str) -> ModelSpec:
    """Return the same model under another name, so that a test has a registered model of its own."""
    return replace(spec, name=name, registered_as=name.replace("-", "_"))


# the run


def test_the_run_holds_parameters_and_figures(run: Any, registered: tuple[Candidate, RegistryState], measured: Measured) -> None:
    assert run.info.status == "FINISHED"
    assert run.data.params == {"C": "0.5", "preparation.zeros": "keep", "trials": "3", "folds": "5", "repeats": "3", "seed": "42"}
    assert set(measured.baselines) == {"most_frequent", "reference"}
    baselines = {f"baseline_{name}_{figure}": value for name, found in measured.baselines.items() for figure, value in found.items()}
    assert run.data.metrics == pytest.approx(measured.metrics | {"cv_accuracy": 0.87} | baselines)
    assert registered[0].metrics == measured.metrics


def test_the_run_says_which_code_and_which_rows_it_came_from(run: Any, snapshot: Snapshot) -> None:
    tags = run.data.tags

    assert tags["slipway.model"] == "heart-failure"
    assert tags["slipway.data_sha256"] == snapshot.sha256
    assert tags["slipway.data_origin"] == "sample:heart-failure"
    assert tags["slipway.sample"] == "true"
    assert "**Trained on sample rows.**" in tags["mlflow.note.content"]
    commit = tags["mlflow.source.git.commit"]
    assert tags["slipway.git_commit"] in {commit, f"{commit}-dirty"}
    if (ROOT / ".git").exists():
        kind = subprocess.run(["git", "cat-file", "-t", commit], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
        assert kind == "commit"


def test_the_run_names_training_and_test_rows_as_inputs(run: Any, snapshot: Snapshot) -> None:
    inputs = {next(tag.value for tag in given.tags if tag.key == "mlflow.data.context"): given for given in run.inputs.dataset_inputs}

    assert set(inputs) == {"training", "test"}
    for given in inputs.values():
        assert given.dataset.name == "heart-failure-sample"
        assert {tag.key: tag.value for tag in given.tags}["sha256"] == snapshot.sha256
    assert '"num_rows": 734' in inputs["training"].dataset.profile
    assert '"num_rows": 184' in inputs["test"].dataset.profile


def test_the_run_shows_pictures_evidence_and_a_card(desk: Desk, run: Any, tmp_path: Path) -> None:
    stored = Path(desk.client.download_artifacts(run.info.run_id, "", str(tmp_path)))

    assert {"confusion_matrix", "roc", "precision_recall", "calibration", "permutation_importance"} <= {
        path.stem for path in (stored / "plots").glob("*.png")
    }
    assert {path.name for path in (stored / "evidence").iterdir()} == {
        "answers.csv", "figures.json", "importance.json", "profile.json", "profile.md",
    }  # fmt: skip
    assert (stored / "card.md").read_text().startswith("# Model card: heart-failure\n")


def test_the_stored_model_has_a_signature_of_raw_columns_and_an_example(registered: tuple[Candidate, RegistryState], desk: Desk) -> None:
    connect(desk.settings)
    model = mlflow.models.get_model_info("models:/heart_failure_logistic/1")

    assert model.signature is not None
    kinds = {column["name"]: (column["type"], column["required"]) for column in model.signature.inputs.to_dict()}
    assert kinds == {
        "Age": ("long", True),
        "Sex": ("string", True),
        "ChestPainType": ("string", True),
        "RestingBP": ("long", True),
        "Cholesterol": ("long", True),
        "FastingBS": ("long", True),
        "RestingECG": ("string", True),
        "MaxHR": ("long", True),
        "ExerciseAngina": ("string", True),
        "Oldpeak": ("double", True),
        "ST_Slope": ("string", True),
    }
    assert model.signature.outputs.to_dict() == [{"type": "long", "name": "HeartDisease", "required": True}]
    assert model.saved_input_example_info is not None


def test_nothing_that_is_stored_is_a_pickle(registered: tuple[Candidate, RegistryState], desk: Desk) -> None:
    stored = {path.name: path for path in desk.settings.mlflow_artifacts.rglob("*") if path.is_file()}
    assert {"model.skops", "model.npz", "MLmodel"} <= set(stored)  # the walk saw the models

    for path in stored.values():
        content = path.read_bytes()
        assert path.suffix not in {".pkl", ".pickle", ".joblib"}
        assert not PICKLE.match(content), path.name
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for member in archive.namelist():
                    inside = archive.read(member)
                    assert not PICKLE.match(inside), member
                    if member.endswith(".npy"):
                        np.load(BytesIO(inside), allow_pickle=False)  # an array of objects would be pickled


def test_the_bundle_of_the_run_knows_its_version_and_answers_its_own_probe_rows(
    desk: Desk, registered: tuple[Candidate, RegistryState]
) -> None:
    candidate = registered[0]

    with registry.downloaded_bundle(desk.client, candidate.run_id) as bundle:
        contract, probe, words = bundle.contract, bundle.probe, bundle.words
        answers = open_engine(bundle).probabilities(by_column(probe.rows, contract))

    assert (contract.version, contract.run_id, contract.sample) == (1, candidate.run_id, True)
    assert contract.metrics == candidate.metrics
    assert len(probe.rows) == 40
    assert (words["es"].columns["Age"].name, words["en"].title) == ("Edad", "Heart disease")
    assert contract.output.labels(answers) == probe.labels
    assert set(probe.labels) == {0, 1}
    assert np.abs(answers - probe.probabilities).max() <= 1e-6


# the registry


def test_a_registered_version_is_the_candidate_in_staging(desk: Desk, registered: tuple[Candidate, RegistryState]) -> None:
    candidate, state = registered

    assert (candidate.version, state.aliases, state.stages) == (1, {"candidate": 1}, {1: "Staging"})
    tags = desk.client.get_model_version("heart_failure_logistic", "1").tags
    assert (tags["slipway.model"], tags["slipway.sample"], tags["slipway.data_sha256"]) == (
        "heart-failure",
        "true",
        candidate.data_sha256,
    )


def test_a_dry_run_is_logged_with_its_bundle_and_registers_nothing(desk: Desk, heart: ModelSpec) -> None:
    spec = named(heart, "heart-dry")

    candidate = desk.register(spec, dry_run=True)

    assert candidate.version is None
    assert desk.state(spec) == RegistryState(registered_as="heart_dry", aliases={}, stages={})
    with registry.downloaded_bundle(desk.client, candidate.run_id) as bundle:
        assert bundle.contract.version is None


def test_a_version_with_types_that_its_file_trusts_answers_in_a_gateway_that_was_said_so(desk: Desk, heart: ModelSpec) -> None:
    types = ("lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier")
    boosted = LGBMClassifier(n_estimators=9, objective="cross_entropy", n_jobs=1, verbose=-1)  # which no engine has
    spec = replace(named(heart, "heart-lightgbm"), estimator=boosted, search_space={}, simplest=None, trusted=types)

    candidate = register(spec, desk.snapshot, desk.rows, desk.tuned.model_copy(update={"parameters": {}}), desk.settings)

    assert candidate.trusted == list(types)
    stored = desk.client.download_artifacts(candidate.run_id, "card.md")
    assert "`lightgbm.basic.Booster`, `lightgbm.sklearn.LGBMClassifier`" in Path(stored).read_text()
    with registry.downloaded_bundle(desk.client, candidate.run_id) as bundle:
        assert bundle.contract.engine == "pyfunc"
        assert rehearse(spec, bundle.trusting(candidate.trusted)).probes > 0
        with pytest.raises(ServingError, match="which the model's file did not trust when the version was released"):
            rehearse(spec, bundle)
    model = mlflow.pyfunc.load_model(f"models:/{spec.registered_as}/{candidate.version}")
    assert len(model.predict(desk.rows.test)) == len(desk.rows.test)
    needed = Path(mlflow.pyfunc.get_model_dependencies(f"models:/{spec.registered_as}/{candidate.version}")).read_text()
    assert "lightgbm==" in needed


class Stranger(LogisticRegression):
    """A type that nobody has reviewed."""


def test_a_model_of_a_type_that_is_not_on_the_list_is_refused_and_registers_nothing(desk: Desk, heart: ModelSpec) -> None:
    spec = replace(named(heart, "heart-stranger"), estimator=Stranger())

    with pytest.raises(UnsafeModelError, match=r"contains the types \[.*Stranger.*\], which are not on the allow-list"):
        desk.register(spec)

    assert desk.state(spec).stages == {}
    experiment = desk.client.get_experiment_by_name("heart-stranger")
    assert experiment is not None
    (left,) = desk.client.search_runs([experiment.experiment_id])
    assert left.info.status == "FAILED"
    assert mlflow.active_run() is None


def test_the_mirrors_say_what_is_in_service_and_restoring_puts_both_exactly_back(desk: Desk, heart: ModelSpec, made: Make) -> None:
    spec = named(heart, "heart-moved")
    one = Version(1, made(spec).run_id)
    first = desk.state(spec)

    mirrors.write(desk.client, spec.registered_as, Mirrors(one))
    assert (desk.state(spec).aliases, desk.state(spec).stages) == ({"champion": 1}, {1: "Production"})
    registry.restore(desk.client, first)
    assert desk.state(spec) == first
    mirrors.write(desk.client, spec.registered_as, Mirrors(one))

    two = Version(2, made(spec).run_id)
    second = desk.state(spec)
    assert (second.aliases, second.stages) == ({"champion": 1, "candidate": 2}, {1: "Production", 2: "Staging"})
    for _ in range(2):  # safe to repeat
        mirrors.write(desk.client, spec.registered_as, Mirrors(two, previous=one))
    after_second = desk.state(spec)
    assert (after_second.aliases, after_second.stages) == ({"champion": 2, "previous": 1}, {1: "Archived", 2: "Production"})

    made(spec)  # a version that came later stays what it is, though not the candidate it was not before
    registry.restore(desk.client, second)
    registry.restore(desk.client, second)  # safe to repeat
    assert desk.state(spec) == second.model_copy(update={"stages": second.stages | {3: "Staging"}})


def test_mlflow_clients_load_the_champion_by_stage_and_by_alias_and_get_the_bundles_answers(
    desk: Desk, rows: Rows, registered: tuple[Candidate, RegistryState]
) -> None:
    mirrors.write(desk.client, "heart_failure_logistic", Mirrors(Version(1, registered[0].run_id)))
    with registry.downloaded_bundle(desk.client, registered[0].run_id) as bundle:
        answers = open_engine(bundle).probabilities({name: rows.test[name].tolist() for name in rows.test.columns})
        expected = bundle.contract.output.labels(answers)

    for address in ("models:/heart_failure_logistic/Production", "models:/heart_failure_logistic@champion"):
        assert mlflow.pyfunc.load_model(address).predict(rows.test).tolist() == expected


# a promotion that is undone


Make = Callable[[ModelSpec], Candidate]


@pytest.fixture
def made(desk: Desk, registered: tuple[Candidate, RegistryState], write_bundle: Callable[..., Bundle], tmp_path: Path) -> Make:
    """Make a candidate of the measured model, as registering does, without what a run holds besides."""

    def make(spec: ModelSpec) -> Candidate:
        client = desk.client
        experiment = runs.experiment(client, spec.name, desk.settings)
        run_id = client.create_run(experiment, tags={MODEL_TAG: spec.name}).info.run_id
        if not client.search_registered_models(f"name = '{spec.registered_as}'"):
            client.create_registered_model(spec.registered_as)
        version = int(client.create_model_version(spec.registered_as, f"runs:/{run_id}/model", run_id, tags={MODEL_TAG: spec.name}).version)
        folder = tmp_path / f"made-{version}"
        bundle = write_bundle(folder, model=spec.name, registered_as=spec.registered_as, version=version, run_id=run_id)
        client.log_artifacts(run_id, str(bundle.folder), registry.BUNDLE_PATH)
        registry.nominate(client, spec.registered_as, version)
        names = {"model": spec.name, "registered_as": spec.registered_as, "version": version, "run_id": run_id}
        return registered[0].model_copy(update=names | {"bundle": f"runs:/{run_id}/{registry.BUNDLE_PATH}"})

    return make


@pytest.fixture
def beginning(desk: Desk, heart: ModelSpec, request: pytest.FixtureRequest, made: Make) -> tuple[ModelSpec, Candidate]:
    """A registered candidate, and another bundle in service."""
    spec = named(heart, f"heart-{request.node.name.replace('_', '-')}"[:60].rstrip("-"))
    candidate = made(spec)
    with registry.downloaded_bundle(desk.client, candidate.run_id) as bundle:
        install(bundle.folder, desk.settings.bundles, 8001)
    return spec, candidate


def test_a_promotion_cut_short_is_found_and_undone_by_the_next_release(desk: Desk, beginning: tuple[ModelSpec, Candidate]) -> None:
    spec, candidate = beginning
    before, pointer = desk.state(spec), active(desk.settings.bundles, spec.name)
    promotion.begin(spec, candidate, desk.settings)
    with registry.downloaded_bundle(desk.client, candidate.run_id) as bundle:
        install(bundle.folder, desk.settings.bundles, 8001)  # and then the process was killed

    assert promotion.recover(spec, desk.settings)

    assert desk.state(spec) == before
    assert active(desk.settings.bundles, spec.name) == pointer
    (line,) = Ledger(desk.settings.ledger).history(spec.name)
    assert (line.event, line.version, line.stage, line.aliases) == ("undone", 1, "Staging", ["candidate"])
    assert not promotion.recover(spec, desk.settings)


def test_a_promotion_begun_on_another_host_is_not_undone_here(desk: Desk, beginning: tuple[ModelSpec, Candidate]) -> None:
    spec, candidate = beginning
    begun = promotion.begin(spec, candidate, desk.settings)
    ledger = Ledger(desk.settings.ledger)
    promotion.finish(begun, desk.settings, why="so that it can be announced again, from elsewhere")
    ledger.announce(begun.model_copy(update={"host": "elsewhere"}))

    with pytest.raises(ReleaseInProgressError, match="a promotion of version 1 from host elsewhere has not ended"):
        promotion.recover(spec, desk.settings)

    assert ledger.unfinished(spec.name) is not None


def test_a_promotion_that_ended_well_is_history_and_leaves_nothing_to_undo(desk: Desk, beginning: tuple[ModelSpec, Candidate]) -> None:
    spec, candidate = beginning

    promotion.finish(promotion.begin(spec, candidate, desk.settings), desk.settings, why="reaches the floor")

    (line,) = Ledger(desk.settings.ledger).history(spec.name)
    assert (line.event, line.previous, line.stage, line.aliases, line.why) == (
        "promoted",
        1,  # the gateway had it already
        "Production",
        ["champion"],
        "reaches the floor",
    )
    assert not promotion.recover(spec, desk.settings)
    mirroring.put_in_line(spec, desk.settings)
    assert desk.state(spec).aliases == {"champion": 1}
    assert mirroring.disagreements(spec, desk.settings) == []


def test_a_refused_candidate_stays_in_staging_and_in_the_ledger(desk: Desk, beginning: tuple[ModelSpec, Candidate]) -> None:
    spec, candidate = beginning
    before = desk.state(spec)

    promotion.note("refused", candidate, desk.settings, why="is below the floor")

    assert desk.state(spec) == before
    (line,) = Ledger(desk.settings.ledger).history(spec.name)
    assert (line.event, line.stage, line.aliases) == ("refused", "Staging", ["candidate"])


# reaching it


def test_a_server_that_does_not_answer_is_said_within_seconds(tmp_path: Path, dead_url: str) -> None:
    started = time.monotonic()

    with pytest.raises(RegistryUnavailableError, match=f"MLflow at {dead_url} does not answer .*SLIPWAY_TRACKING_URI"):
        connect(Settings(home=tmp_path, tracking_uri=dead_url))

    assert time.monotonic() - started < 5  # MLflow itself would try for minutes


@pytest.mark.parametrize("answer", [401, 503])
def test_a_server_that_refuses_is_said_without_its_password(tmp_path: Path, website: Any, answer: int) -> None:
    website.status = answer
    address = website.url.replace("//", f"//reader:{SECRET}@")

    with pytest.raises(
        RegistryUnavailableError, match=rf"MLflow at http://reader:\*\*\*@127\.0\.0\.1:\d+ does not answer .*{answer}"
    ) as error:
        connect(Settings(home=tmp_path, tracking_uri=address))

    assert SECRET not in "".join(traceback.format_exception(error.value))


def test_a_file_that_is_no_database_is_said_as_such(tmp_path: Path, desk: Desk) -> None:
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "mlflow.db").write_text("no database, though long enough to be looked into\n" * 100)

    with pytest.raises(StorageError, match=r"mlflow\.db cannot be used: .*the file is not a database, or is damaged\. Restore it"):
        connect(Settings(home=tmp_path, tracking_uri=f"sqlite:///{tmp_path}/mlflow/mlflow.db"))


@pytest.mark.parametrize(("answer", "away"), [(500, True), (503, True), (404, False)])
def test_the_answer_of_mlflow_decides_whether_asking_again_may_help(
    website: Any, monkeypatch: pytest.MonkeyPatch, answer: int, away: bool
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    website.status = answer

    with pytest.raises(MlflowException) as error:
        MlflowClient(website.url).get_experiment("1")

    assert is_away(error.value) is away


def test_an_mlflow_that_does_not_answer_may_be_asked_again_and_other_errors_may_not(dead_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    with pytest.raises(MlflowException) as error:
        MlflowClient(dead_url).get_experiment("1")

    assert is_away(error.value)
    assert is_away(RegistryUnavailableError())
    assert not is_away(MlflowException("what its client raises for its own mistakes"))
    assert not is_away(ParityError())


# registrations that were cut short


def test_what_a_killed_registration_left_is_cleared_up_and_nothing_else(
    desk: Desk, heart: ModelSpec, registered: tuple[Candidate, RegistryState]
) -> None:
    spec = named(heart, "heart-cut-short")
    whole = desk.register(spec)
    experiment = desk.client.get_experiment_by_name(spec.name).experiment_id
    # as `register` makes them, before its process is killed; and one as people make them in MLflow's pages
    left = desk.client.create_run(experiment, tags={"slipway.model": spec.name}, run_name=f"release-{spec.name}").info.run_id
    source = desk.client.get_model_version(spec.registered_as, "1").source
    desk.client.create_model_version(spec.registered_as, source, run_id=left, tags={UNFINISHED: "true"})
    by_hand = desk.client.create_model_version(spec.registered_as, source, run_id=whole.run_id)
    own = desk.client.create_run(experiment, run_name=f"release-{spec.name}").info.run_id

    for _ in range(2):  # safe to repeat
        clear_up(desk.client, spec)

    assert desk.state(spec).stages == {1: "Staging", int(by_hand.version): "None"}
    assert desk.state(spec).aliases == {"candidate": 1}
    assert {run_id: desk.client.get_run(run_id).info.status for run_id in (left, own, whole.run_id)} == {
        left: "KILLED",
        own: "RUNNING",
        whole.run_id: "FINISHED",
    }


def test_a_registration_that_fails_after_its_version_was_made_takes_it_back(desk: Desk, heart: ModelSpec) -> None:
    spec = named(heart, "heart-taken-back")
    database = sqlite3.connect(desk.settings.home / "mlflow" / "mlflow.db")
    with database:  # a database that refuses what comes after the version: its alias
        database.execute(
            "CREATE TRIGGER refuses BEFORE INSERT ON registered_model_aliases WHEN NEW.name = 'heart_taken_back' "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )

    with pytest.raises(MlflowException, match="refused"):
        desk.register(spec)

    assert desk.state(spec) == RegistryState(registered_as="heart_taken_back", aliases={}, stages={})
    with database:
        database.execute("DROP TRIGGER refuses")
    database.close()
    assert desk.register(spec).version == 2  # MLflow gives no number twice
    assert desk.state(spec) == RegistryState(registered_as="heart_taken_back", aliases={"candidate": 2}, stages={2: "Staging"})
