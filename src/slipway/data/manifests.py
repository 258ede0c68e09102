"""What a snapshot consists of: a manifest beside it, `heart-failure-948420b084d8.manifest.json`.

A snapshot of an earlier Slipway has none, and is read all the same.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from slipway.data import snapshots
from slipway.data.snapshots import SnapshotFile
from slipway.files.checksums import checksum
from slipway.files.replacing import replace
from slipway.records import LearntRows, Record, Snapshot

logger = logging.getLogger(__name__)

ENDING = ".manifest.json"


class GrowthMark(Record):
    """How far a column that grows was read: its highest value, as a kind of value and as text. `query` is the checksum of the query."""

    column: str
    kind: Literal["int", "float", "decimal", "str", "date", "datetime", "datetime with time zone"]
    value: str
    query: str


class SnapshotPart(Record):
    """Where some rows of a snapshot come from. `sha256` is that of the rows as they were kept; `read` is when, in ISO 8601.

    Outcomes are answered rows of the log, which has them and nobody else: `learnt` counts them, and `code` is the checksum of what
    joined them.
    """

    kind: Literal["pinned", "followed", "sample", "outcomes"]
    origin: str
    sha256: str
    rows: int
    read: str
    mark: GrowthMark | None = None
    learnt: LearntRows | None = None
    code: str = ""


class SnapshotManifest(Record):
    """What a snapshot consists of. `content` is the same for the same rows in any order, and in any file; "" where that is not known."""

    model: str
    sha256: str
    rows: int
    made: str
    read: str
    content: str = ""
    parts: list[SnapshotPart]

    @property
    def mark(self) -> GrowthMark | None:
        """How far its growing column was read; None without one."""
        return next((part.mark for part in self.parts if part.mark), None)


def path_of(snapshot: Path) -> Path:
    """Return the path of the manifest beside a snapshot."""
    return snapshot.with_name(f"{snapshots.stem(snapshot)}{ENDING}")


def read(snapshot: Path) -> SnapshotManifest | None:
    """Return the manifest of a snapshot; None if it has none, with a warning if that cannot be read."""
    return _of(path_of(snapshot))


def _of(path: Path) -> SnapshotManifest | None:
    try:
        return SnapshotManifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValidationError, OSError) as error:
        logger.warning("%s is not a manifest that can be read, so it counts as missing: %s", path, str(error).splitlines()[0])
        return None


def note(
    snapshot: Snapshot, kind: Literal["pinned", "followed", "sample"], content: str = "", mark: GrowthMark | None = None
) -> SnapshotManifest:
    """Write the manifest of rows that were read just now, and return it. When they were read first stays."""
    known, now = read(snapshot.path), datetime.now(UTC).isoformat(timespec="milliseconds")
    part = SnapshotPart(kind=kind, origin=snapshot.origin, sha256=snapshot.sha256, rows=snapshot.rows, read=now, mark=mark)
    made = known.made if known and known.sha256 == snapshot.sha256 else now
    made_of = SnapshotManifest(
        model=snapshot.model, sha256=snapshot.sha256, rows=snapshot.rows, made=made, read=now, content=content, parts=[part]
    )
    replace(path_of(snapshot.path), json.dumps(made_of.model_dump(mode="json"), indent=2).encode() + b"\n")
    return made_of


def note_learnt(snapshot: Snapshot, code: str) -> SnapshotManifest:
    """Write the manifest of rows to which those of the log were joined, and return it. There is no file with the rows themselves.

    The first one stays: a later run that joins the same rows, and finds nothing new, must not date them anew.

    Args:
        code: The checksum of what joined them.
    """
    learnt, of_file = snapshot.learnt, read(snapshot.path)
    if learnt is None:
        raise ValueError(f"{snapshot.path.name}: no rows of the log were joined to it.")
    path = snapshot.path.with_name(f"{snapshot.model}-{snapshot.sha256[: snapshots.DIGITS]}{ENDING}")
    if (known := _of(path)) and known.sha256 == snapshot.sha256:
        return known
    rows = learnt.learnt + learnt.apart
    part = SnapshotPart(
        kind="outcomes", origin="the log", sha256=learnt.outcomes_sha256, rows=rows, read=learnt.until, learnt=learnt, code=code
    )
    made_of = SnapshotManifest(
        model=snapshot.model,
        sha256=snapshot.sha256,
        rows=snapshot.rows + rows,
        made=learnt.until,
        read=learnt.until,
        parts=[*(of_file.parts if of_file else []), part],
    )
    replace(path, json.dumps(made_of.model_dump(mode="json"), indent=2).encode() + b"\n")
    return made_of


def with_outcomes(folder: Path, model: str) -> Iterator[tuple[Path, SnapshotManifest]]:
    """Yield the manifests of rows to which those of the log were joined, oldest first."""
    found = [(path, manifest) for path in folder.glob(f"{model}-*{ENDING}") if (manifest := _of(path)) and manifest.model == model]
    joined = [(path, manifest) for path, manifest in found if any(part.kind == "outcomes" for part in manifest.parts)]
    yield from sorted(joined, key=lambda pair: pair[1].made)


def kept(folder: Path, model: str) -> Iterator[tuple[SnapshotFile, SnapshotManifest]]:
    """Yield the snapshots that have a manifest, the one that was read last first."""
    found = [(file, manifest) for file in snapshots.files(folder, model) if (manifest := read(file.path))]
    yield from sorted(found, key=lambda pair: pair[1].read, reverse=True)


def last(folder: Path, model: str, preferred: str = "", other_than: str = "") -> SnapshotFile | None:
    """Return the snapshot to compare with: that of the version in service, or else the one of real rows that was read last.

    Args:
        preferred: The checksum of the rows of the version in service; "" if there is none.
        other_than: The checksum of the rows that are compared.
    """
    if preferred and (found := snapshots.of_sha256(folder, preferred)):
        return found
    return next((file for file, manifest in kept(folder, model) if not file.sample and manifest.sha256 != other_than), None)


def is_whole(file: SnapshotFile, manifest: SnapshotManifest) -> bool:
    """Return whether the content of a snapshot is that of its manifest."""
    return file.path.exists() and checksum(file.path) == manifest.sha256
