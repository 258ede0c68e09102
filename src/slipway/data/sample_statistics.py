"""The statistics that sample rows are drawn from: facts about a data set, and no rows of it.

Per class they have the number of rows, per column of numbers or dates its quantiles, per category or code how often it occurs, and of
texts no word: see `slipway.data.texts`. Those of a model of one's own are beside its file, `ward_stay.statistics.json` beside
`ward_stay.py`; those of the project's models are in `slipway/data/statistics`, by data set, so that models of the same rows share them.

The project's data sets are public. Of the rows of anybody else, nothing is written that fewer than `FEWEST` rows share: the lowest and the
highest number are means of so many, a value in fewer rows counts as in none, and a text that the model's file does not list is only
counted.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway import models
from slipway.data import dates, texts
from slipway.errors import DeclinedError, StorageError
from slipway.files.replacing import replace
from slipway.spec import Boolean, Category, Date, Feature, ModelSpec, Numeric, Target, Text

QUANTILES = 41
FEWEST = 5  # rows
ENDING = ".statistics.json"
BAND = " to "  # in the name of each group of a number to predict
PROJECT = Path(__file__).with_name("statistics")

Statistics = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeptStatistics:
    """The file with the statistics of a model. `changed`: it was written, and had another content before or did not exist."""

    path: Path
    facts: Statistics
    changed: bool


def place(spec: ModelSpec) -> Path:
    """Return the path of a model's statistics; a challenger has those of the model that it challenges."""
    return PROJECT / f"{Path(spec.dataset.file).stem}.json" if _is_of_project(spec) else _own_folder() / f"{_module(spec)}{ENDING}"


def _is_of_project(spec: ModelSpec) -> bool:
    return len(list(models.__path__)) == 1 or (Path(models.__file__).parent / f"{_module(spec)}.py").exists()


def _own_folder() -> Path:
    return Path(list(models.__path__)[-1])


def _module(spec: ModelSpec) -> str:
    return spec.service.replace("-", "_")


