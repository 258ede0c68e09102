"""Some fifty models of four libraries, logged with plain MLflow and adopted with no line of code: how many, how exactly, and how quickly.

    python benchmarks/families.py [--only forest ...] [--rows 100000] [--json]

One run on one machine, in a temporary home. Each estimator is fitted on made rows of three kinds of columns (numbers; numbers with gaps,
where the estimator knows these; numbers and categories, in a pipeline), logged as MLflow's guide says, and adopted by what `slipway adopt`
runs before its release. Its answers are compared with those of the fitted estimator on many rows, most of them at its borders, and both
answer one row and 1,000 rows on one core. Labels that differ are counted among 100,000 rows, and models as adopted in under 60 s.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier, XGBRegressor

from slipway.bundle.borders import border_rows
from slipway.bundle.cells import columns_of
from slipway.bundle.compiling import compile_after_failed_proof, compile_model, contract_columns
from slipway.bundle.contract import FORMAT, Contract, Probe, of_output
from slipway.bundle.engine import open_engine
from slipway.bundle.trusted_types import ALLOWED
from slipway.bundle.writing import write
from slipway.data.validation import validate
from slipway.drafting.adopting import draft_of_version
from slipway.drafting.code import code
from slipway.drafting.drafting import executed
from slipway.drafting.versions import Trust, read_version
from slipway.errors import SlipwayError
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking.connection import connect
from slipway.training.pipelines import build

LEARNT, PORT, IN_TIME = 3_000, 8_400, 60.0
TYPES = ["collections.OrderedDict", "lightgbm.basic.Booster", "xgboost.core.Booster"]
TYPES += [f"lightgbm.sklearn.LGBM{kind}" for kind in ("Classifier", "Regressor")] + ["xgboost.sklearn.XGBClassifier"]
TYPES += ["xgboost.sklearn.XGBRegressor", "catboost.core.CatBoostClassifier", "catboost.core.CatBoostRegressor"]
QUIET = {"verbose": 0, "allow_writing_files": False, "thread_count": 1}
WITH_GAPS = ("lightgbm", "xgboost", "catboost", "histogram", "forest", "tree")
CLASSES: dict[str, Any] = {
    "lightgbm": LGBMClassifier(n_estimators=100, verbose=-1, n_jobs=1),
    "lightgbm, 500 trees": LGBMClassifier(n_estimators=500, verbose=-1, n_jobs=1),
    "xgboost": XGBClassifier(n_estimators=100, n_jobs=1),
    "catboost": CatBoostClassifier(iterations=100, **QUIET),
    "histogram": HistGradientBoostingClassifier(),
    "boosting": GradientBoostingClassifier(),
    "forest": RandomForestClassifier(random_state=1),
    "forest, extra trees": ExtraTreesClassifier(random_state=1),
    "tree": DecisionTreeClassifier(max_depth=8),
    "logistic": LogisticRegression(max_iter=1_000),
    "support vectors": CalibratedClassifierCV(SVC(), ensemble=False),
    "neighbours": KNeighborsClassifier(),
    "dense": MLPClassifier((32, 16), max_iter=60),
    "naive bayes": GaussianNB(),
    "discriminant": LinearDiscriminantAnalysis(),
    "discriminant, quadratic": QuadraticDiscriminantAnalysis(),
    "adaboost": AdaBoostClassifier(),
    "bagging": BaggingClassifier(LogisticRegression(max_iter=1_000)),
    "voting": VotingClassifier([("linear", LogisticRegression(max_iter=1_000)), ("trees", RandomForestClassifier(50))], voting="soft"),
    "stacking": StackingClassifier([("linear", LogisticRegression(max_iter=1_000)), ("boosted", LGBMClassifier(verbose=-1, n_jobs=1))]),
}
NUMBERS: dict[str, Any] = {
    "lightgbm, number": LGBMRegressor(verbose=-1, n_jobs=1),
    "xgboost, number": XGBRegressor(n_jobs=1),
    "catboost, number": CatBoostRegressor(iterations=100, **QUIET),
    "histogram, number": HistGradientBoostingRegressor(),
    "boosting, number": GradientBoostingRegressor(),
    "forest, number": RandomForestRegressor(random_state=1),
    "ridge": Ridge(),
    "support vectors, number": SVR(),
    "neighbours, number": KNeighborsRegressor(),
    "dense, number": MLPRegressor(hidden_layer_sizes=(32, 16), max_iter=60),
}


@dataclass(frozen=True)
class Row:
    """One model. Seconds are those of adopting; rates are rows a second, of the engine and of the library."""

    model: str
    columns: str
    adopted: bool
    engine: str
    seconds: float
    compared: int
    labels_differ: int
    largest_difference: float
    one_row: float
    library_one_row: float
    thousand: float
    library_thousand: float
    why: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="models whose names begin so; all if left out")
    parser.add_argument("--rows", type=int, default=100_000, help="rows to compare, most of them at the model's borders")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of the libraries, about names and iterations
    for noisy in ("mlflow", "slipway"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    found = []
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(limits=1):
        os.environ["SLIPWAY_HOME"] = folder
        client = connect(Settings.load())
        import mlflow

        mlflow.set_experiment(experiment_id=client.create_experiment("notebook", artifact_location=f"{folder}/artifacts"))
        for name, kind, estimator in combinations():
            if not arguments.only or name.startswith(tuple(arguments.only)):
                found.append(measured(client, Path(folder), name, kind, estimator, arguments.rows))
                if not arguments.json:
                    print("\t".join(shown(found[-1])), flush=True)
    if arguments.json:
        print(json.dumps([asdict(row) for row in found], indent=1))
    else:
        print(summary(found))


def combinations() -> Iterator[tuple[str, str, Any]]:
    """Yield the name, the kind of columns, and the estimator or pipeline, unfitted."""
    for name, estimator in {**CLASSES, **NUMBERS}.items():
        yield name, "numbers", estimator
        if name.split(",")[0] in WITH_GAPS and not name.endswith("500 trees"):
            yield name, "gaps", clone(estimator)
        elif name in ("logistic", "boosting", "adaboost", "voting", "ridge", "dense", "neighbours", "support vectors"):
            prepared = make_column_transformer(
                (StandardScaler(), ["age", "dose", "weight", "score"]), (OneHotEncoder(sparse_output=False), ["ward"])
            )
            yield name, "categories", make_pipeline(prepared, clone(estimator))


def made(kind: str, rows: int, seed: int) -> pd.DataFrame:
    """Rows with their answers: `long`, 0 or 1, and `cost`."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": random.integers(18, 90, rows).astype(float),
            "dose": random.normal(0, 1, rows).round(2),
            "weight": random.normal(70, 12, rows).round(1),
            "score": random.random(rows).round(3),
        }
    )
    if kind == "categories":
        table["ward"] = random.choice(["east", "north", "south", "west"], rows)
    answer = table["age"] / 40 + table["dose"] * table["score"] + (table["weight"] > 75) + random.normal(0, 0.4, rows)
    table["cost"], table["long"] = (answer * 100).round(2), (answer > answer.median()).astype(int)
    if kind == "gaps":
        for column in ("dose", "weight"):
            table.loc[random.random(rows) < 0.1, column] = np.nan
    return table


