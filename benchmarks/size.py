"""What large tables cost: half a gigabyte of CSV, and a category of 5,000 values.

    python benchmarks/size.py [--megabytes 512] [--values 5000] [--json]

The tables are made in a temporary folder. Each step is a process of its own: `slipway new`, the validation of a release, and, for the
category, a release's search, fit, compiling and answers with a logistic regression that takes sparse rows. Memory is the most that the
process had resident, in megabytes and as a multiple of the file; warnings are the lines of libraries on the screen.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from slipway.bundle.reading import Bundle
    from slipway.spec import ModelSpec

COLUMNS, CATEGORIES, CHUNK = 20, 3, 200_000
ROWS = 20_000  # of the table with the category
TRIALS, ASKED = 3, 1_000


@dataclass(frozen=True)
class Step:
    """What one process cost."""

    name: str
    seconds: float
    megabytes: float
    multiple: float
    warnings: int
    more: dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=512, help="size of the large table (512)")
    parser.add_argument("--values", type=int, default=5_000, help="values of the category (5000)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--part", choices=sorted(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--table", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        print(json.dumps(PARTS[asked.part](asked.table)))
        return
    with tempfile.TemporaryDirectory() as folder:
        large, towns = Path(folder) / "large.csv", Path(folder) / "towns.csv"
        _write_large(large, asked.megabytes * 1_000_000)
        _write_towns(towns, asked.values)
        steps = [
            _measured("slipway new", _new(large, "wanted"), large),
            _measured("validation", _part("validation", large), large),
            _measured("slipway new, category", _new(towns, "bought"), towns),
            _measured("release's steps, category", _part("category", towns), towns),
        ]
    if asked.json:
        print(json.dumps([asdict(step) for step in steps], indent=1))
        return
    print("| step | seconds | megabytes | times the file | warnings | |\n|---|---|---|---|---|---|")
    for step in steps:
        more = ", ".join(f"{name} {value:.3g}" for name, value in step.more.items())
        print(f"| {step.name} | {step.seconds:.1f} | {step.megabytes:.0f} | {step.multiple:.1f} | {step.warnings} | {more} |")


def _write_large(path: Path, size: int) -> None:
    """Write numbers with gaps, categories and two classes, until the file has a size."""
    random = np.random.default_rng(1)
    with path.open("w", encoding="utf-8", newline="") as file:
        while file.tell() < size:
            numbers = random.normal(50, 20, (CHUNK, COLUMNS - CATEGORIES)).round(3)
            rows = pd.DataFrame(numbers, columns=[f"number_{place:02}" for place in range(COLUMNS - CATEGORIES)])
            rows["number_00"] = rows["number_00"].where(random.random(CHUNK) > 0.1)
            for place in range(CATEGORIES):
                rows[f"kind_{place}"] = random.choice(["north", "south", "east", "west"], CHUNK)
            score = numbers[:, 1] / 20 + (rows["kind_0"] == "north") + random.normal(0, 1, CHUNK)
            rows["wanted"] = (score > 2.6).astype(int)
            rows.to_csv(file, index=False, header=file.tell() == 0)


def _write_towns(path: Path, values: int) -> None:
    random = np.random.default_rng(2)
    town, age = random.integers(0, values, ROWS), random.integers(18, 90, ROWS)
    score = random.normal(0, 1.5, values)[town] + age / 40 + random.normal(0, 0.8, ROWS)
    rows = pd.DataFrame({"town": [f"town {number:04}" for number in town], "age": age, "bought": (score > np.median(score)).astype(int)})
    rows.to_csv(path, index=False)


def _new(table: Path, target: str) -> list[str]:
    name = table.stem
    return [sys.executable, "-m", "deployments.cli", "new", name, str(table), "--target", target, "--to", str(_models(table)), "--json"]


def _part(name: str, table: Path) -> list[str]:
    return [sys.executable, __file__, "--part", name, "--table", str(table)]


def _models(table: Path) -> Path:
    return table.parent / f"models of {table.stem}"


def _measured(name: str, command: list[str], table: Path) -> Step:
    project = Path(__file__).parents[1]
    environment = os.environ | {"SLIPWAY_HOME": str(table.parent / "home"), "PYTHONPATH": str(project)}
    screen = table.with_suffix(".screen")
    began = time.monotonic()
    with screen.open("w") as errors, table.with_suffix(".out").open("w") as output:
        process = subprocess.Popen(command, env=environment, cwd=table.parent, stdout=output, stderr=errors)
        _, status, used = os.wait4(process.pid, 0)
    seconds, megabytes = time.monotonic() - began, used.ru_maxrss / 1_000
    if status:
        raise SystemExit(f"{name} failed:\n{screen.read_text()}")
    shown = json.loads(table.with_suffix(".out").read_text())
    more = {key: value for key, value in shown.items() if isinstance(value, float)} if name != "slipway new" else {}
    return Step(name, seconds, megabytes, megabytes * 1e6 / table.stat().st_size, screen.read_text().count("Warning"), more)


def _validation(table: Path) -> dict[str, float]:
    """Fetch, validate and keep the rows as a release does."""
    from slipway.data import fetching, typed_rows
    from slipway.drafting.drafting import executed

    spec = executed((_models(table) / f"{table.stem}.py").read_text(), table.stem)
    began = time.monotonic()
    snapshot = fetching.fetch(spec, None, table.parent / "snapshots")
    fetched = time.monotonic() - began
    rows = typed_rows.read(spec, snapshot)
    seconds = time.monotonic() - began - fetched
    return {"seconds to fetch": fetched, "seconds a million cells": seconds / (rows.size / 1e6), "million cells": rows.size / 1e6}


def _category(table: Path) -> dict[str, float]:
    """Tune, measure and compile a logistic regression on every value of the category, and ask its engine."""
    from slipway.bundle.borders import border_rows, prove_rows
    from slipway.bundle.cells import columns_of
    from slipway.bundle.engine import open_engine
    from slipway.data.validation import validate
    from slipway.training.measuring import measure
    from slipway.training.search.tuning import tune
    from slipway.training.splitting import split

    spec = _with_every_value(table)
    began = time.monotonic()
    rows = split(spec, validate(spec, table))
    validated = time.monotonic()
    measured = measure(spec, rows, tune(spec, rows, spec.dataset.sha256, TRIALS, table.parent / "studies"))
    fitted = time.monotonic()
    bundle = _bundle(spec, measured.pipeline, rows.test, table.parent / "bundle")
    engine, contract = open_engine(bundle), bundle.contract
    prove_rows(spec.name, measured.pipeline, engine, contract, rows.test)
    prove_rows(spec.name, measured.pipeline, engine, contract, border_rows(measured.pipeline, contract, rows.test))
    proved = time.monotonic()
    return {
        "validation s": validated - began,
        "search and fit s": fitted - validated,
        "bundle and proof s": proved - fitted,
        **{f"ms for {count:,} rows": _milliseconds(engine, columns_of(rows.test.head(count), contract.columns)) for count in (1, ASKED)},
        "bundle MB": sum(file.stat().st_size for file in (table.parent / "bundle").iterdir()) / 1e6,
        "accuracy": measured.metrics["accuracy"],
    }


def _with_every_value(table: Path) -> ModelSpec:
    """Return the drafted model with every value of the category, and a logistic regression in place of its estimator."""
    from optuna.distributions import FloatDistribution
    from sklearn.linear_model import LogisticRegression

    from slipway.drafting.drafting import executed
    from slipway.spec import Category, Preparation

    drafted = executed((_models(table) / f"{table.stem}.py").read_text(), table.stem)
    values = tuple(sorted(pd.read_csv(table)["town"].unique()))
    features = dict(drafted.columns.features) | {"town": Category(values, "Town", other=True)}
    return replace(
        drafted,
        columns=replace(drafted.columns, features=features),
        estimator=LogisticRegression(max_iter=500),
        search_space={"C": FloatDistribution(0.05, 5, log=True)},
        preparation=Preparation(),
    )


def _bundle(spec: ModelSpec, pipeline: Pipeline, rows: pd.DataFrame, folder: Path) -> Bundle:
    """Compile a pipeline, and write its bundle without a registered version."""
    from slipway.bundle.cells import rows_of
    from slipway.bundle.compiling import compile_model, contract_columns
    from slipway.bundle.contract import Contract, Probe, of_output
    from slipway.bundle.writing import write

    compiled = compile_model(spec, pipeline)
    contract = Contract(
        format=1,
        model=spec.name,
        registered_as=spec.name,
        version=1,
        run_id="",
        engine=compiled.engine,
        description="",
        columns=contract_columns(spec),
        target=spec.columns.target.name,
        data_sha256="",
        sample=False,
        metrics={},
        mlflow_version="",
        created_at="",
        **of_output(spec.problem.output(None)),
    )
    return write(folder, compiled.files, contract, Probe(rows_of(rows.head(5), contract.columns), [0] * 5, [[1.0, 0.0]] * 5))


def _milliseconds(engine: object, asked: object) -> float:
    times = []
    for _ in range(20):
        began = time.perf_counter()
        engine.probabilities(asked)  # type: ignore[attr-defined]
        times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2] * 1_000


PARTS = {"validation": _validation, "category": _category}

if __name__ == "__main__":
    main()
