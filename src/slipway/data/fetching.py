"""Fetching a data set from its address: the file with the pinned checksum, or what is there now."""

from __future__ import annotations

import logging
from pathlib import Path

from slipway.data import manifests, origins, snapshots
from slipway.errors import DatasetChangedError
from slipway.files import addresses
from slipway.files.addresses import NO_LOGIN, Login
from slipway.files.checksums import checksum, digest
from slipway.files.replacing import replace
from slipway.records import Snapshot
from slipway.spec import FollowedDataset, ModelSpec

logger = logging.getLogger(__name__)


def fetch(spec: ModelSpec, mirror: str | None, folder: Path, login: Login = NO_LOGIN, preferred: str = "") -> Snapshot:
    """Return the rows of the spec, kept as `<name>-<sha12>.csv`, or with the ending of another kind, with a manifest beside it.

    Rows that the spec pins are downloaded once. Of rows that it follows, what the origin holds now is taken; see `slipway.data.followed`.

    Args:
        mirror: Folder, base URL or other address (see `slipway.files.addresses`) that has the file under
            `spec.dataset.file`; None for the origin. A path is read where it is, whatever the mirror.
        folder: Folder of the snapshots; a file that is there already is used if its checksum is right.
        login: Who reads a database.
        preferred: The checksum of the rows of the version in service, "" without one: a followed query that grows is read on from there.
    Raises:
        OriginUnreachableError: No connection, an interrupted answer, or 5xx. Another attempt may help.
        DatasetNotFoundError: The address has no such file.
        DatasetChangedError: The file has another checksum. Nothing is left in the folder.
        MissingExtraError: The address is of a kind whose packages are not installed.
    """
    address = address_of(spec, mirror)
    if isinstance(spec.dataset, FollowedDataset):
        from slipway.data.followed.following import follow  # with pandas, which rows that are there already do not need

        return follow(spec, spec.dataset, address, folder, login, preferred)
    sha256 = spec.dataset.sha256
    hint = f"If the new data is intended, review it and pin the new checksum in the model's file, {spec.model_file}."
    path = snapshots.path_of(folder, spec.name, sha256, sample=False, ending=snapshots.ending_of(spec.dataset))
    obtain(spec, address, sha256, path, hint, login)
    found = snapshots.snapshot(spec.name, path, sha256, address, sample=False, table=spec.dataset.table)
    if manifests.read(path) is None:  # what is pinned does not change, so the first one stays true
        manifests.note(found, "pinned")
    return found


def address_of(spec: ModelSpec, mirror: str | None) -> str:
    """Return the address of the rows of the spec: in the mirror, if there is one and the origin is not on this machine."""
    if mirror is None or addresses.is_local(spec.dataset.origin):
        return spec.dataset.origin
    return addresses.of_file(mirror, spec.dataset.file)


def obtain(spec: ModelSpec, address: str, sha256: str, path: Path, hint: str, login: Login = NO_LOGIN) -> Path:
    """Return the path after making sure that the file with that checksum is there; fetch it if it is not.

    Args:
        hint: What to do if the address has another file, for the error.
    Raises:
        OriginUnreachableError, DatasetNotFoundError, DatasetChangedError, MissingExtraError: See `fetch`.
    """
    if path.exists() and checksum(path) == sha256:
        logger.info("%s: the rows are here already, and their checksum is right", spec.name)
        return path
    content = origins.read(spec.name, address, spec.dataset.table, login)
    received = digest(content)
    if received != sha256:
        raise DatasetChangedError(
            f"{spec.name}: {address} has changed.\n  expected sha256 {sha256}   received sha256 {received} ({len(content):,} bytes)\n{hint}"
        )
    store(content, path)
    logger.info("%s: fetched %s", spec.name, address)
    return path


def store(content: bytes, path: Path) -> None:
    """Write a snapshot, completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, content)
