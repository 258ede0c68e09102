"""What is in a snapshot: its columns, and a hash of each row. It is kept beside it: `heart-failure-948420b084d8.profile.parquet`.

The rows are read in parts, so that a large Parquet file is never in memory as a whole. A kept profile is used only for the same rows, the
same columns of the model and the same code; it is made again otherwise, so you may delete it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.data import snapshots
from slipway.data.admission.cells import Cells, Hashes, combined, values_of
from slipway.data.tables import reading
from slipway.data.tables.errors import TableError
from slipway.data.typed_rows import code
from slipway.errors import InvalidRowsError
from slipway.files.checksums import digest
from slipway.files.replacing import replacing
from slipway.spec import ModelSpec, Parquet, Table

logger = logging.getLogger(__name__)

ENDING = ".profile.parquet"
MADE_FROM, CONTENT = b"slipway.made_from", b"slipway.profile"
SAMPLE = 20_000  # rows whose numbers are kept for the distances between columns
QUANTILES = 201


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column. `counts` has the number of rows with each value, if there are few; `quantiles` are those of its numbers, ascending."""

    kind: str
    missing: int
    low: float | None
    high: float | None
    counts: Mapping[str, int] | None
    quantiles: list[float]
    deviation: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A snapshot. `hashes` has (n,) hashes of the columns that the model uses, and `keys` those of the key's cells, in the same order.

    `content` is a checksum of all cells of all rows, whatever their order.
    """

    columns: Mapping[str, ColumnProfile]
    content: str
    hashes: Hashes
    keys: Hashes | None

    @property
    def rows(self) -> int:
        return len(self.hashes)


def used(spec: ModelSpec) -> list[str]:
    """Return the columns that decide what a model learns."""
    names = [*spec.columns.features, spec.columns.target.name, spec.columns.weight, spec.split_only]
    return [name for name in dict.fromkeys(names) if name]


def key_of(spec: ModelSpec) -> str | None:
    """Return the column that has another value in each row, if the model's file names one."""
    return getattr(spec.dataset, "key", None)


def profile(spec: ModelSpec, path: Path, table: Table) -> Profile:
    """Return what is in a file of rows.

    Raises:
        TableError: The file is damaged, not such a table, or holds no rows.
    """
    cells: dict[str, Cells] = {}
    draw, drawn = np.random.default_rng(0), _Drawn()
    hashes: list[Hashes] = []
    keys: list[Hashes] = []
    names, key, content = used(spec), key_of(spec), 0
    for part in _parts(path, table):
        found = {name: cells.setdefault(name, Cells()).add(part[name], table) for name in map(str, part.columns)}
        if key and key not in found:
            raise TableError(f"{path.name} has no column {key!r}, which the model's file names as the key; it has {list(found)}.")
        hashes.append(combined([found[name] for name in names if name in found], len(part)))
        content += int(combined([found[name] for name in sorted(found)], len(part)).sum(dtype=np.uint64))
        keys += [found[key]] if key else []
        drawn.add(part, draw.random(len(part)))
    if not sum(map(len, hashes)):
        raise TableError(f"{path.name} holds no rows.")
    rows = drawn.rows()
    return Profile(
        {name: _column(known, rows[name], table) for name, known in cells.items()},
        f"{sum(map(len, hashes))}-{digest(json.dumps(sorted(cells)).encode())[:8]}-{content % 2**64:016x}",
        np.concatenate(hashes),
        np.concatenate(keys) if key else None,
    )


def of_snapshot(spec: ModelSpec, path: Path, sha256: str, table: Table) -> Profile:
    """Return what is in a snapshot: the profile that is kept beside it, or a new one, which is kept then.

    Raises:
        InvalidRowsError: The file is damaged, not such a table, or holds no rows.
    """
    made_from = _made_from(spec, sha256)
    if (known := _kept(path_of(path), made_from)) is not None:
        return known
    try:
        found = profile(spec, path, table)
    except TableError as error:
        raise InvalidRowsError(f"{spec.name}: {path.name}: {error}") from None
    keep(spec, path, sha256, found)
    return found