def statistics(spec: ModelSpec) -> Statistics:
    """Return the statistics of a model's rows.

    Raises:
        DeclinedError: It has none, or its file has changed since they were derived.
    """
    path, derive = place(spec), f"`slipway samples {spec.name}`"
    try:
        facts = cast(Statistics, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise DeclinedError(
            f"{spec.name}: there are no statistics to draw sample rows from. Derive them from its rows with {derive}."
        ) from None
    if changed := _changed(spec, facts):
        raise DeclinedError(
            f"{spec.name}: {path.name} does not fit column {changed!r} of {spec.model_file}. Derive it again with {derive}."
        )
    return facts


def _changed(spec: ModelSpec, facts: Statistics) -> str:
    """Return a column that the model's file declares otherwise than when the statistics were derived; "" if there is none."""
    target, groups = spec.columns.target, facts["classes"]
    same = set(groups) == set(map(str, target.labels)) if isinstance(target, Target) else all(BAND in group for group in groups)
    if not same:
        return target.name
    columns = [(name, kind, known["columns"].get(name)) for known in groups.values() for name, kind in spec.columns.features.items()]
    return next((name for name, kind, known in columns if not _fits(kind, known)), "")


def _fits(kind: Feature, known: Any) -> bool:
    """Return whether a column's statistics are those of its kind."""
    if kind.missing and isinstance(known, dict):
        if known.get("present", known) is None:
            return True
        known = known.get("present")
    if not isinstance(known, dict):
        return False
    if isinstance(kind, Date) or (isinstance(kind, Numeric) and not kind.nominal):
        return known.keys() == ({"quantiles"} if isinstance(kind, Date) else {"quantiles", "decimals"})
    if isinstance(kind, Category) and kind.other:
        return known.keys() == {"values", "others"}
    if isinstance(kind, Text):
        return known.keys() == {"words", "groups"}
    return known.keys() <= set(map(str, names_of(kind)))


def keep(spec: ModelSpec, rows: pd.DataFrame) -> KeptStatistics:
    """Derive the statistics of validated rows, and write them beside the model's file.

    Raises:
        StorageError: The file cannot be written.
    """
    path = place(spec)
    facts = derive(spec, rows, fewest=1 if _is_of_project(spec) else FEWEST)
    content = (json.dumps(facts, indent=1) + "\n").encode()
    if path.exists() and path.read_bytes() == content:
        return KeptStatistics(path, facts, changed=False)
    try:
        replace(path, content)
    except OSError as error:
        raise StorageError(
            f"{spec.name}: the statistics cannot be written to {path} ({error.strerror}). Check the rights of its folder."
        ) from None
    return KeptStatistics(path, facts, changed=True)


def derive(spec: ModelSpec, rows: pd.DataFrame, fewest: int = 1) -> Statistics:
    """Return the statistics of validated rows, per class.

    Args:
        fewest: Nothing is returned that fewer rows share; of a class with fewer, the columns are those of all rows.
    """
    return {
        "quantiles": QUANTILES,
        "classes": {
            group: {
                "rows": len(part),
                "columns": {name: _column_facts(kind, part[name], rows[name], fewest) for name, kind in spec.columns.features.items()},
            }
            for group, part in spec.problem.groups(rows, fewest).items()
        },
    }


def _column_facts(kind: Feature, cells: pd.Series[Any], of_all: pd.Series[Any], fewest: int) -> Any:
    if not kind.missing:
        return _cell_facts(kind, cells if len(cells) >= fewest else of_all, fewest)
    present, share = cells.dropna(), round(float(cells.isna().mean()), 6)
    if 0 < len(present) < fewest:
        present = of_all.dropna()
    return {"missing": share, "present": _cell_facts(kind, present, fewest) if len(present) >= fewest else None}


def _cell_facts(kind: Feature, cells: pd.Series[Any], fewest: int) -> Any:
    if isinstance(kind, Date):
        return {"quantiles": [round(value) for value in _quantiles(dates.seconds(cells).to_numpy(dtype="float64"), fewest)]}
    if isinstance(kind, Text):
        counts = _quantiles(texts.lengths(cells), fewest)
        return {"words": [round(count, 2) for count in counts], "groups": texts.groups(cells, fewest)}
    if not isinstance(kind, Numeric) or kind.nominal:
        return _counts(kind, cells, fewest)
    decimals = 0 if kind.integer else max(map(_decimals, cells.unique()))
    quantiles = _quantiles(cells.to_numpy(dtype="float64"), fewest)
    largest = max(map(abs, quantiles))
    digits = 6 if largest >= 1 or largest == 0 else 6 - math.floor(math.log10(largest))
    return {"decimals": decimals, "quantiles": [round(value, digits) for value in quantiles]}


def _quantiles(values: npt.NDArray[Any], fewest: int) -> list[float]:
    """Return the quantiles, with `fewest` values or more from one to the next; the outermost are means of so many."""
    levels = np.linspace(0, 1, max(2, min(QUANTILES, len(values) // fewest + 1)))
    found = np.quantile(values, levels)
    if fewest > 1:
        ordered = np.sort(values)
        found[0], found[-1] = ordered[:fewest].mean(), ordered[-fewest:].mean()
    return [float(value) for value in found]


def _decimals(number: float) -> int:
    """Return how many digits after the decimal point a number has when it is written."""
    exponent = Decimal(repr(float(number))).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def _counts(kind: Feature, cells: pd.Series[Any], fewest: int) -> dict[str, Any]:
    found = cells.value_counts().to_dict()
    counted = {str(value): int(found.get(value, 0)) for value in names_of(kind)}
    shown = {value: count if count >= fewest else 0 for value, count in counted.items()}
    if isinstance(kind, Category) and kind.other:
        return {"values": shown, "others": int(cells.notna().sum()) - sum(counted.values())}
    return shown


def names_of(kind: Feature) -> tuple[Any, ...]:
    """Return every value of a category, a boolean or a nominal number."""
    if isinstance(kind, Boolean):
        return (True, False)
    return kind.values if isinstance(kind, Category) else getattr(kind, "codes", ())