def measured(client: Any, folder: Path, name: str, kind: str, estimator: Any, wanted: int) -> Row:
    """Fit, log, adopt, compile, compare and time one model."""
    import mlflow

    slug = f"{name} {kind}".replace(",", "").replace(" ", "-")
    table, target = made(kind, LEARNT, 1), "cost" if name in NUMBERS else "long"
    features = [column for column in table if column not in ("cost", "long")]
    model = estimator.fit(table[features], table[target])
    table.drop(columns="long" if target == "cost" else "cost").to_csv(folder / f"{slug}.csv", index=False)
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name=slug,
            signature=mlflow.models.infer_signature(table[features]),
            skops_trusted_types=[*ALLOWED, *TYPES],
            pip_requirements=[],
        )
    began = time.perf_counter()
    try:
        version = read_version(client, f"models:/{slug}/1", Trust())
        draft = draft_of_version(slug, version, str(folder / f"{slug}.csv"), target, PORT)
        path = folder / f"{slug.replace('-', '_')}.py"
        path.with_suffix(".skops").write_bytes(draft.stored)
        spec = executed(code(draft.draft), slug, path)
        engine_name, answered, compared_rows = adopted(spec, folder / slug, wanted)
    except SlipwayError as error:
        return Row(name, kind, False, "", time.perf_counter() - began, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, str(error)[:100])
    seconds = time.perf_counter() - began

    def library(rows: pd.DataFrame) -> Any:
        return model.predict(rows) if target == "cost" else model.predict_proba(rows)

    def engine(rows: pd.DataFrame) -> Any:
        return answered(columns_of(rows, contract_columns(spec)))

    expected = np.asarray(library(compared_rows), dtype=float).reshape(len(compared_rows), -1)
    received = engine(compared_rows)
    labels = 0 if target == "cost" else int((np.ravel(model.predict(compared_rows)) != received.argmax(axis=1)).sum())
    difference = float((np.abs(received - expected) / np.maximum(1, np.abs(expected))).max())
    asked = validate(spec, folder / f"{slug}.csv")[features]
    rates = [rate(answer, asked, rows) for rows in (1, 1_000) for answer in (engine, library)]
    return Row(name, kind, seconds < IN_TIME, engine_name, seconds, len(compared_rows), labels, difference, *rates)


