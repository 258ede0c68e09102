"""The snapshots of a model, each beside the one before it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from slipway.data import manifests, snapshots
from slipway.data.manifests import SnapshotManifest, SnapshotPart
from slipway.data.snapshots import SnapshotFile
from slipway.data.tables import reading
from slipway.data.tables.errors import TableError
from slipway.errors import InvalidRowsError, SnapshotNotFoundError
from slipway.files.checksums import checksum
from slipway.records import Record, SnapshotDifference
from slipway.spec import ModelSpec

logger = logging.getLogger(__name__)


class SnapshotLine(Record):
    """A snapshot in the home folder. `parts` is empty if it has no manifest, `difference` None if there is no earlier one to compare with.

    `rows` is None if its file cannot be read. `read` is when its rows were read last, `versions` are those that learnt from it.
    """

    file: Path
    sha256: str
    sample: bool
    whole: bool
    rows: int | None
    read: str
    parts: Sequence[SnapshotPart]
    versions: Sequence[int]
    difference: SnapshotDifference | None = None


def lines(spec: ModelSpec, folder: Path, versions: Mapping[str, Sequence[int]]) -> list[SnapshotLine]:
    """Return the snapshots of a model, in the order in which they were made, each compared with the one of real rows before it.

    Args:
        versions: The versions that learnt from rows, by the checksum of these.
    """
    found: list[SnapshotLine] = []
    before: SnapshotFile | None = None
    for file in _in_order(folder, spec.name):
        sha256, manifest = checksum(file.path), manifests.read(file.path)
        whole = sha256.startswith(file.digits)
        compared = before is not None and whole and not file.sample
        found.append(
            SnapshotLine(
                file=file.path,
                sha256=sha256,
                sample=file.sample,
                whole=whole,
                rows=manifest.rows if manifest else _count(spec, file),
                read=manifest.read if manifest else _written(file.path),
                parts=manifest.parts if manifest else [],
                versions=versions.get(sha256, []),
                difference=_difference(spec, before, file) if before and compared else None,
            )
        )
        before = file if whole and not file.sample else before
    return found + [_learnt(path, manifest, versions) for path, manifest in manifests.with_outcomes(folder, spec.name)]


def _learnt(path: Path, manifest: SnapshotManifest, versions: Mapping[str, Sequence[int]]) -> SnapshotLine:
    """Return the line of rows to which those of the log were joined: these are in the log only."""
    return SnapshotLine(
        file=path,
        sha256=manifest.sha256,
        sample=any(part.kind == "sample" for part in manifest.parts),
        whole=True,
        rows=manifest.rows,
        read=manifest.read,
        parts=manifest.parts,
        versions=versions.get(manifest.sha256, []),
    )


def named(spec: ModelSpec, folder: Path, digits: str) -> SnapshotFile:
    """Return the one snapshot whose checksum begins with these digits.

    Raises:
        SnapshotNotFoundError: There is none, or several; the message lists all.
    """
    there = snapshots.files(folder, spec.name)
    wanted = digits.strip().lower()
    found = [file for file in there if wanted and file.digits.startswith(wanted[: snapshots.DIGITS])]
    if len(found) != 1:
        known = ", ".join(file.digits for file in there) or "none"
        raise SnapshotNotFoundError(
            f"{spec.name}: the sha256 of {len(found) or 'no'} snapshots begins with {digits!r}; the home folder has: {known}."
        )
    return found[0]


def _in_order(folder: Path, model: str) -> list[SnapshotFile]:
    """Return the snapshots, oldest first: by their manifests, or without one by the time of the file."""

    def made(file: SnapshotFile) -> str:
        manifest = manifests.read(file.path)
        return manifest.made if manifest else _written(file.path)

    return sorted(snapshots.files(folder, model), key=made)


def _count(spec: ModelSpec, file: SnapshotFile) -> int | None:
    try:
        return reading.rows_in(file.path, snapshots.table_of(spec.dataset, file.path, sample=file.sample))
    except TableError:
        return None


def _written(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="milliseconds")


def _difference(spec: ModelSpec, earlier: SnapshotFile, later: SnapshotFile) -> SnapshotDifference | None:
    from slipway.data.admission.gate import compare  # with pandas, which a list of one snapshot does not need

    try:
        return compare(spec, earlier, later)
    except InvalidRowsError as error:  # the table of today's model file may be another one
        logger.warning("%s is not compared: %s", later.path.name, error)
        return None
