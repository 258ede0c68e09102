"""Checking a file of rows against a model's columns. The error lists every violation, not only the first."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from slipway.data import dates
from slipway.data.tables import differences, reading
from slipway.data.tables.errors import TableError
from slipway.data.tables.numbers import numbers, written_otherwise
from slipway.errors import InvalidRowsError
from slipway.rows.checks import listed
from slipway.rows.spelling import BOOLEANS
from slipway.spec import CSV, Boolean, Category, Date, Feature, ModelSpec, Numeric, Table, Text

logger = logging.getLogger(__name__)

HASH = np.uint64(0x9E3779B97F4A7C15)
SHOWN = 5  # offending rows named per column
LARGEST = float(np.finfo(np.float32).max)  # a larger number is infinity to the engines


@dataclass(frozen=True, slots=True)
class File:
    """The file that cells come from, as far as the checks of a column need it."""

    name: str
    table: Table

    def numbers(self, cells: pd.Series[str]) -> pd.Series[float]:
        """Return the numbers that cells spell by the marks of the file's dialect; NaN where they spell none."""
        if isinstance(self.table, CSV):
            return numbers(cells, self.table.decimal, self.table.thousands)
        return numbers(cells)

    def other_marks(self, cells: pd.Series[str]) -> str | None:
        """Return what to write if cells that spell no number would do so by other marks; None if they would not."""
        if not isinstance(self.table, CSV) or (found := written_otherwise(cells, self.table)) is None:
            return None
        return differences.other_marks(self.name, self.table, str(cells.name), found, _places(cells))


def validate(spec: ModelSpec, path: Path, table: Table | None = None) -> pd.DataFrame:
    """Return the rows, typed: numbers as int64 or float64, booleans as bool, categories, dates and texts as text, the target as its labels.

    Where a cell may be missing, whole numbers and booleans are float64, so that NaN can be among them; so is a missing text.
    Dates are ISO text. Columns are the features in contract order, then the target, then the weight of each row as float64 if the
    spec names one; excluded columns are dropped, but for one that decides the split, which comes last.

    Args:
        table: The kind of the file, if it is not the one that the spec declares.
    Raises:
        InvalidRowsError: Lists every violation with its column, file lines (the header is line 1) and values.
    """
    table = spec.dataset.table if table is None else table
    text = _read_as_text(spec, path, table)
    violations = _column_violations(spec, path, table, text)
    if text.empty:
        raise _invalid(spec, path, violations)
    index, cells = text.index, {str(name): text[name] for name in text}
    del text  # the cells of each column are let go as soon as they are typed
    file = File(path.name, table)
    columns, found = _features(spec, cells, file)
    violations += found
    if (target := spec.columns.target.name) in cells:
        columns[target], found = _target(spec, cells.pop(target), file)
        violations += found
    if (weight := spec.columns.weight) in cells:
        columns[weight], found = _weights(cells.pop(weight), file)
        violations += found
    if spec.split_only and spec.split_only in cells:
        columns[spec.split_only], found = _of_split(cells.pop(spec.split_only), spec.split.by, file)
        violations += found
    cells.clear()
    pa.default_memory_pool().release_unused()  # which was that of the texts
    typed = pd.DataFrame(columns, index=index)
    columns.clear()  # the frame has its own copies
    if not violations:
        violations += spec.problem.leaks(typed, spec.columns.names)
    if violations:
        raise _invalid(spec, path, violations)
    repeated = _repeated(typed, [*spec.columns.names, target])
    dropped = spec.dataset.drop_duplicates and repeated.any()
    removed = " and are left out" if dropped else ""
    logger.info("%s: %d rows are valid; %d repeat an earlier row%s", spec.name, len(typed), repeated.sum(), removed)
    if dropped:
        return typed[~repeated].reset_index(drop=True)
    return typed.reset_index(drop=True)


def _repeated(rows: pd.DataFrame, names: list[str]) -> npt.NDArray[np.bool_]:
    """Return which rows repeat an earlier one in some columns.

    pandas alone would need as much memory again as the rows; here it compares only rows whose hashes are equal.
    """
    hashes = np.zeros(len(rows), dtype=np.uint64)
    for name in names:
        hashes = hashes * HASH + pd.factorize(rows[name])[0].astype(np.uint64)
    alike = pd.Series(hashes).duplicated(keep=False).to_numpy()
    repeated = np.zeros(len(rows), dtype=np.bool_)
    repeated[alike] = rows.loc[alike, names].duplicated().to_numpy()
    return repeated


