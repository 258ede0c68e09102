"""The cells of one column of a snapshot, read in parts: their kind, gaps, range and values, and a hash of each cell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.data import dates
from slipway.data.tables.numbers import numbers
from slipway.spec import CSV, Date, Table

Kind = Literal["number", "date", "text", "empty"]
Hashes = npt.NDArray[np.uint64]

MOST = 200  # different values that are counted; a column with more has no shares
MIDNIGHT = " 00:00:00"  # which a part of a file has or lacks, depending on its other rows
EMPTY = np.uint64(0x9AE16A3B2F90404F)  # the hash of a missing cell


@dataclass(slots=True)
class Cells:
    """What is known of one column so far. `counts` is None if it has too many different values; `low` and `high` are of its numbers."""

    rows: int = 0
    missing: int = 0
    of_kind: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] | None = field(default_factory=Counter)
    low: float = np.inf
    high: float = -np.inf

    @property
    def kind(self) -> Kind:
        """What all its cells are; "text" if they are of several kinds."""
        there = self.rows - self.missing
        if not there:
            return "empty"
        kinds: tuple[Kind, ...] = ("number", "date")
        return next((kind for kind in kinds if self.of_kind[kind] == there), "text")

    def add(self, cells: pd.Series[str], table: Table) -> Hashes:
        """Count cells, and return the hash of each: a number by its value, so 40 and 40.0 are the same; anything else by its text."""
        codes, unique = pd.factorize(cells)
        texts = pd.Series(unique, dtype=object).astype(str)
        counted = np.bincount(codes, minlength=len(texts))
        values, stripped = values_of(texts, table), texts.str.strip()
        absent = (stripped == "").to_numpy()
        self._count(texts, values, stripped, absent, counted)
        numeric = ~np.isnan(values)
        hashed = pd.util.hash_array(texts.str.removesuffix(MIDNIGHT).to_numpy(dtype=object), categorize=False)
        hashed[numeric] = pd.util.hash_array(values[numeric] + 0.0, categorize=False)  # adding zero turns -0.0 into 0.0
        hashed[absent] = EMPTY
        return hashed[codes]

    def _count(self, texts: Any, values: Any, stripped: Any, absent: Any, counted: Any) -> None:
        self.rows += int(counted.sum())
        self.missing += int(counted[absent].sum())
        numeric = ~np.isnan(values)
        finite = values[np.isfinite(values)]
        self.low = min(self.low, float(finite.min(initial=np.inf)))
        self.high = max(self.high, float(finite.max(initial=-np.inf)))
        self.of_kind["number"] += int(counted[numeric].sum())
        if not numeric.any():
            date = dates.read(stripped, Date("", time=True)).notna().to_numpy() & ~absent
            self.of_kind["date"] += int(counted[date].sum())
        if self.counts is not None:
            for text, value, count in zip(stripped[~absent], values[~absent], counted[~absent], strict=True):
                self.counts[text if np.isnan(value) else f"{value + 0.0:.15g}"] += int(count)
                if len(self.counts) > MOST:
                    self.counts = None
                    break


def values_of(texts: pd.Series[str], table: Table) -> npt.NDArray[np.float64]:
    """Return the numbers that cells of a kind of table spell, NaN where they spell none."""
    marks = (table.decimal, table.thousands) if isinstance(table, CSV) else ()
    found: npt.NDArray[np.float64] = np.asarray(numbers(texts, *marks), dtype=np.float64)
    return found


def combined(hashes: list[Hashes], count: int) -> Hashes:
    """Return one hash for each row, of its cells in the order of the columns."""
    found = np.full(count, 0xC2B2AE3D27D4EB4F, dtype=np.uint64)
    for column in hashes:
        found = (found ^ column) * np.uint64(0x9E3779B97F4A7C15)
        found ^= found >> np.uint64(29)
    return found
