"""The snapshots in the home folder: one file each, named after the model, the kind of rows and the first digits of its checksum.

The typed rows that are made from it are beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from slipway.data.tables import reading
from slipway.data.tables.errors import TableError
from slipway.errors import InvalidRowsError
from slipway.records import Snapshot
from slipway.spec import Dataset, Table
from slipway.spec.tables import PLAIN_CSV, SUFFIXES, suffix

DIGITS = 12  # of the checksum, in the name
SAMPLE_TABLE = PLAIN_CSV  # of generated rows, whatever table the real ones are
GZIP = ".gz"


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """A file in the folder; its content has not been verified."""

    path: Path
    digits: str
    sample: bool


def path_of(folder: Path, model: str, sha256: str, *, sample: bool, ending: str = suffix(SAMPLE_TABLE)) -> Path:
    """Return the path of a snapshot, which may not exist yet."""
    return folder / f"{model}{'-sample' if sample else ''}-{sha256[:DIGITS]}{ending}"


def ending_of(dataset: Dataset) -> str:
    """Return how the name of a snapshot of real rows ends: it is the file as it was, compressed or not."""
    return suffix(dataset.table) + (GZIP if dataset.file.endswith(GZIP) else "")


def typed_path(snapshot: Path) -> Path:
    """Return the path of the typed rows beside a snapshot; see `typed_rows`."""
    return snapshot.with_name(f"{snapshot.name.partition('.')[0]}.typed.parquet")


def files(folder: Path, model: str) -> list[SnapshotFile]:
    """Return the snapshots of one model that are in the folder, oldest first."""
    endings = "|".join(map(re.escape, sorted(set(SUFFIXES.values()))))
    name = re.compile(rf"{re.escape(model)}(-sample)?-([0-9a-f]{{{DIGITS}}})({endings})({re.escape(GZIP)})?")
    found = [(path, name.fullmatch(path.name)) for path in folder.glob(f"{model}-*")]
    paths = sorted(found, key=lambda pair: pair[0].stat().st_mtime)
    return [SnapshotFile(path, match[2], sample=match[1] is not None) for path, match in paths if match]


def snapshot(model: str, path: Path, sha256: str, origin: str, *, sample: bool, table: Table = SAMPLE_TABLE) -> Snapshot:
    """Return the record of a file whose checksum has been verified.

    Raises:
        InvalidRowsError: The file is damaged, or not such a table.
    """
    try:
        rows = reading.rows_in(path, table)
    except TableError as error:
        raise InvalidRowsError(f"{model}: {error}") from None
    return Snapshot(model=model, path=path, sha256=sha256, rows=rows, origin=origin, sample=sample)