def _read_as_text(spec: ModelSpec, path: Path, table: Table) -> pd.DataFrame:
    try:
        text = reading.read(path, table)
    except TableError as error:
        raise _invalid(spec, path, error.reasons) from None
    blank = reading.blank(text)
    return text[~blank] if blank.any() else text  # dropped afterwards, so that line numbers count blank lines


def _column_violations(spec: ModelSpec, path: Path, table: Table, text: pd.DataFrame) -> list[str]:
    columns, found = spec.columns, []
    needed = [*columns.features, columns.target.name, *(name for name in (columns.weight, spec.split_only) if name)]
    there = [name for name in needed if name in text.columns]
    if len(there) < len(needed) and (other := differences.other_dialect(path, table, columns_found=bool(there))):
        raise _invalid(spec, path, other)
    found += [f"column {name!r} is missing; the file has {list(text.columns)}." for name in needed if name not in text.columns]
    known = {*needed, *columns.excluded}
    found += [
        f"column {name!r} is unexpected; declare it as a feature or exclude it with a reason." for name in text.columns if name not in known
    ]
    if text.empty:
        found.append("the file has a header but no rows.")
    return found


def _features(spec: ModelSpec, cells: dict[str, pd.Series[str]], file: File) -> tuple[dict[str, pd.Series[Any]], list[str]]:
    """Take the features out of the cells, and return them typed, and what is wrong with them."""
    columns: dict[str, pd.Series[Any]] = {}
    violations: list[str] = []
    for name, kind in spec.columns.features.items():
        if (column := cells.pop(name, None)) is not None:
            columns[name], found = _typed(column, kind, file)
            violations += found
    return columns, violations


def _target(spec: ModelSpec, cells: pd.Series[str], file: File) -> tuple[pd.Series[Any], list[str]]:
    labels, found = spec.problem.read(cells, _places, file.numbers)
    if found:
        unreadable = cells[file.numbers(cells).isna() & (cells.str.strip() != "")]
        if len(unreadable) and (other := file.other_marks(unreadable)):
            return labels, [other]
    return labels, found


def _typed(cells: pd.Series[str], kind: Feature, file: File) -> tuple[pd.Series[Any], list[str]]:
    if isinstance(kind, Boolean):
        return _booleans(cells, kind)
    if isinstance(kind, Date):
        return _dates(cells, kind)
    if isinstance(kind, Text):
        return _texts(cells, kind)
    return _numbers(cells, kind, file) if isinstance(kind, Numeric) else _categories(cells, kind)


def _numbers(cells: pd.Series[str], kind: Numeric, file: File) -> tuple[pd.Series[Any], list[str]]:
    name, found = str(cells.name), []
    values = file.numbers(cells)
    if (nothing := values.isna()).any():
        stripped = cells.str.strip()
        missing = (stripped == "") | ((stripped.str.lower() == "nan") & kind.missing)
        found += _gaps(cells, missing, kind)
        if (unreadable := nothing & ~missing).any():
            of = f"numbers ({kind.unit})" if kind.unit else "numbers"
            found.append(
                file.other_marks(cells[unreadable]) or f"column {name!r} has text where {of} were expected: {_places(cells[unreadable])}."
            )
    outside = (values < (-LARGEST if kind.low is None else kind.low)) | (values > (LARGEST if kind.high is None else kind.high))
    if outside.any():
        limits = f"{kind.range or f'-{LARGEST:.2g} to {LARGEST:.2g}'} {kind.unit}".rstrip()
        found.append(f"column {name!r} is outside {limits}: {_places(cells[outside])}.")
    if kind.integer:
        fractional = values.notna() & (values % 1 != 0)
        if fractional.any():
            found.append(f"column {name!r} has fractions where whole numbers were expected: {_places(cells[fractional])}.")
        elif not found and not kind.missing:
            return values.astype("int64"), found
    return values, found


def _booleans(cells: pd.Series[str], kind: Boolean) -> tuple[pd.Series[Any], list[str]]:
    stripped = cells.str.strip().str.lower()
    missing = stripped == ""
    values = stripped.map(BOOLEANS)
    found, strange = _gaps(cells, missing, kind), values.isna() & ~missing
    if strange.any():
        found.append(f"column {str(cells.name)!r} has other values than true and false: {_places(cells[strange])}.")
    return values.astype("float64" if kind.missing or found else "bool"), found