def path_of(snapshot: Path) -> Path:
    """Return the path of the profile beside a snapshot."""
    return snapshot.with_name(f"{snapshots.stem(snapshot)}{ENDING}")


def keep(spec: ModelSpec, path: Path, sha256: str, found: Profile) -> None:
    """Write a profile beside its snapshot, if that is possible. It can be made again."""
    import pyarrow as pa
    import pyarrow.parquet

    table = pa.table({"row": found.hashes} | ({} if found.keys is None else {"key": found.keys}))
    content = {"columns": {name: asdict(column) for name, column in found.columns.items()}, "content": found.content}
    table = table.replace_schema_metadata({MADE_FROM: _made_from(spec, sha256), CONTENT: json.dumps(content).encode()})
    try:
        with replacing(path_of(path)) as file:
            pyarrow.parquet.write_table(table, file, write_page_checksum=True)
    except OSError as error:
        logger.warning("%s: the profile of %s cannot be kept, so it is made again when it is needed: %s", spec.name, path.name, error)


class _Drawn:
    """Rows drawn at random from those that pass by: the ones with the lowest lots."""

    def __init__(self) -> None:
        self._rows: list[pd.DataFrame] = []
        self._lots: list[npt.NDArray[np.float64]] = []

    def add(self, rows: pd.DataFrame, lots: npt.NDArray[np.float64]) -> None:
        self._rows.append(rows)
        self._lots.append(lots)
        if (count := sum(map(len, self._lots))) > SAMPLE:
            every, frame = np.concatenate(self._lots), self.rows()
            chosen = np.sort(np.argpartition(every, SAMPLE)[:SAMPLE]) if count > SAMPLE else np.arange(count)
            self._rows, self._lots = [frame.iloc[chosen]], [every[chosen]]

    def rows(self) -> pd.DataFrame:
        return pd.concat(self._rows, ignore_index=True)


def _column(cells: Cells, drawn: pd.Series[str], table: Table) -> ColumnProfile:
    numeric = cells.kind == "number"
    values = values_of(drawn, table) if numeric else np.array([])
    values = values[np.isfinite(values)]
    return ColumnProfile(
        kind=cells.kind,
        missing=cells.missing,
        low=cells.low if numeric and np.isfinite(cells.low) else None,
        high=cells.high if numeric and np.isfinite(cells.high) else None,
        counts=None if cells.counts is None else dict(cells.counts),
        quantiles=np.quantile(values, np.linspace(0, 1, QUANTILES)).tolist() if len(values) else [],
        deviation=float(values.std()) if len(values) else 0.0,
    )


def _parts(path: Path, table: Table) -> Iterator[pd.DataFrame]:
    """Yield the rows as texts, without blank ones: Parquet in parts, other files as a whole, because only all of it shows its dialect."""
    if isinstance(table, Parquet):
        from slipway.data.tables import parquet_files

        yield from parquet_files.parts(path)
        return
    text = reading.read(path, table)
    blank = reading.blank(text)
    yield text[~blank] if blank.any() else text


def _made_from(spec: ModelSpec, sha256: str) -> bytes:
    return json.dumps(
        {"original": sha256, "columns": used(spec), "key": key_of(spec), "table": repr(spec.dataset.table), "code": code()}
    ).encode()


def _kept(path: Path, made_from: bytes) -> Profile | None:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
            facts: dict[bytes, bytes] = file.schema_arrow.metadata or {}
            if facts.get(MADE_FROM) != made_from:
                return None
            table = file.read()
    except FileNotFoundError:
        return None
    except (pa.ArrowException, OSError) as error:
        logger.warning("%s is damaged (%s); the profile is made from the rows again", path, error)
        return None
    content: dict[str, Any] = json.loads(facts[CONTENT])
    columns = {name: ColumnProfile(**column) for name, column in content["columns"].items()}
    keys = table.column("key").to_numpy() if "key" in table.column_names else None
    return Profile(columns, content["content"], table.column("row").to_numpy(), keys)