def adopted(spec: ModelSpec, folder: Path, wanted: int) -> tuple[str, Callable[..., Any], pd.DataFrame]:
    """Return the engine's name, its answers, and the rows to compare, as a release makes and proves them."""
    pipeline = build(spec, {})
    compiled = compile_model(spec, pipeline)

    def opened(made: Any, where: Path) -> tuple[Contract, Any]:
        contract = Contract(
            format=FORMAT, model=spec.name, registered_as=spec.registered_as, version=1, run_id="1" * 32, engine=made.engine,
            description="", columns=contract_columns(spec), target=spec.columns.target.name, data_sha256="", sample=False, metrics={},
            mlflow_version="", created_at="", **of_output(spec.problem.output(None, 1.0)),
        )  # fmt: skip
        return contract, open_engine(write(where, made.files, contract, Probe([], [], [])).trusting(spec.trusted))

    contract, engine = opened(compiled, folder / "first")
    rows = made("gaps" if any(kind.missing for kind in spec.columns.features.values()) else "categories", wanted, 2)
    rows = rows[list(spec.columns.features)]
    borders = [border_rows(pipeline, contract, rows.iloc[start : start + 500], seed=start) for start in range(0, min(5_000, wanted), 500)]
    compared = pd.concat([*borders, rows], ignore_index=True).head(wanted)
    expected = contract.output.scores(pipeline, compared)
    if compiled.engine in ("onnx", "network", "composed"):
        answers = engine.probabilities(columns_of(compared, contract.columns))
        if np.abs(answers[:, : expected.shape[1]] - expected).max() > 1e-6 and contract.quantity is None:
            compiled = compile_after_failed_proof(spec, pipeline, compiled, SlipwayError("a row at the border differs"))
            contract, engine = opened(compiled, folder / "second")
    return compiled.engine, engine.probabilities, compared


def rate(answer: Callable[[pd.DataFrame], Any], rows: pd.DataFrame, count: int) -> float:
    """Return rows a second of the processor, from the median of 9 calls."""
    asked, taken = rows.head(count), []
    answer(asked)
    for _ in range(9):
        began = time.process_time()
        answer(asked)
        taken.append(time.process_time() - began)
    return count / max(statistics.median(taken), 1e-9)


def shown(row: Row) -> list[str]:
    rates = [f"{rate:,.0f}" for rate in (row.one_row, row.library_one_row, row.thousand, row.library_thousand)]
    exact = [f"{row.compared:,}", str(row.labels_differ), f"{row.largest_difference:.0e}"]
    return [row.model, row.columns, "yes" if row.adopted else "no", row.engine, f"{row.seconds:.1f} s", *exact, *rates, row.why]


def summary(rows: list[Row]) -> str:
    adopted_rows = [row for row in rows if row.adopted]
    compiled = sum(row.engine != "pyfunc" for row in adopted_rows)
    labels, compared = (sum(getattr(row, name) for row in rows) for name in ("labels_differ", "compared"))
    return (
        f"{len(adopted_rows)} of {len(rows)} adopted in under {IN_TIME:.0f} s (aim 90 %), {compiled} compiled; "
        f"{labels} of {compared:,} labels differ (aim 0)"
    )


if __name__ == "__main__":
    main()
