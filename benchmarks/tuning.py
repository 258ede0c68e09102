"""How long a search for a forest's hyperparameters takes with Slipway, plain Optuna, and scikit-learn's successive halving.

    python benchmarks/tuning.py [--trials 50] [--folds 5] [--space project|catalogue] [--json]

The model is telecom-churn on its twelve raw features, F1, on the same folds for all. `--space project` is the space of the model's first
project, in which many points grow the same trees; `--space catalogue` is that of the model's file. Rows are the real ones if
SLIPWAY_MIRROR is set, else generated ones.

Slipway's search is `slipway.training.search.tuning.tune` on all cores. Plain Optuna is `study.optimize` over `cross_val_score` of the
whole pipeline, with the defaults of the same sampler, one trial after another, without pruning. Halving is `HalvingRandomSearchCV` on all
cores, with the same number of candidates, the last of them on nearly all rows. Its winner is scored on the same folds afterwards,
untimed, so that all scores can be compared. It has no score before it ends.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
import psutil
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.samplers import TPESampler
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import HalvingRandomSearchCV, RepeatedStratifiedKFold, cross_val_score

from slipway.catalogue import lookup
from slipway.data import fetching, samples, validation
from slipway.records import Snapshot
from slipway.spec import ModelSpec
from slipway.training.pipelines import MODEL_STEP, build
from slipway.training.search.tuning import tune
from slipway.training.splitting import Rows, split

MODEL = "telecom-churn"
CORES = os.cpu_count() or 1
PROJECT = {
    "n_estimators": IntDistribution(100, 500, step=50),
    "criterion": CategoricalDistribution(["gini", "entropy", "log_loss"]),
    "max_depth": IntDistribution(20, 100, step=5),
    "max_features": CategoricalDistribution(["sqrt", "log2"]),
    "class_weight": CategoricalDistribution(["balanced", "balanced_subsample"]),
}


@dataclass(frozen=True, slots=True)
class Search:
    """One search: its name, and the best cross-validated scores with the seconds after which each was known."""

    name: str
    progress: list[tuple[float, float]]
    cpu: float  # seconds of this process and its workers; other programs on the machine disturb them less than the wall time

    @property
    def wall(self) -> float:
        """Seconds from start to end."""
        return self.progress[-1][0]

    @property
    def score(self) -> float:
        """The best mean over the folds."""
        return self.progress[-1][1]

    def reached(self, score: float) -> float | None:
        """Return the seconds until a score as good as this was known; None if there was none."""
        return next((seconds for seconds, best in self.progress if best >= score - 1e-12), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=50, help="points that each search may try (50)")
    parser.add_argument("--folds", type=int, default=5, help="folds that each point is scored on (5)")
    parser.add_argument("--space", choices=["project", "catalogue"], default="project", help="what is searched (project)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        spec = _spec(asked.space, asked.folds)
        snapshot = _rows(spec, Path(folder))
        rows = split(spec, validation.validate(spec, snapshot.path))
        searches = [
            _ours(spec, rows, asked.trials, snapshot.sha256, Path(folder)),
            _plain(spec, rows, asked.trials),
            _halving(spec, rows, asked.trials),
        ]
    kind = "sample rows" if snapshot.sample else "real rows"
    if asked.json:
        found = {
            search.name: {"seconds": search.wall, "cpu": search.cpu, "score": search.score, "progress": search.progress}
            for search in searches
        }
        print(
            json.dumps(
                {"rows": kind, "cores": CORES, "trials": asked.trials, "folds": asked.folds, "space": asked.space, "searches": found}
            )
        )
    else:
        print(f"{len(rows.train):,} training rows ({kind}), {asked.trials} trials, {asked.folds} folds, {CORES} cores\n")
        print(_table(searches))


def _spec(space: str, folds: int) -> ModelSpec:
    spec = lookup(MODEL)
    # without the derived column, which would improve every score
    spec = replace(spec, columns=replace(spec.columns, derived={}), metric="f1", folds=folds, repeats=1, tune_threshold=False)
    return replace(spec, search_space=PROJECT) if space == "project" else spec


def _rows(spec: ModelSpec, folder: Path) -> Snapshot:
    mirror = os.environ.get("SLIPWAY_MIRROR")
    return fetching.fetch(spec, mirror, folder) if mirror else samples.generate(spec, folder)


def _ours(spec: ModelSpec, rows: Rows, trials: int, sha256: str, folder: Path) -> Search:
    report, progress = _reporter("ours", trials)
    before = _used()
    tune(spec, rows, sha256, trials, folder, lambda _, __, best: report(best), CORES)
    return Search("ours", progress, _spent(before))


def _plain(spec: ModelSpec, rows: Rows, trials: int) -> Search:
    report, progress = _reporter("plain Optuna", trials)

    def objective(trial: optuna.Trial) -> float:
        parameters = {name: _suggest(trial, name, kind) for name, kind in spec.search_space.items()}
        return _score(spec, rows, parameters)

    before = _used()
    study = optuna.create_study(direction="maximize", sampler=TPESampler(seed=spec.split.seed))
    study.optimize(objective, n_trials=trials, callbacks=[lambda study, _: report(study.best_value)])
    return Search("plain Optuna", progress, _spent(before))


def _halving(spec: ModelSpec, rows: Rows, trials: int) -> Search:
    report, progress = _reporter("halving", 1)
    space = {f"{MODEL_STEP}__{name}": _choices(kind) for name, kind in spec.search_space.items()}
    search = HalvingRandomSearchCV(
        build(spec, {}),
        space,
        n_candidates=trials,
        min_resources="exhaust",
        scoring=make_scorer(f1_score, zero_division=0.0),  # a hundred rows may have no positive one
        cv=_folds(spec),
        n_jobs=CORES,
        random_state=spec.split.seed,
        refit=False,
    )
    started, before = time.perf_counter(), _used()
    search.fit(rows.train, rows.train_labels)
    seconds, cpu = time.perf_counter() - started, _spent(before)
    report(_score(spec, rows, {name.removeprefix(f"{MODEL_STEP}__"): value for name, value in search.best_params_.items()}))
    return Search("halving", [(seconds, progress[-1][1])], cpu)


def _used() -> dict[int, float]:
    """Return the seconds of a core that this process and each living worker have used, by process id."""
    here = psutil.Process()
    return {process.pid: sum(process.cpu_times()[:2]) for process in [here, *here.children(recursive=True)]}


def _spent(before: dict[int, float]) -> float:
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in _used().items())


def _score(spec: ModelSpec, rows: Rows, parameters: dict[str, Any]) -> float:
    return float(cross_val_score(build(spec, parameters), rows.train, rows.train_labels, scoring=spec.metric, cv=_folds(spec)).mean())


def _folds(spec: ModelSpec) -> RepeatedStratifiedKFold:
    return RepeatedStratifiedKFold(n_splits=spec.folds, n_repeats=spec.repeats, random_state=spec.split.seed)


def _suggest(trial: optuna.Trial, name: str, kind: Any) -> Any:
    if isinstance(kind, CategoricalDistribution):
        return trial.suggest_categorical(name, kind.choices)
    return trial.suggest_int(name, kind.low, kind.high, step=kind.step)


def _choices(kind: Any) -> list[Any]:
    return list(kind.choices) if isinstance(kind, CategoricalDistribution) else list(range(kind.low, kind.high + 1, kind.step))


def _reporter(name: str, wanted: int) -> tuple[Callable[[float], None], list[tuple[float, float]]]:
    """Return a function to call with the best score after each trial, and the list of (seconds from now, best score) that it fills."""
    started, progress = time.perf_counter(), list[tuple[float, float]]()

    def report(best: float) -> None:
        progress.append((time.perf_counter() - started, best))
        print(f"{name}: {len(progress)} of {wanted}, {progress[-1][0]:.1f} s, best {best:.4f}", file=sys.stderr, flush=True)

    return report, progress


def _table(searches: list[Search]) -> str:
    ours, plain, _ = searches
    shared = min(search.score for search in searches)
    lines = [
        "| search | all trials, s | CPU, s | best F1 | to the best F1 that all reach, s | to the best F1 of plain Optuna, s |",
        "|---|---|---|---|---|---|",
    ]
    for search in searches:
        times = [_seconds(search.reached(score)) for score in (shared, plain.score)]
        lines.append(f"| {search.name} | {search.wall:.1f} | {search.cpu:.0f} | {search.score:.4f} | {times[0]} | {times[1]} |")
    for other in searches[1:]:
        times = [_ratio(other.reached(score), ours.reached(score)) for score in (shared, plain.score)]
        ratios = f"{other.wall / ours.wall:.1f} | {other.cpu / ours.cpu:.1f} | {other.score / ours.score:.3f}"
        lines.append(f"| {other.name} / ours | {ratios} | {times[0]} | {times[1]} |")
    return "\n".join(lines)


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f}"


def _ratio(theirs: float | None, ours: float | None) -> str:
    return "-" if theirs is None or ours is None else f"{theirs / ours:.1f}"


if __name__ == "__main__":
    main()
