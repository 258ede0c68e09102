"""The rows of an earlier run, found by the first digits of their checksum: in the home folder, or at their origin of that time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from slipway.data import fetching, samples, snapshots
from slipway.errors import DatasetChangedError, SnapshotNotFoundError
from slipway.files.addresses import NO_LOGIN, SQL, Login
from slipway.files.checksums import checksum
from slipway.records import Snapshot
from slipway.spec import FollowedDataset, ModelSpec
from slipway.tracking.recorded_rows import RecordedRows

logger = logging.getLogger(__name__)

FEWEST = 8  # digits that name a snapshot


def recall(
    spec: ModelSpec,
    digits: str,
    recorded: Callable[[str], list[RecordedRows]],
    mirror: str | None,
    folder: Path,
    login: Login = NO_LOGIN,
) -> Snapshot:
    """Return recorded rows again, exactly as they were.

    Rows that were generated stay sample rows, even if another record of the same rows says otherwise.

    Args:
        digits: The checksum, or its first 8 digits or more.
        recorded: Returns the records whose checksum begins with some digits, newest first; see `slipway.tracking.recorded_rows`.
        mirror: See `fetching.fetch`; it replaces the origin of the rows that the spec pins, but not of older ones.
        login: Who reads a database.
    Raises:
        SnapshotNotFoundError: No recorded rows have such a checksum, or several have; the message lists all recorded rows.
        DatasetChangedError: The file is gone, and its origin has another file now.
        OriginUnreachableError, DatasetNotFoundError, MissingExtraError: The file is gone; see `fetching.fetch`.
    """
    digits = digits.strip().lower()
    if not FEWEST <= len(digits) <= 64 or set(digits) - set("0123456789abcdef"):
        raise SnapshotNotFoundError(
            f"{spec.name}: {digits!r} cannot name a snapshot: expected the first {FEWEST} digits or more of a sha256.\n"
            f"{_there_are(spec, recorded, folder)}"
        )
    known = [*recorded(digits), *_in_folder(spec, digits, folder)]
    if (count := len({found.sha256 for found in known})) != 1:
        raise SnapshotNotFoundError(
            f"{spec.name}: the sha256 of {count or 'no'} snapshots begins with {digits}.\n{_there_are(spec, recorded, folder)}"
        )
    sample = any(found.sample for found in known)
    found = next(found for found in known if found.sample == sample)
    return _sample(spec, found, folder) if sample else _real(spec, found, mirror, folder, login)


def _sample(spec: ModelSpec, found: RecordedRows, folder: Path) -> Snapshot:
    path = snapshots.path_of(folder, spec.name, found.sha256, sample=True)
    if path.exists() and checksum(path) == found.sha256:
        return snapshots.snapshot(spec.name, path, found.sha256, found.origin, sample=True)
    again = samples.generate(spec, folder)
    if again.sha256 != found.sha256:
        raise DatasetChangedError(
            f"{spec.name}: the sample rows {found.sha256[: snapshots.DIGITS]} are gone, and the rows generated now are different.\n"
            f"  expected sha256 {found.sha256}   generated sha256 {again.sha256}\n"
            f"Check out the version of the project that made them, or put the file back as {path}."
        )
    return again


def _real(spec: ModelSpec, found: RecordedRows, mirror: str | None, folder: Path, login: Login) -> Snapshot:
    if spec.dataset.pins(found.sha256):
        return fetching.fetch(spec, mirror, folder, login)
    logger.warning("%s: releasing recorded rows, sha256 %s, not those of the model's file today", spec.name, found.sha256)
    there = [file for file in snapshots.files(folder, spec.name) if not file.sample and found.sha256.startswith(file.digits)]
    ending = snapshots.ending_of(spec.dataset)  # the older rows may have been of another kind
    path = there[0].path if there else snapshots.path_of(folder, spec.name, found.sha256, sample=False, ending=ending)
    hint = f"The recorded rows are gone from there. Put the file back as {path}."
    if isinstance(spec.dataset, FollowedDataset) and not (path.exists() and checksum(path) == found.sha256):
        _require_file(spec, found, hint)
    fetching.obtain(spec, found.origin, found.sha256, path, hint, login)
    table = snapshots.table_of(spec.dataset, path, sample=False)
    return snapshots.snapshot(spec.name, path, found.sha256, found.origin, sample=False, table=table)


def _require_file(spec: ModelSpec, found: RecordedRows, hint: str) -> None:
    """Refuse rows of a folder or a query that was followed: only the snapshot had them in this form.

    Raises:
        DatasetChangedError: The recorded origin is a folder or a database.
    """
    if found.origin.startswith(SQL) or Path(found.origin.removeprefix("file://")).expanduser().is_dir():
        raise DatasetChangedError(
            f"{spec.name}: the snapshot {found.sha256[: snapshots.DIGITS]} is gone, and {found.origin} moves, so it cannot give these rows "
            f"again. {hint}"
        )


def _in_folder(spec: ModelSpec, digits: str, folder: Path) -> list[RecordedRows]:
    """Return the matching files of the folder whose checksum is right, even if no run has recorded them."""
    matching = [file for file in snapshots.files(folder, spec.name) if file.digits.startswith(digits[: snapshots.DIGITS])]
    verified = [(file, checksum(file.path)) for file in matching]
    return [
        RecordedRows(sha256, samples.origin(spec) if file.sample else str(file.path), file.sample)
        for file, sha256 in verified
        if sha256.startswith(file.digits) and sha256.startswith(digits)
    ]


def _there_are(spec: ModelSpec, recorded: Callable[[str], list[RecordedRows]], folder: Path) -> str:
    listed = {file.digits: "sample rows" if file.sample else str(file.path) for file in snapshots.files(folder, spec.name)}
    for found in reversed(recorded("")):
        listed[found.sha256[: snapshots.DIGITS]] = "sample rows" if found.sample else found.origin
    if not listed:
        return f"There are none yet; `slipway release {spec.name}` makes one."
    return "There are:\n" + "\n".join(f"  {digits}  {origin}" for digits, origin in listed.items())