def _dates(cells: pd.Series[str], kind: Date) -> tuple[pd.Series[Any], list[str]]:
    missing, values = cells.str.strip() == "", dates.read(cells, kind)
    found, strange = _gaps(cells, missing, kind), values.isna() & ~missing
    if strange.any():
        style = f"in the format {kind.format!r}" if kind.format else f"such as 2026-11-29{'T10:30:00' if kind.time else ''}"
        found.append(
            f"column {str(cells.name)!r} has no {'times' if kind.time else 'dates'} {style} in some cells: {_places(cells[strange])}. "
            "If the file writes them in another way, declare it with format=."
        )
    return values, found


def _texts(cells: pd.Series[str], kind: Text) -> tuple[pd.Series[Any], list[str]]:
    missing, lengths = cells.str.strip() == "", cells.str.len()
    found = _gaps(cells, missing, kind)
    if len(long := lengths[lengths > kind.longest]):
        found.append(
            f"column {str(cells.name)!r} has texts of more than {kind.longest:,} characters: "
            f"{_places(long.map('{:,} characters'.format))}. Shorten them in the file, or declare a larger longest=."
        )
    return (cells.mask(missing) if kind.missing else cells), found


def _categories(cells: pd.Series[str], kind: Category) -> tuple[pd.Series[str], list[str]]:
    unknown = ~cells.isin(kind.values)
    if not unknown.any():
        return cells, []
    missing, found = unknown & (cells == ""), []
    if kind.missing or kind.other:
        found, unknown = _gaps(cells, missing, kind), unknown & ~missing
    if unknown.any() and not kind.other:
        found.append(
            f"column {str(cells.name)!r} has unknown categories, expected one of [{listed(kind.values)}]: {_places(cells[unknown])}."
        )
    return (cells.mask(missing) if kind.missing else cells), found


def _of_split(cells: pd.Series[str], by: str, file: File) -> tuple[pd.Series[Any], list[str]]:
    """Return an excluded column that decides the split: ids as texts, or what has an order as numbers or ISO texts."""
    if (missing := cells.str.strip() == "").any():
        return cells, [f"column {str(cells.name)!r} decides the split, but has missing values: {_places(cells[missing])}."]
    if not by or not (values := file.numbers(cells)).isna().any():
        return (values if by else cells), []
    values, strange = dates.read(cells, Date("", time=True)), None
    if (strange := values.isna()).any():
        return cells, [
            f"column {str(cells.name)!r} decides the split, but has neither numbers nor ISO dates: {_places(cells[strange])}. "
            "Dates of another format need a feature: Date(..., format=)."
        ]
    return values, []


def _weights(cells: pd.Series[str], file: File) -> tuple[pd.Series[Any], list[str]]:
    """Return the weights of the rows; all may be 0 but one."""
    values = file.numbers(cells)
    if (wrong := ~(np.isfinite(values) & (values >= 0))).any():
        shown = file.other_marks(cells[wrong]) if values[wrong].isna().all() else None
        return values, [
            shown or f"column {str(cells.name)!r} has the weights of the rows: expected numbers from 0 up: {_places(cells[wrong])}."
        ]
    return values, [] if values.any() else [f"column {str(cells.name)!r} has the weights of the rows, but each is 0."]


def _gaps(cells: pd.Series[str], missing: pd.Series[bool], kind: Feature) -> list[str]:
    """Return the violation of missing cells, none if the column may have them."""
    if kind.missing or not missing.any():
        return []
    places = _places(cells[missing])
    return [f"column {str(cells.name)!r} has missing values: {places}. If cells may be missing, declare it with missing=True."]


def _places(cells: pd.Series[str]) -> str:
    shown = ", ".join(f"{cells.index.name} {number} {value!r}" for number, value in cells.head(SHOWN).items())
    return shown + (f" and {len(cells) - SHOWN} more" if len(cells) > SHOWN else "")


def _invalid(spec: ModelSpec, path: Path, violations: list[str]) -> InvalidRowsError:
    listed = "\n".join(f"  - {violation}" for violation in violations)
    return InvalidRowsError(
        f"{spec.name}: {path.name} breaks the columns declared in the model's file, {spec.model_file}:\n{listed}\n"
        "Correct the file, or the declaration if that is wrong."
    )
