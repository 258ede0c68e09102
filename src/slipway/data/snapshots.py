"""The snapshots in the home folder: one file each, named after the model, the kind of rows and the first digits of its checksum."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from slipway.records import Snapshot

DIGITS = 12  # of the checksum, in the name


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """A file in the folder; its content has not been verified."""

    path: Path
    digits: str
    sample: bool


def path_of(folder: Path, model: str, sha256: str, *, sample: bool) -> Path:
    """Return the path of a snapshot, which may not exist yet."""
    return folder / f"{model}{'-sample' if sample else ''}-{sha256[:DIGITS]}.csv"


def files(folder: Path, model: str) -> list[SnapshotFile]:
    """Return the snapshots of one model that are in the folder, oldest first."""
    name = re.compile(re.escape(model) + r"(-sample)?-([0-9a-f]{12})\.csv")
    found = [(path, name.fullmatch(path.name)) for path in folder.glob(f"{model}-*.csv")]
    paths = sorted(found, key=lambda pair: pair[0].stat().st_mtime)
    return [SnapshotFile(path, match[2], sample=match[1] is not None) for path, match in paths if match]


def snapshot(model: str, path: Path, sha256: str, origin: str, *, sample: bool) -> Snapshot:
    """Return the record of a file whose checksum has been verified."""
    with path.open("rb") as file:
        rows = sum(1 for _ in file) - 1
    return Snapshot(model=model, path=path, sha256=sha256, rows=rows, origin=origin, sample=sample)
