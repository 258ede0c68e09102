"""A description of training and test rows, column by column."""

from __future__ import annotations

from typing import Any

import pandas as pd

from slipway.rendering.markdown import table
from slipway.rows.words import words
from slipway.spec import Date, Feature, ModelSpec, Numeric, Text
from slipway.training.splitting import Rows

Profile = dict[str, dict[str, dict[str, Any]]]

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
SHOWN = 8  # categories in one cell of the table; the JSON has all


def profile(spec: ModelSpec, rows: Rows) -> Profile:
    """Return part ("training", "test") -> column -> facts; numbers are in the columns' own units.

    Every column has `count`, `missing` and `unique`; numbers have `mean`, `sd` and `quantiles`, dates `first` and `last`, categories and
    classes have `counts`. Of texts, `mean`, `sd` and `quantiles` are of how many words they have: no text is copied.
    """
    parts = {"training": (rows.train, rows.train_labels), "test": (rows.test, rows.test_labels)}
    target, number = spec.columns.target.name, not spec.columns.target.answers_are_categories
    return {
        part: {name: _of_feature(features[name], kind) for name, kind in spec.columns.features.items()} | {target: _facts(labels, number)}
        for part, (features, labels) in parts.items()
    }


def _of_feature(cells: pd.Series[Any], kind: Feature) -> dict[str, Any]:
    if not isinstance(kind, Date | Text):
        return _facts(cells, isinstance(kind, Numeric))
    counted = {"count": int(cells.count()), "missing": int(cells.isna().sum()), "unique": int(cells.nunique())}
    if isinstance(kind, Text):
        lengths = pd.Series([len(words(text)) for text in cells.dropna()], dtype="float64")
        return _facts(lengths, numeric=True) | counted | {"of": "words"}
    present = sorted(cells.dropna())  # as ISO texts they are in the order of time
    return counted | {"first": present[0] if present else "", "last": present[-1] if present else ""}


def _facts(cells: pd.Series[Any], numeric: bool) -> dict[str, Any]:
    facts = {"count": int(cells.count()), "missing": int(cells.isna().sum()), "unique": int(cells.nunique())}
    if not numeric:
        return facts | {"counts": {str(value): int(count) for value, count in cells.value_counts().items()}}
    quantiles = {f"{level:g}": float(cells.quantile(level)) for level in QUANTILES}
    return facts | {"mean": float(cells.mean()), "sd": float(cells.std()), "quantiles": quantiles}


def as_markdown(found: Profile) -> str:
    """Return one table with a line for the training rows and a line for the test rows of each column."""
    head = ["column", "rows", "count", "missing", "unique", "mean", "sd", "min", "25 %", "median", "75 %", "max", "values"]
    lines = [[column, part, *_cells(found[part][column])] for column in found["training"] for part in found]
    return "\n".join(["# The rows, column by column", "", *table(head, lines), ""])


def _cells(facts: dict[str, Any]) -> list[str]:
    counted = [str(facts[key]) for key in ("count", "missing", "unique")]
    if "first" in facts:
        return [*counted, *[""] * (2 + len(QUANTILES)), f"{facts['first']} to {facts['last']}"]
    if "counts" not in facts:
        return [*counted, *[f"{value:.4g}" for value in (facts["mean"], facts["sd"], *facts["quantiles"].values())], facts.get("of", "")]
    named = [f"{value}: {count}" for value, count in facts["counts"].items()]
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return [*counted, *[""] * (2 + len(QUANTILES)), ", ".join(named[:SHOWN]) + more]
