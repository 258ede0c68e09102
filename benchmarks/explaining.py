"""How long the contributions of one row take, and how far they are from those of the package shap in the same run.

    python benchmarks/explaining.py [FOLDER ...]

A FOLDER has the bundle of a released model, such as ~/.slipway/bundles/diabetes/3-0123abcd; of these, only our own times are measured.
Without one, the estimators of the catalogue are fitted on sample rows, as they are declared. shap explains the cells of the prepared
matrix, and not the columns of the contract, so the distance is measured with each cell as a column. A cell that is exactly on a threshold
of a tree is a part of the distance: shap may take another branch there than scikit-learn. Milliseconds are medians of processor time.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slipway.bundle.cells import rows_of
from slipway.bundle.compiling import compile_model, contract_columns
from slipway.bundle.contract import FORMAT, Contract, Probe, of_output
from slipway.bundle.deployment import Deployment
from slipway.bundle.engine import by_column, open_engine
from slipway.bundle.engines.preparation import Block, FittedPreparation, Preparer
from slipway.bundle.reading import Bundle, read
from slipway.bundle.writing import write
from slipway.catalogue import lookup
from slipway.data.samples import generate
from slipway.data.validation import validate
from slipway.explaining import nodes
from slipway.explaining.ensembles import Ensemble
from slipway.explaining.explaining import explain
from slipway.explaining.mixing import Background
from slipway.training.pipelines import build
from slipway.training.splitting import split

MODELS = ("heart-failure", "heart-failure-boosting", "diabetes", "aids-trial", "telecom-churn", "student-dropout-svm")
PROBES, ASKED = 40, 15
HEAD = ("model", "engine", "method", "leaves", "first ms", "ms a row", "shap ms a row", "distance from shap")


@dataclass(frozen=True)
class Fitted:
    """A bundle, and the pipeline that it was compiled from, if there is one."""

    bundle: Bundle
    pipeline: Any = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, help="bundles of released models")
    folders = parser.parse_args().folders
    print("| " + " | ".join(HEAD) + " |\n" + "|---" * len(HEAD) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for fitted in map(opened, folders) if folders else (of_catalogue(name, Path(folder)) for name in MODELS):
            print("| " + " | ".join(measured(fitted)) + " |", flush=True)


def opened(folder: Path) -> Fitted:
    return Fitted(read(folder))


def of_catalogue(name: str, folder: Path) -> Fitted:
    """Fit the estimator of the catalogue on sample rows, and write its bundle."""
    spec = lookup(name)
    rows = split(spec, validate(spec, generate(spec, folder).path))
    pipeline = build(spec, {}).fit(rows.train, rows.train_labels)
    compiled = compile_model(spec, pipeline)
    contract = Contract(
        format=FORMAT, model=name, registered_as=name, version=1, run_id="1" * 32, engine=compiled.engine, description="",
        columns=contract_columns(spec), target="", data_sha256="", sample=True, metrics={}, mlflow_version="", created_at="",
        **of_output(spec.problem.output(compiled.threshold, 0.0)),
    )  # fmt: skip
    order = np.argsort(pipeline.predict_proba(rows.test)[:, 0], kind="stable")
    chosen = rows.test.iloc[order[np.linspace(0, len(order) - 1, PROBES).astype(int)]]
    probe = Probe(rows_of(chosen, contract.columns), [0] * PROBES, [[0.0]] * PROBES)
    return Fitted(write(folder / name / "1", compiled.files, contract, probe), pipeline)


def measured(fitted: Fitted) -> Iterator[str]:
    bundle = fitted.bundle
    deployment = Deployment(bundle.contract, "one", 1, open_engine(bundle), bundle.folder)
    rows = [{name: cells[place] for name, cells in by_column(bundle.probe.rows, bundle.contract).items()} for place in range(ASKED)]
    yield from (bundle.contract.model, bundle.contract.engine)
    started = time.process_time()
    explanation = explain(deployment, rows[0])
    first = (time.process_time() - started) * 1e3
    trees = nodes.of_bundle(bundle) if bundle.contract.engine in ("trees", "boosting", "ensemble", "histogram") else None
    yield explanation.method
    yield f"{len(trees.value):,}" if trees else ""
    yield f"{first:,.0f}"
    yield f"{median(lambda row: explain(deployment, row), rows):.2f}"
    yield from by_shap(fitted, trees) if trees and fitted.pipeline else ("", "")


def median(work: Callable[[Any], Any], rows: Any) -> float:
    """Return the median milliseconds of the processor for one row."""
    taken = []
    for row in rows:
        started = time.process_time()
        work(row)
        taken.append((time.process_time() - started) * 1e3)
    return statistics.median(taken)


def by_shap(fitted: Fitted, trees: nodes.Trees) -> tuple[str, str]:
    """Return shap's milliseconds a row, and the largest distance between its contributions and ours, with each cell as a column."""
    try:
        import shap
    except ImportError:
        return "not installed", ""
    bundle = fitted.bundle
    compared = Background.of(bundle.probe, bundle.contract).for_leaves(len(trees.value))
    matrix = Preparer.of(bundle).matrix(compared.columns).astype(trees.threshold.dtype)
    names = [str(place) for place in range(matrix.shape[1])]
    background = Background({name: matrix[:, place].tolist() for place, name in enumerate(names)})
    ours = Ensemble(FittedPreparation((Block(tuple(names)),)), trees, background)
    theirs = shap.TreeExplainer(fitted.pipeline[-1], data=matrix.astype(float), feature_perturbation="interventional")
    rows, outputs = matrix[:ASKED].astype(float), np.eye(len(ours.base))[-1]
    distance = 0.0
    for row in rows:
        found = theirs.shap_values(row[None], check_additivity=False)
        found = found[0, :, -1] if found.ndim == 3 else found[0]
        distance = max(distance, np.abs(ours.explained(dict(zip(names, row.tolist(), strict=True)), outputs)[1] - found).max())
    milliseconds = median(lambda row: theirs.shap_values(row[None], check_additivity=False), rows)
    return f"{milliseconds:.2f}", f"{distance:.0e}"


if __name__ == "__main__":
    main()
