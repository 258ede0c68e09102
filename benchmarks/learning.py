"""How soon a model that learns from outcomes recovers from drift, and how often it is replaced without a reason.

    python -m benchmarks.learning [--models heart-failure ...] [--seeds 2] [--whole] [--search] [--json]

For example: SLIPWAY_MIRROR=/path/to/rows python -m benchmarks.learning --models friedman

A course has twelve windows of the model's own size, and drifts from the fourth on: covariate, label or concept drift, of three sizes each.
After each window the watch judges rows and outcomes; an alarm leads to a release, and so does a schedule after every fourth window. All
decisions are those of the project's own functions: drawing, watch and its policy, joining, weights, rows set apart, gate. Servers,
compiled bundles and the search are left out: all versions have the same fixed parameters. Undrifted courses have twenty windows.

Two fifths of a table, at most 5,000 rows, are the pinned data set; the stream is drawn from the rest, each row once where there are
enough (diabetes, and friedman, whose rows are made). For heart-failure and telecom-churn there are not: rows are drawn again, each time
moved by a tenth of a standard deviation. A forest can recognise such a row, so their figures flatter the loop and the oracle.

The oracle is the same estimator, fitted on 3,000 labelled rows of the drifted world, drawn in the same way. A course has recovered in the
first window that is within .01 of the oracle, or within one standard error of its figure; of an error, within 1 %. Where the first version
itself is as near to the oracle over all drifted windows, there is nothing to recover, and the course is not counted.

On undrifted rows a promotion is needless if the version is no better than the one before on 3,000 other rows: from more rows of the same
world a version may learn more.

--search measures the processor seconds of a retrain beside those of a first release, both with their search and one job. Two seeds and the
middle size are measured; --whole has ten seeds and three sizes, and takes hours. Rows are the real ones if SLIPWAY_MIRROR is set, else
generated ones.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.learning_parts.course import Found, run
from benchmarks.learning_parts.tables import PARAMETERS, Table, table
from slipway.learning.apart import labels_of, like
from slipway.training.search.tuning import best_points, searched, tune
from slipway.training.splitting import Rows
from tasks.tuning import AGAIN

SIZES: dict[str, tuple[float, ...]] = {"covariate": (0.5, 1.0, 2.0), "label": (0.15, 0.3, 0.5), "concept": (0.15, 0.3, 0.5)}
WINDOWS, BEGINS, UNDRIFTED = 12, 4, 20
WITHIN = 3  # windows after the alarm


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=PARAMETERS, default=list(PARAMETERS), help="which models (all)")
    parser.add_argument("--drifts", nargs="*", choices=SIZES, default=list(SIZES), help="which drifts (all)")
    parser.add_argument("--seeds", type=int, default=2, help="courses of each kind (2)")
    parser.add_argument("--whole", action="store_true", help="ten seeds, three sizes: hours")
    parser.add_argument("--search", action="store_true", help="also the seconds of a retrain beside a first release")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args()
    seeds = range(max(asked.seeds, 10) if asked.whole else asked.seeds)
    lines: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.models:
            rows = table(name, Path(folder))
            for kind in [*asked.drifts, "none"]:
                sizes: Sequence[float] = (0.0,) if kind == "none" else SIZES[kind] if asked.whole else SIZES[kind][1:2]
                lines += [_line(rows, kind, size, seeds) for size in sizes]
            if asked.search:
                lines.append(_seconds(rows, Path(folder) / "studies"))
    print(json.dumps(lines, indent=1) if asked.json else _tables(lines))


def _line(rows: Table, kind: Any, size: float, seeds: Sequence[int]) -> dict[str, Any]:
    began, lower = time.perf_counter(), rows.spec.lower_is_better
    windows = UNDRIFTED if kind == "none" else WINDOWS
    found = [run(rows, kind, size, seed, windows=windows, begins=BEGINS) for seed in seeds]
    line = {
        "model": rows.spec.name,
        "rows": "sample" if rows.sample else "real or made",
        "drift": kind,
        "size": size,
        "courses": len(found),
        "windows": windows * len(found),
        "alarms": sum(len(one.alarms) for one in found),
        "promoted": sum(len(one.promoted) for one in found),
        "needless": sum(len(one.needless) for one in found),
        "refused": sum(len(one.refused) for one in found),
        "leaked": sum(one.leaked for one in found),
        "fixed": _mean([one.fixed[-1] for one in found if one.fixed]),
        "seconds": round(time.perf_counter() - began),
    }
    if kind != "none":
        after = slice(BEGINS - 1, None)
        line |= {name: _mean([figure for one in found for figure in getattr(one, name)[after]]) for name in ("on", "off", "oracle")}
        line["last_on"] = _mean([np.mean(one.on[-3:]) for one in found])
        line["recovered"] = [_recovered(one, lower) for one in found]
        line["without"] = [_first(one.off, one, BEGINS, lower) for one in found]
    print(f"{line}", file=sys.stderr, flush=True)
    return line


def _recovered(one: Found, lower: bool) -> int | str:
    """Return how many windows after the first alarm a course has recovered, or why that is not counted."""
    after = slice(BEGINS - 1, None)
    gap = (np.mean(one.off[after]) - np.mean(one.oracle[after])) * (1 if lower else -1)
    if gap <= np.mean(one.margin[after]):
        return "nothing to recover"
    alarm = next((number for number in one.alarms if number >= BEGINS), None)
    if alarm is None:
        return "no alarm"
    first = _first(one.on, one, alarm + 1, lower)
    return first - alarm if first else "not within the course"


def _first(figures: list[float], one: Found, start: int, lower: bool) -> int | None:
    """Return the number of the first window from `start` that is near the oracle's."""
    sign = 1 if lower else -1
    near = [(figure - best) * sign <= margin for figure, best, margin in zip(figures, one.oracle, one.margin, strict=True)]
    return next((number for number, is_near in enumerate(near, start=1) if number >= start and is_near), None)


