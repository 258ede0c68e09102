"""From a data set's address to a file whose checksum is known."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from slipway.data import kept, origins
from slipway.errors import DatasetChangedError
from slipway.files import addresses
from slipway.files.checksums import checksum
from slipway.files.replacing import replace
from slipway.records import Snapshot
from slipway.spec import ModelSpec

logger = logging.getLogger(__name__)


def fetch(spec: ModelSpec, mirror: str | None, folder: Path) -> Snapshot:
    """Return the rows the spec pins, downloaded once and kept as `<name>-<sha12>.csv`.

    Args:
        mirror: Folder, base URL or other address (see `slipway.files.addresses`) that holds the file under
            `spec.dataset.file`; None for the origin.
        folder: Where snapshots are kept; a file that is already there is used again if its checksum still holds.
    Raises:
        OriginUnreachableError: No connection, an interrupted answer, or 5xx. Asking again may help.
        DatasetNotFoundError: The address has no such file.
        DatasetChangedError: The file is another one. Nothing is left in the folder.
        MissingExtraError: The address is of a kind whose packages are not installed.
    """
    address, sha256 = address_of(spec, mirror), spec.dataset.sha256
    module = spec.name.replace("-", "_")
    hint = f"If the new data is intended, review it and pin the new checksum in the model's file, {module}.py."
    path = obtain(spec.name, address, sha256, kept.path_of(folder, spec.name, sha256, sample=False), hint)
    return kept.snapshot(spec.name, path, sha256, address, sample=False)


def address_of(spec: ModelSpec, mirror: str | None) -> str:
    """Return where the rows that the spec pins are: in the mirror, where there is one."""
    return spec.dataset.origin if mirror is None else addresses.of_file(mirror, spec.dataset.file)


def obtain(model: str, address: str, sha256: str, path: Path, hint: str) -> Path:
    """Return the path, where the file with that checksum is, or is put from the address.

    Args:
        hint: What to do when the address holds another file, for the error.
    Raises:
        OriginUnreachableError, DatasetNotFoundError, DatasetChangedError, MissingExtraError: As `fetch` does.
    """
    if path.exists() and checksum(path) == sha256:
        logger.info("%s: the rows are already here, and their checksum holds", model)
        return path
    content = origins.read(model, address)
    received = hashlib.sha256(content).hexdigest()
    if received != sha256:
        raise DatasetChangedError(
            f"{model}: {address} has changed.\n  expected sha256 {sha256}   received sha256 {received} ({len(content):,} bytes)\n{hint}"
        )
    store(content, path)
    logger.info("%s: fetched %s", model, address)
    return path


def store(content: bytes, path: Path) -> None:
    """Write the content under its final name, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, content)
