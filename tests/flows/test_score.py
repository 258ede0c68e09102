"""Rows are scored from Prefect: by the version that was released, through bundle and endpoint, completely or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from flows.score import score
from slipway.bundle.store import active
from slipway.catalogue import lookup
from slipway.data import samples
from slipway.errors import ScoringError

MODEL = "heart-failure"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def patients(tmp_path):
    """300 patients as a hospital has them, one without an age."""
    spec = lookup(MODEL)
    frame = samples.draw(spec, samples.statistics(spec)).head(300).astype({"Age": object})
    frame.insert(0, "patient", [f"P-{number:04d}" for number in range(len(frame))])
    frame.loc[7, "Age"] = None
    path = tmp_path / "patients.csv"
    frame.to_csv(path, index=False)
    return path


def by_mlflow(patients, settings):
    """Return the labels that the champion gives as MLflow loads it, and the rows it was asked about."""
    import mlflow

    from slipway.tracking.connection import connect

    connect(settings)
    spec = lookup(MODEL)
    model = mlflow.pyfunc.load_model(f"models:/{spec.registered_as}@champion")
    rows = pd.read_csv(patients).drop(index=7)[spec.columns.names]
    whole = {name: "int64" for name, kind in spec.columns.numeric.items() if kind.integer}
    return np.asarray(model.predict(rows.astype(whole))).tolist()


def test_bundle_endpoint_registry_and_mlflow_answer_the_same(place, patients, tmp_path, request):
    with pytest.raises(ScoringError, match=f"slipway release {MODEL}"):
        score(MODEL, str(patients))
    assert not list(tmp_path.glob("*predictions*"))
    request.getfixturevalue("released")
    assert [entry["event"] for entry in place.history()] == ["promoted"]

    by_bundle = score(MODEL, str(patients), return_state=True)
    by_endpoint = score(MODEL, str(patients), str(tmp_path / "endpoint.parquet"), "endpoint", subject="patient", return_state=True)
    active.point(place.settings.bundles, MODEL, None)  # as on a host that serves nothing
    by_registry = score(MODEL, str(patients), str(tmp_path / "registry.csv"), return_state=True)

    bundle, registry = (pd.read_csv(state.result().destination) for state in (by_bundle, by_registry))
    endpoint = pd.read_parquet(by_endpoint.result().destination)
    assert by_bundle.name == "Scored"
    assert by_bundle.message == "299 rows scored, 1 rejected"
    assert bundle["label"].tolist() == by_mlflow(patients, place.settings)
    pd.testing.assert_frame_equal(bundle, registry)
    texts = endpoint.astype({"HeartDisease": "int64"})  # what a CSV spells is kept as a text
    pd.testing.assert_frame_equal(bundle, texts.drop(columns="prediction_id"), check_dtype=False)
    assert by_bundle.result().bundle_sha256 == by_registry.result().bundle_sha256
    assert pd.read_csv(by_bundle.result().rejected_to)["row"].tolist() == [7]
    require_run_page(by_bundle)


def require_run_page(state):
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(state.state_details.flow_run_id)
        of_this_run = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
        artifacts = client.read_artifacts(flow_run_filter=of_this_run)
        steps = {task.name for task in client.read_task_runs(flow_run_filter=of_this_run)}
    found = {artifact.key: artifact.data for artifact in artifacts}
    assert run.name == f"score-{MODEL}"
    assert steps == {f"{step}-{MODEL}" for step in ("fetch-rows", "score-rows", "report-scores")}
    assert found[f"scoring-{MODEL}"] == 100.0
    assert '"what": "rejected", "value": 1' in found[f"scored-{MODEL}"]


@pytest.fixture
def served(place, heart, write_bundle, tmp_path):
    """Put a bundle into service without a release."""
    active.install(write_bundle(tmp_path / "version-1").folder, place.settings.bundles, heart.port)


@pytest.mark.usefixtures("served")
def test_an_address_that_fails_once_is_asked_again(patients, website, tmp_path):
    (website.folder / "patients.csv").write_bytes(patients.read_bytes())
    website.status, website.times = 503, 1

    state = score(MODEL, f"{website.url}/patients.csv?signature=s3cret", str(tmp_path / "out.csv"), return_state=True)

    assert state.result().source == f"{website.url}/patients.csv"
    assert (website.hits, state.result().scored) == (2, 299)


@pytest.mark.usefixtures("served")
def test_a_cancelled_run_leaves_nothing_behind(patients, tmp_path, until):
    header, *lines = patients.read_text().splitlines(keepends=True)
    patients.write_text(header + "".join(lines) * 10_000)  # so that it is cancelled in the middle, also on a busy machine
    out, hidden = tmp_path / "out.csv", tmp_path / ".out.csv.scoring" / "predictions"
    command = f"from flows.score import score; score({MODEL!r}, {str(patients)!r}, {str(out)!r}, chunk=100)"
    with (tmp_path / "run.log").open("w") as log:
        run = subprocess.Popen([sys.executable, "-c", command], env=os.environ.copy(), stdout=log, stderr=log)
    try:
        until(lambda: run.poll() is not None or (hidden.exists() and hidden.stat().st_size), "rows are written", within=120.0)
        assert run.poll() is None, (tmp_path / "run.log").read_text()
        run.send_signal(signal.SIGTERM)
        run.wait(timeout=30)
    finally:
        run.kill()

    assert run.returncode != 0
    assert not [path.name for path in tmp_path.iterdir() if "out.csv" in path.name]
