"""Which rows a model has learnt from, as hashes: enough to recognise a row that comes back in other data.

A number counts by its value, so 40 and 40.0 are one, as are 0.0 and -0.0; anything else counts by its text. The hash is BLAKE2b of
the row as JSON rather than the one pandas has, because a version may be asked years after it was trained: by another process, on
another machine, under another pandas.
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
    """Return the hash of each row, in their order.

    Args:
        rows: (n, columns) features without missing cells. The order of the columns counts, their names do not.
    Returns:
        (n,) hashes of 64 bits: the chance that any two of a million different rows share one is 3 in 100 million.
    """
    columns = [_cells(rows[name]) for name in rows.columns]
    return np.array([_hash(row) for row in zip(*columns, strict=True)], dtype=np.uint64)


def learnt(rows: pd.DataFrame) -> Hashes:
    """Return the hashes of training rows, ascending and each once, so that neither order nor repetition counts."""
    return np.unique(hashes(rows))


def seen(rows: pd.DataFrame, among: Hashes) -> npt.NDArray[np.bool_]:
    """Return whether each of (n, columns) rows is one of those that were learnt."""
    return np.isin(hashes(rows), among)


def write(rows: pd.DataFrame, path: Path) -> None:
    """Keep the hashes of training rows in a file."""
    np.save(path, learnt(rows), allow_pickle=False)


def read(path: Path) -> Hashes:
    """Return what `write` kept.

    Raises:
        ValueError: The file holds something else, such as a pickle, which is not loaded.
    """
    with path.open("rb") as file:
        found = np.lib.format.read_array(file, allow_pickle=False)
    if found.dtype != np.uint64 or found.ndim != 1:
        raise ValueError(f"{path.name} holds no list of hashes.")
    return found


def _cells(column: pd.Series) -> list[float] | list[str]:
    if is_numeric_dtype(column):
        numbers: list[float] = (column.to_numpy(dtype=np.float64) + 0.0).tolist()  # adding zero takes the sign from -0.0
        return numbers
    return [str(cell) for cell in column]


def _hash(row: tuple[float | str, ...]) -> int:
    return int.from_bytes(blake2b(json.dumps(row).encode("ascii"), digest_size=8).digest(), "little")
