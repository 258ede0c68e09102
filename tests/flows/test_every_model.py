"""Every model of the catalogue through the whole flow, and what may never differ between the places that answer for it."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import httpx
import mlflow
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier

from flows.fleet import fleet
from slipway.catalogue import catalogue, services
from slipway.data import samples, validation
from slipway.settings import LOOPBACK
from slipway.spec import ModelSpec
from slipway.tracking.connection import connect
from slipway.training import splitting
from tests.support.pickles import pickles_below

ROWS_A_REQUEST = 1_000
TREES = 20


@pytest.mark.timeout(1_500)
def test_endpoint_mlflow_and_the_record_agree_on_every_test_row_of_every_model(place, free_ports, monkeypatch):
    ports = dict(zip(catalogue(), free_ports(len(catalogue())), strict=True)) | json.loads(os.environ["SLIPWAY_MODEL_PORTS"])
    monkeypatch.setenv("SLIPWAY_MODEL_PORTS", json.dumps(ports))
    for name, spec in list(catalogue().items()):
        monkeypatch.setitem(catalogue(), name, _small(spec))

    released = fleet(sample=True, trials=1, jobs=1, return_state=True).result(raise_on_failure=False)

    wanted = {name: "challenging" if spec.challenges else "promoted" for name, spec in catalogue().items()}
    assert [(entry.model, entry.outcome, entry.message) for entry in released.entries if entry.outcome != wanted[entry.model]] == []
    client = connect(place.settings)
    for spec in services().values():
        test = splitting.split(spec, validation.validate(spec, samples.generate(spec, place.home / "again").path)).test
        recorded = _recorded(client.get_model_version_by_alias(spec.registered_as, "champion").run_id, spec)
        assert recorded.index.tolist() == test.index.tolist(), spec.name
        assert _asked(ports[spec.name], place.key, test) == recorded.tolist(), spec.name
        stored = mlflow.pyfunc.load_model(f"models:/{spec.registered_as}/Production").predict(test)
        assert list(stored) == recorded.tolist(), spec.name
    assert pickles_below(place.home / "mlflow") == []


def _small(spec: ModelSpec) -> ModelSpec:
    """The same model, tuned in two folds, and a forest of few trees: how good it is, is not the question here."""
    trees = {"n_estimators": TREES} if isinstance(spec.estimator, RandomForestClassifier) else {}
    space = {name: values for name, values in spec.search_space.items() if name not in trees}
    return replace(spec, folds=2, repeats=1, estimator=clone(spec.estimator).set_params(**trees), search_space=space)


def _asked(port: int, key: str, rows: pd.DataFrame) -> list[int | str]:
    said = []
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=60.0) as client:
        for start in range(0, len(rows), ROWS_A_REQUEST):
            part = rows.iloc[start : start + ROWS_A_REQUEST].astype(object).to_dict(orient="split", index=False)
            said += (
                client.post(f"http://{LOOPBACK}:{port}/invocations", json={"dataframe_split": part})
                .raise_for_status()
                .json()["predictions"]
            )
    return said


def _recorded(run_id: str, spec: ModelSpec) -> pd.Series:
    path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="evidence/answers.csv")
    return pd.read_csv(path, index_col="row", dtype={"label": str if isinstance(spec.columns.target.labels[0], str) else int})["label"]
