"""Sample rows for trying the system out on a machine that cannot reach the origins, generated from per-class statistics with a seed.

A sample has at most 2,000 rows, with the classes in the proportion of the original. Columns are drawn independently within a class, so a
model learns effects that exist, but not how strong they are; every place that shows such a model says so.

    python -m slipway.data.samples heart-failure heart.csv    derives the statistics from a file of rows, as `slipway samples` does
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from slipway.data import dates, fetching, manifests, snapshots, texts
from slipway.data.sample_statistics import QUANTILES, Statistics, derive, keep, names_of, statistics
from slipway.files.checksums import digest
from slipway.records import Snapshot
from slipway.spec import Category, Date, Feature, ModelSpec, Numeric, Text

__all__ = ["MOST_ROWS", "QUANTILES", "derive", "draw", "generate", "main", "origin", "rows_of_classes", "statistics"]

logger = logging.getLogger(__name__)

MOST_ROWS, LEAST_OF_A_CLASS, ROWS_OF_A_GROUP = 2_000, 100, 2
OTHER = "another value"  # a text that is in no list of values, for a category that takes such texts


def generate(spec: ModelSpec, folder: Path) -> Snapshot:
    """Write the sample rows of a model as `<name>-sample-<sha12>.csv` and return their snapshot; the same bytes every time.

    Raises:
        DeclinedError: The model has no statistics, or its file has changed since they were derived.
    """
    content = draw(spec, statistics(spec)).to_csv(index=False, lineterminator="\n").encode()
    sha256 = digest(content)
    path = snapshots.path_of(folder, spec.name, sha256, sample=True)
    fetching.store(content, path)
    made = snapshots.snapshot(spec.name, path, sha256, origin(spec), sample=True)
    if manifests.read(path) is None:  # the same bytes every time
        manifests.note(made, "sample")
    logger.info("%s: generated %d sample rows", spec.name, made.rows)
    return made


def origin(spec: ModelSpec) -> str:
    """Return the origin that is recorded for generated rows."""
    return f"sample:{spec.name}"


def draw(spec: ModelSpec, facts: Statistics) -> pd.DataFrame:
    """Draw the rows of each class, in a random order from the split's seed."""
    generator = np.random.default_rng(spec.split.seed)
    parts = []
    for label, rows in rows_of_classes({label: int(known["rows"]) for label, known in facts["classes"].items()}).items():
        known = facts["classes"][label]
        part = {name: _draw_column(kind, known["columns"][name], rows, generator) for name, kind in spec.columns.features.items()}
        parts.append(pd.DataFrame({**part, spec.columns.target.name: spec.problem.cells_of_group(label, rows)}))
    drawn = pd.concat(parts, ignore_index=True)
    drawn = drawn.iloc[generator.permutation(len(drawn))].reset_index(drop=True)
    if spec.columns.weight:
        drawn[spec.columns.weight] = 1
    if spec.split_only:  # a time or an id of its own for each row or each few rows: no statistics have one
        drawn[spec.split_only] = np.arange(len(drawn)) // (1 if spec.split.by else ROWS_OF_A_GROUP)
    return drawn


def rows_of_classes(original: dict[str, int]) -> dict[str, int]:
    """Return how many rows of each class a sample has: those of the original, or the same proportions of `MOST_ROWS`.

    A class whose proportion is less than `LEAST_OF_A_CLASS` gets that many, or all it has, and the others share the rest.
    """
    if sum(original.values()) <= MOST_ROWS:
        return original
    least = min(LEAST_OF_A_CLASS, MOST_ROWS // (2 * len(original)))
    few: dict[str, int] = {}
    while True:
        left = {label: rows for label, rows in original.items() if label not in few}
        shares = {label: (MOST_ROWS - sum(few.values())) * rows // sum(left.values()) for label, rows in left.items()}
        too_few = {label: min(least, left[label]) for label, share in shares.items() if share < min(least, left[label])}
        if not too_few:
            return {label: (few | shares)[label] for label in original}
        few |= too_few


def _draw_column(kind: Feature, known: Any, rows: int, generator: np.random.Generator) -> Any:
    if not kind.missing:
        return _draw_cells(kind, known, rows, generator)
    if not known["present"]:
        return np.full(rows, None, dtype=object)
    cells = pd.Series(_draw_cells(kind, known["present"], rows, generator)).astype(object)
    return cells.mask(generator.random(rows) < known["missing"])


def _draw_cells(kind: Feature, known: Any, rows: int, generator: np.random.Generator) -> Any:
    if isinstance(kind, Date):
        levels = np.linspace(0, 1, len(known["quantiles"]))
        times = pd.Series(np.interp(generator.random(rows), levels, known["quantiles"]).astype("datetime64[s]"))
        return times.dt.strftime(kind.format) if kind.format else dates.iso(times, kind)
    if isinstance(kind, Text):
        return texts.draw(kind, known, rows, generator)
    if not isinstance(kind, Numeric) or kind.nominal:
        return _draw_names(kind, known, rows, generator)
    levels = np.linspace(0, 1, len(known["quantiles"]))
    values = np.interp(generator.random(rows), levels, known["quantiles"])
    values = np.clip(np.round(values, known["decimals"]), kind.low, kind.high)  # rounding may leave the range
    return values.astype("int64") if kind.integer else values


def _draw_names(kind: Feature, known: Any, rows: int, generator: np.random.Generator) -> Any:
    values, counts = list(names_of(kind)), known
    if isinstance(kind, Category) and kind.other:
        values, counts = [*values, OTHER], {**known["values"], OTHER: known["others"]}
    names = np.array(values, dtype=np.int64 if isinstance(kind, Numeric) else object)
    shares = np.array([counts.get(str(value), 0) for value in names], dtype="float64")
    # every value is in too few rows to be counted: none is known to be more frequent than another
    shares = shares if shares.any() else np.ones(len(names))
    return generator.choice(names, size=rows, p=shares / shares.sum())


def main(arguments: list[str]) -> None:
    from slipway.catalogue import lookup
    from slipway.data.validation import validate

    if len(arguments) != 2 or arguments[0] in {"-h", "--help"}:
        raise SystemExit(__doc__)
    spec = lookup(arguments[0])
    kept = keep(spec, validate(spec, Path(arguments[1])))
    print(f"{spec.name}: statistics written to {kept.path.name}")


if __name__ == "__main__":
    main(sys.argv[1:])
