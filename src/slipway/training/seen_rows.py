"""Hashes of the rows that a model has learnt from, to recognise such a row in other data.

A number counts by its value, so 40 and 40.0 are the same, and so are 0.0 and -0.0; anything else counts by its text. The hash is
BLAKE2b of the row as JSON, and not that of pandas, because a version may be compared years after its training: in another process, on
another machine, with another version of pandas.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_numeric_dtype

FILE = "training_rows.npy"

Hashes = npt.NDArray[np.uint64]


def hashes(rows: pd.DataFrame) -> Hashes:
    """Return the hash of each row, in the order of the rows.

    Args:
        rows: (n, columns) features, no cell missing. The order of the columns counts, their names do not.
    Returns:
        (n,) hashes of 64 bits: the chance that any two of a million different rows have the same hash is 3 in 100 million.
    """
    columns = [_cells(rows[name]) for name in rows.columns]
    return np.array([_hash(row) for row in zip(*columns, strict=True)], dtype=np.uint64)


def learnt(rows: pd.DataFrame) -> Hashes:
    """Return the hashes of training rows, ascending and each once: order and repetition do not count."""
    return np.unique(hashes(rows))


def seen(rows: pd.DataFrame, among: Hashes) -> npt.NDArray[np.bool_]:
    """Return for each of (n, columns) rows whether its hash is among those."""
    return np.isin(hashes(rows), among)


def write(rows: pd.DataFrame, path: Path) -> None:
    """Write the hashes of training rows to a file."""
    np.save(path, learnt(rows), allow_pickle=False)


def read(path: Path) -> Hashes:
    """Read the file that `write` wrote.

    Raises:
        ValueError: The file contains something else, such as a pickle; a pickle is not loaded.
    """
    with path.open("rb") as file:
        found = np.lib.format.read_array(file, allow_pickle=False)
    if found.dtype != np.uint64 or found.ndim != 1:
        raise ValueError(f"{path.name} does not contain a list of hashes.")
    return found


def _cells(column: pd.Series) -> list[float] | list[str]:
    if is_numeric_dtype(column):
        numbers: list[float] = (column.to_numpy(dtype=np.float64) + 0.0).tolist()  # adding zero turns -0.0 into 0.0
        return numbers
    return [str(cell) for cell in column]


def _hash(row: tuple[float | str, ...]) -> int:
    return int.from_bytes(blake2b(json.dumps(row).encode("ascii"), digest_size=8).digest(), "little")
