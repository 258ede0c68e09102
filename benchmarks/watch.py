"""How often the watch raises a false alarm, how soon it finds drift, and how long a large window takes.

    python benchmarks/watch.py [--models heart-failure ...] [--runs 10] [--outcome-runs 2] [--rows 100_000] [--json]

For example: SLIPWAY_MIRROR=/path/to/rows python benchmarks/watch.py --models heart-failure telecom-churn --runs 50

Each model is fitted with fixed parameters: the watch is measured, not the model. A run is a stream of `slipway simulate`, drawn with
replacement from the held-out rows with a seed of its own, cut into windows by the model's plan, and judged by the policy after each
window. Undrifted runs have 20 windows: how many are bad, with Wilson's 95 % interval, and in how many runs there is an alarm. Drifted runs,
at the default sizes, have 3 windows: after which of them the alarm is raised. Outcomes are judged in fewer runs, because intervals are
bootstrapped. All windows and runs of a model share its held-out rows: if those are few, they differ from the training rows by chance, and
so does every window drawn from them.

Then one window of many rows, in a process of its own for each side: judged; judged, with the page; and Evidently's `DataDriftPreset` alone
with its page, on the same rows. Seconds are without imports; memory is the process's peak, imports included. Rows are the real ones if
SLIPWAY_MIRROR is set, else generated ones.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from slipway.catalogue import lookup
from slipway.data import fetching, samples, validation
from slipway.monitoring import performance, policy
from slipway.monitoring.drift.drift import Reference, find
from slipway.monitoring.findings import Window
from slipway.monitoring.report import report
from slipway.monitoring.simulation import drawing
from slipway.problems.classification.evaluation import Evaluation
from slipway.records import Tuned
from slipway.spec import ModelSpec
from slipway.training.measuring import Measured, measure
from slipway.training.splitting import Rows, split

PARAMETERS: dict[str, dict[str, Any]] = {
    "heart-failure": {"C": 0.05, "preparation.zeros": "impute"},
    "telecom-churn": {"n_estimators": 200, "criterion": "gini", "max_features": 6, "min_samples_leaf": 2, "class_weight": "balanced"},
    "aids-trial": {"criterion": "gini", "max_features": 8, "min_samples_leaf": 3, "max_samples": 0.7},
    "diabetes": {"criterion": "gini", "max_depth": 12, "min_samples_leaf": 5, "max_features": 6},
    "student-dropout-svm": {"estimator__C": 4.0, "estimator__gamma": 2.0**-7},
}
UNDRIFTED, DRIFTED = 20, 3  # windows of a run
LARGE = ("telecom-churn", "diabetes")
START = datetime(2026, 1, 1, tzinfo=UTC)


class Model:
    """A fitted model, its training and test rows, and the reference of its windows."""

    def __init__(self, name: str, folder: Path) -> None:
        self.spec = lookup(name)
        mirror = os.environ.get("SLIPWAY_MIRROR")
        self.snapshot = fetching.fetch(self.spec, mirror, folder) if mirror else samples.generate(self.spec, folder)
        self.rows: Rows = split(self.spec, validation.validate(self.spec, self.snapshot.path))
        self.measured: Measured = measure(self.spec, self.rows, _parameters(self.spec))
        truth = self.rows.test_labels.tolist()
        self.reference = Reference(self.rows.train, self.measured.evaluation.labels, truth)
        self.registered = performance.registered(self.spec, self.rows.test, self.measured.evaluation)

    def answer(self, stream: drawing.Stream) -> Evaluation:
        return self.spec.problem.ask(self.measured.pipeline, stream.rows, stream.outcomes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=PARAMETERS, default=["heart-failure", "telecom-churn"], help="which models")
    parser.add_argument("--runs", type=int, default=10, help="streams of each kind (10)")
    parser.add_argument("--outcome-runs", type=int, default=2, help="streams of which outcomes are judged (2); 0: none")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the large window (100,000); 0: none")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        print(json.dumps(_side(asked.models[0], asked.side, asked.folder)))
        return
    with tempfile.TemporaryDirectory() as folder:
        models = {name: Model(name, Path(folder)) for name in asked.models}
        sample = any(model.snapshot.sample for model in models.values())
        streams = [line for model in models.values() for line in _streams(model, asked.runs, asked.outcome_runs)]
        large = [
            line for name in LARGE if asked.rows for line in _large(models.get(name) or Model(name, Path(folder)), asked.rows, Path(folder))
        ]
    if asked.json:
        print(json.dumps({"rows": "sample" if sample else "real", "streams": streams, "large": large}, indent=1))
    else:
        print(f"{'sample' if sample else 'real'} rows\n\n{_stream_table(streams)}\n\n{_large_table(large)}")


def _streams(model: Model, runs: int, outcome_runs: int) -> list[dict[str, Any]]:
    """Return a line for each kind of stream, by served rows or by outcomes."""
    judged: list[tuple[drawing.DriftKind, bool]] = [(kind, False) for kind in ("none", "covariate", "label")]  # type: ignore[misc]
    found = []
    for kind, outcomes in [*judged, ("none", True), ("concept", True)]:
        number = outcome_runs if outcomes else runs
        if not number:
            continue
        began, bad, first = time.perf_counter(), 0, []
        windows = UNDRIFTED if kind == "none" else DRIFTED
        for seed in range(number):
            bad_now, alarm = _run(model, kind, outcomes, windows, seed)
            bad, first = bad + bad_now, [*first, alarm]
        low, high = _wilson(bad, number * windows)
        alarms = [alarm for alarm in first if alarm]
        line = {"model": model.spec.name, "drift": kind, "of": "outcomes" if outcomes else "served rows", "runs": number}
        line |= {
            "windows": number * windows,
            "bad": bad,
            "low": low,
            "high": high,
            "alarms": len(alarms),
            "latest": max(alarms, default=None),
        }
        found.append(line)
        print(f"{line} in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def _run(model: Model, kind: drawing.DriftKind, outcomes: bool, windows: int, seed: int) -> tuple[int, int | None]:
    """Return how many windows of a stream are bad, and the number of the window after which an alarm is raised."""
    spec, size = model.spec, model.spec.watch.rows
    stream = drawing.simulate(spec, model.rows, kind, windows * size, seed=seed)
    answers, judged, alarm = model.answer(stream), list[Window](), None
    for number in range(1, windows + 1):
        part = slice((number - 1) * size, number * size)
        judged.append(_window(model, number, stream.rows[part], _part(answers, part), outcomes))
        if alarm is None and policy.judge(judged, spec.watch, now=judged[-1].last).alarm:
            alarm = number
    return sum(window.bad for window in judged), alarm


def _window(model: Model, number: int, rows: pd.DataFrame, answers: Evaluation, outcomes: bool) -> Window:
    spec, at = model.spec, START + timedelta(days=number)
    finding = None if outcomes else find(spec, model.reference, rows, answers.labels)
    figures = performance.measure(spec, rows, answers, model.registered, sample=model.snapshot.sample) if outcomes else None
    return Window(
        model=spec.name,
        version=1,
        kind="outcomes" if outcomes else "served",
        number=number,
        first=at,
        last=at,
        rows=len(rows),
        judged=True,
        reason="measured",
        drift=finding,
        performance=figures,
    )


def _part(answers: Evaluation, part: slice) -> Evaluation:
    return Evaluation(answers.target, answers.truth[part], answers.labels[part], answers.probabilities[part])


def _parameters(spec: ModelSpec) -> Tuned:
    said = {"study": "none", "score": 0.0, "metric": spec.metric, "trials": 0, "folds": spec.folds, "repeats": 1, "seed": spec.split.seed}
    return Tuned(model=spec.name, parameters=PARAMETERS[spec.name], **said)  # type: ignore[arg-type]


def _wilson(hits: int, of: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    found = binomtest(hits, of).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def _large(model: Model, rows: int, folder: Path) -> list[dict[str, Any]]:
    stream = drawing.simulate(model.spec, model.rows, "none", rows)
    stream.rows.to_parquet(folder / "window.parquet")
    model.rows.train.to_parquet(folder / "training.parquet")
    labels = {"window": model.answer(stream).labels, "reference": model.measured.evaluation.labels}
    (folder / "labels.json").write_text(json.dumps(labels))
    found = []
    for side in SIDES:
        command = [sys.executable, __file__, "--side", side, "--models", model.spec.name, "--folder", str(folder)]
        figures = json.loads(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout)
        found.append({"model": model.spec.name, "rows": rows, "training": len(model.rows.train), "side": side, **figures})
    return found


def _side(name: str, side: str, folder: Path) -> dict[str, float]:
    import evidently.presets  # noqa: F401  (several seconds, and the same for all)

    spec, labels = lookup(name), json.loads((folder / "labels.json").read_text())
    reference = Reference(pd.read_parquet(folder / "training.parquet"), labels["reference"], [])
    window = pd.read_parquet(folder / "window.parquet")
    began, worked = time.perf_counter(), time.process_time()
    SIDES[side](spec, reference, window, labels["window"], folder / "page.html")
    return {"seconds": time.perf_counter() - began, "processor": time.process_time() - worked, "peak_mb": _peak()}


def _judged(spec: ModelSpec, reference: Reference, window: pd.DataFrame, labels: list[Any], _: Path) -> None:
    find(spec, reference, window, labels)


def _with_page(spec: ModelSpec, reference: Reference, window: pd.DataFrame, labels: list[Any], page: Path) -> None:
    report(spec, reference, window, labels, find(spec, reference, window, labels), page)


def _evidently(spec: ModelSpec, reference: Reference, window: pd.DataFrame, labels: list[Any], page: Path) -> None:
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    numeric = list(spec.columns.numeric)
    definition = DataDefinition(numerical_columns=numeric, categorical_columns=[*spec.columns.categorical, "prediction"])
    learnt = reference.training.assign(prediction=np.resize(reference.labels, len(reference.training)))
    sides = [Dataset.from_pandas(frame, data_definition=definition) for frame in (window.assign(prediction=labels), learnt)]
    Report([DataDriftPreset()]).run(*sides).save_html(str(page))


SIDES = {"judged": _judged, "judged, with the page": _with_page, "Evidently alone, with its page": _evidently}


def _peak() -> float:
    """Return the peak memory of this process in MB. `getrusage` would include the parent's memory at the start of the process."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e3


def _stream_table(lines: list[dict[str, Any]]) -> str:
    head = ["| model | drift | judged | windows | bad | 95 % interval | alarms | latest in window |", "|---|---|---|---|---|---|---|---|"]
    return "\n".join(
        head
        + [
            f"| {line['model']} | {line['drift']} | {line['of']} | {line['windows']} | {line['bad']} | "
            f"{line['low']:.1%} to {line['high']:.1%} | {line['alarms']} of {line['runs']} runs | {line['latest'] or ''} |"
            for line in lines
        ]
    )


def _large_table(lines: list[dict[str, Any]]) -> str:
    head = ["| model | rows, and training rows | | seconds | of the processor | peak memory, MB |", "|---|---|---|---|---|---|"]
    return "\n".join(
        head
        + [
            f"| {line['model']} | {line['rows']:,}, {line['training']:,} | {line['side']} | {line['seconds']:.1f} | "
            f"{line['processor']:.1f} | {line['peak_mb']:.0f} |"
            for line in lines
        ]
    )


if __name__ == "__main__":
    main()
