"""The snapshots in the home folder: one file each, named after the model, the kind of rows and the first digits of its checksum.

Its manifest, and the typed rows and the profile that are made from it, are beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from slipway.data.tables import reading
from slipway.data.tables.errors import TableError
from slipway.errors import InvalidRowsError
from slipway.files.checksums import checksum
from slipway.records import Snapshot
from slipway.spec import AnyDataset, Parquet, Table
from slipway.spec.tables import PLAIN_CSV, SUFFIXES, suffix

DIGITS = 12  # of the checksum, in the name
SAMPLE_TABLE = PLAIN_CSV  # of generated rows, whatever table the real ones are
GZIP = ".gz"
ENDINGS = frozenset(ending + zipped for ending in SUFFIXES.values() for zipped in ("", GZIP))


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """A file in the folder; its content has not been verified."""

    path: Path
    digits: str
    sample: bool


def path_of(folder: Path, model: str, sha256: str, *, sample: bool, ending: str = suffix(SAMPLE_TABLE)) -> Path:
    """Return the path of a snapshot, which may not exist yet."""
    return folder / f"{model}{'-sample' if sample else ''}-{sha256[:DIGITS]}{ending}"


def ending_of(dataset: AnyDataset) -> str:
    """Return how the name of a snapshot of real rows ends: it is the file as it was, compressed or not."""
    return suffix(dataset.table) + (GZIP if dataset.file.endswith(GZIP) else "")


def stem(snapshot: Path) -> str:
    """Return the name of a snapshot without its ending, which the files beside it share."""
    return snapshot.name.partition(".")[0]


def typed_path(snapshot: Path) -> Path:
    """Return the path of the typed rows beside a snapshot; see `typed_rows`."""
    return snapshot.with_name(f"{stem(snapshot)}.typed.parquet")


def table_of(dataset: AnyDataset, path: Path, *, sample: bool) -> Table:
    """Return what kind of table a snapshot is: folders and queries that are followed are kept as Parquet."""
    if sample:
        return SAMPLE_TABLE
    return Parquet() if path.name.endswith(SUFFIXES[Parquet]) else dataset.table


def of_sha256(folder: Path, sha256: str) -> SnapshotFile | None:
    """Return the snapshot with that checksum, of any model: a challenger's rows have its own name. None if there is none that is whole."""
    digits = sha256[:DIGITS]
    found = (path for path in sorted(folder.glob(f"*-{digits}.*")) if path.name.removeprefix(stem(path)) in ENDINGS)
    whole = (path for path in found if checksum(path) == sha256)
    return next((SnapshotFile(path, digits, sample=path.name.endswith(f"-sample-{digits}{suffix(SAMPLE_TABLE)}")) for path in whole), None)


def files(folder: Path, model: str) -> list[SnapshotFile]:
    """Return the snapshots of one model that are in the folder, oldest first."""
    name = re.compile(rf"{re.escape(model)}(-sample)?-([0-9a-f]{{{DIGITS}}})({'|'.join(map(re.escape, sorted(ENDINGS)))})")
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
