"""Engines of models that predict a number: they answer as scikit-learn does, and a row alone as among others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import ElasticNet, LinearRegression, PoissonRegressor, Ridge
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from slipway.bundle.borders import border_rows, prove_rows
from slipway.bundle.cells import columns_of, rows_of
from slipway.bundle.compiling import compile_model
from slipway.bundle.contract import Contract, Probe
from slipway.bundle.deployment import load
from slipway.bundle.engine import Engine, open_engine
from slipway.bundle.parity import prove
from slipway.bundle.reading import read
from slipway.bundle.store.active import Pointer
from slipway.bundle.writing import write
from slipway.data.validation import validate
from slipway.errors import BundleError, CannotCompileError
from slipway.spec import ModelSpec, Preparation
from slipway.training.pipelines import build
from slipway.training.splitting import Rows, split
from tests.support.compiled import contract_for
from tests.support.progression import patients, progression

REACH = 90.0
EXACT = [
    (Ridge(), "linear"),
    (LinearRegression(), "linear"),
    (ElasticNet(alpha=0.1), "linear"),
    (DecisionTreeRegressor(max_depth=6), "trees"),
    (RandomForestRegressor(n_estimators=20), "trees"),
    (ExtraTreesRegressor(n_estimators=20, max_depth=8), "trees"),
    (GradientBoostingRegressor(n_estimators=30), "boosting"),
    (GradientBoostingRegressor(n_estimators=30, loss="huber", init="zero"), "boosting"),
    (HistGradientBoostingRegressor(max_iter=30), "ensemble"),
    (SVR(), "composed"),
    (HistGradientBoostingRegressor(max_iter=30, loss="poisson", max_leaf_nodes=5), "ensemble"),
]


def fitted(folder: Path, estimator: Any, log: bool) -> tuple[ModelSpec, Rows, Any]:
    spec = progression(folder, estimator=estimator, search_space={})
    spec = replace(spec, columns=replace(spec.columns, target=replace(spec.columns.target, log=log)))
    rows = split(spec, validate(spec, folder / "progression.csv"))
    return spec, rows, spec.problem.wrapped(build(spec, {})).fit(rows.train, rows.train_labels)


def bundled(folder: Path, spec: ModelSpec, rows: Rows, model: Any) -> tuple[Contract, Engine]:
    compiled = compile_model(spec, model)
    contract = contract_for(spec, compiled, 0.6 if spec.columns.target.log else REACH)
    probed = rows.test.head(10)
    labels, ends = contract.output.of_model(model, probed)
    probe = Probe(rows_of(probed, contract.columns), labels, ends.tolist())
    return contract, open_engine(write(folder / "models" / spec.name, compiled.files, contract, probe))


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("estimator", "name"), EXACT)
def test_an_exact_engine_answers_as_the_measured_model_on_test_rows_and_at_its_steps(
    tmp_path: Path, estimator: Any, name: str, log: bool
) -> None:
    spec, rows, model = fitted(tmp_path, estimator, log)
    contract, engine = bundled(tmp_path, spec, rows, model)
    columns = {column.name: rows.test[column.name].tolist() for column in contract.columns}
    output = contract.output

    raw = engine.probabilities(columns)
    labels, ends = contract.output.of_model(model, rows.test)
    steps = border_rows(model, contract, rows.test)

    assert (contract.engine, raw.shape) == (name, (len(rows.test), 1))
    assert prove(spec.name, ends, labels, output.numbers(raw), output.labels(raw), differ=output.differ) < 1e-9
    assert len(steps) > 50
    assert prove_rows(spec.name, model, engine, contract, steps) < 1e-9
    if name == "trees":
        assert output.labels(raw) == labels  # to the last bit
    alone = [engine.probabilities({name: [cells[at]] for name, cells in columns.items()})[0, 0] for at in range(20)]
    assert alone == raw[:20, 0].tolist()


def test_histogram_boosting_answers_rows_with_gaps_as_the_measured_model(tmp_path: Path) -> None:
    rows = patients()
    rows.loc[rows.index % 4 == 1, "bmi"] = np.nan
    whole = progression(tmp_path, rows, estimator=HistGradientBoostingRegressor(max_iter=30), search_space={})
    features = whole.columns.features | {"bmi": replace(whole.columns.features["bmi"], missing=True)}
    spec = replace(whole, columns=replace(whole.columns, features=features), preparation=Preparation(missing="native", scale=False))
    parts = split(spec, validate(spec, tmp_path / "progression.csv"))
    model = build(spec, {}).fit(parts.train, parts.train_labels)
    contract, engine = bundled(tmp_path, spec, parts, model)

    sent = columns_of(parts.test, contract.columns)
    raw = engine.probabilities(sent)

    assert None in sent["bmi"]
    assert contract.engine == "ensemble"
    assert raw[:, 0].tolist() == model.predict(parts.test).tolist()  # to the last bit
    assert prove_rows(spec.name, model, engine, contract, border_rows(model, contract, parts.test)) < 1e-9


@pytest.mark.parametrize(("estimator", "name"), [(PoissonRegressor(), "onnx")])
def test_any_other_regressor_becomes_a_graph(tmp_path: Path, estimator: Any, name: str) -> None:
    spec, rows, model = fitted(tmp_path, estimator, log=False)
    contract, engine = bundled(tmp_path, spec, rows, model)

    raw = engine.probabilities({column.name: rows.test[column.name].tolist() for column in contract.columns})

    assert contract.engine == name
    assert raw[:, 0] == pytest.approx(model.predict(rows.test), rel=1e-4)


def test_a_bundle_that_answers_other_numbers_than_measured_is_not_served(tmp_path: Path) -> None:
    spec, rows, model = fitted(tmp_path, Ridge(), log=True)
    bundled(tmp_path, spec, rows, model)
    folder = tmp_path / "models" / spec.name
    pointer = Pointer(folder.name, 1, installation="")

    deployment = load(folder, spec.name, pointer, 1)
    labels, ends = deployment.predict({name: rows.test[name].tolist() for name in rows.test})

    assert labels == pytest.approx(model.predict(rows.test).tolist())
    assert all(low <= label <= high for label, (low, high) in zip(labels, ends, strict=True))
    bundle = read(folder)
    other = Probe(bundle.probe.rows, [label + 0.01 for label in bundle.probe.labels], bundle.probe.probabilities)
    files = {name: (folder / name).read_bytes() for name in ("preparation.json", "model.npz")}
    write(tmp_path / "models" / "other", files, bundle.contract, other)
    with pytest.raises(BundleError, match="the model does not answer as it was measured, at probe row 0"):
        load(tmp_path / "models" / "other", spec.name, Pointer("other", 1, installation=""), 1)


def test_a_forest_of_numbers_whose_threads_add_up_in_any_order_is_refused(tmp_path: Path) -> None:
    spec, _, model = fitted(tmp_path, RandomForestRegressor(n_estimators=5, n_jobs=2), log=False)

    with pytest.raises(CannotCompileError, match="the forest has n_jobs=2"):
        compile_model(spec, model)