def _seconds(rows: Table, folder: Path) -> dict[str, Any]:
    """Measure the processor seconds of a first search, and of one after rows of the log have come."""
    spec, sizes = searched(rows.spec, sample=rows.sample), rows.spec.watch.rows * (BEGINS + 1)
    began = time.process_time()
    tune(spec, rows.rows, "a" * 64, spec.trials, folder, jobs=1)
    first = time.process_time() - began
    world = rows.stream("concept", sizes, SIZES["concept"][1], 0)
    train = pd.concat([rows.rows.train, like(rows.rows.train, world.rows[spec.columns.names])], ignore_index=True)
    labels = pd.concat([rows.rows.train_labels, labels_of(rows.rows, world.outcomes)], ignore_index=True)
    more = Rows(train, labels, rows.rows.test, rows.rows.test_labels)
    again, began = math.ceil(spec.trials * AGAIN), time.process_time()
    points = best_points(spec, "b" * 64, "a" * 64, again, folder)
    tune(spec, more, "b" * 64, again, folder, jobs=1, first=points, rows_sha256="a" * 64)
    second = time.process_time() - began
    line = {"model": spec.name, "drift": "search", "first": first, "again": second, "share": second / first, "trials": (spec.trials, again)}
    line |= {"rows": (len(rows.rows.train), len(train))}
    print(f"{line}", file=sys.stderr, flush=True)
    return line


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 4) if len(values) else None


def _tables(lines: list[dict[str, Any]]) -> str:
    drifted = [line for line in lines if line["drift"] in SIZES]
    head = "| model | drift, size | loop off | loop on | oracle | last three | recovered after the alarm | promoted, refused |"
    found = [head, "|---|---|---|---|---|---|---|---|"]
    for line in drifted:
        figures = " | ".join(f"{line[name]:.3f}" for name in ("off", "on", "oracle", "last_on"))
        ends = ", ".join(map(str, line["recovered"]))
        found.append(
            f"| {line['model']} | {line['drift']}, {line['size']:g} | {figures} | {ends} | {line['promoted']}, {line['refused']} |"
        )
    quiet = [line for line in lines if line["drift"] == "none"]
    found += ["", "| model | undrifted windows | alarms | promoted | needless | refused |", "|---|---|---|---|---|---|"]
    found += [
        f"| {one['model']} | {one['windows']} | {one['alarms']} | {one['promoted']} | {one['needless']} | {one['refused']} |"
        for one in quiet
    ]
    for one in lines:
        if one["drift"] == "search":
            found.append(
                f"{one['model']}: a retrain searches {one['again']:.1f} s, a first release {one['first']:.1f} s: {one['share']:.2f}"
            )
    return "\n".join([*found, "", *_aims(lines, drifted, quiet)])


def _aims(lines: list[dict[str, Any]], drifted: list[dict[str, Any]], quiet: list[dict[str, Any]]) -> list[str]:
    concept = [end for line in drifted if line["drift"] == "concept" for end in line["recovered"] if end != "nothing to recover"]
    soon, silent = sum(isinstance(end, int) and end <= WITHIN for end in concept), concept.count("no alarm")
    windows, needless = sum(one["windows"] for one in quiet), sum(one["needless"] for one in quiet)
    leaked = sum(one.get("leaked", 0) for one in lines)
    found = [
        f"{_word(soon >= 0.9 * len(concept))}: {soon} of {len(concept)} concept drifts recovered within {WITHIN} windows after the alarm; "
        f"{silent} raised none",
        f"{_word(needless * 200 <= windows)}: {needless} needless promotions in {windows} undrifted windows (at most one in 200)",
        f"{_word(leaked == 0)}: {leaked} rows judged that were ever learnt from (none)",
    ]
    shares = [one["share"] for one in lines if one["drift"] == "search"]
    return [
        *found,
        *([f"{_word(max(shares) <= 0.3)}: a retrain searches at most {max(shares):.2f} of a first release (.3)"] if shares else []),
    ]


def _word(reached: bool) -> str:
    return "reached" if reached else "MISSED"


if __name__ == "__main__":
    main()
