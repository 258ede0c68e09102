"""From a data set's address to a file whose checksum is known."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

import httpx

from slipway.bundle.reading import checksum
from slipway.errors import DatasetChangedError, DatasetNotFoundError, OriginUnreachableError
from slipway.records import Snapshot
from slipway.spec import ModelSpec

logger = logging.getLogger(__name__)

TIMEOUT = httpx.Timeout(60.0, connect=10.0)


def fetch(spec: ModelSpec, mirror: str | None, folder: Path) -> Snapshot:
    """Return the rows the spec pins, downloaded once and kept as `<name>-<sha12>.csv`.

    Args:
        mirror: Folder or base URL that holds the file under `spec.dataset.file`; None for the origin.
        folder: Where snapshots are kept; a file that is already there is used again if its checksum still holds.
    Raises:
        OriginUnreachableError: No connection, an interrupted answer, or 5xx. Asking again may help.
        DatasetNotFoundError: The address has no such file.
        DatasetChangedError: The file is another one. Nothing is left in the folder.
    """
    address = _address(spec, mirror)
    path = folder / f"{spec.name}-{spec.dataset.sha256[:12]}.csv"
    if not path.exists() or checksum(path) != spec.dataset.sha256:
        store(_read(spec, address), path, spec, address)
        logger.info("%s: fetched %s", spec.name, address)
    else:
        logger.info("%s: the rows are already here, and their checksum holds", spec.name)
    with path.open("rb") as file:
        rows = sum(1 for _ in file) - 1
    return Snapshot(model=spec.name, path=path, sha256=spec.dataset.sha256, rows=rows, origin=address, sample=False)


def store(content: bytes, path: Path, spec: ModelSpec, address: str) -> None:
    """Write the content under its final name, whole or not at all, after its checksum has been compared."""
    received = hashlib.sha256(content).hexdigest()
    if received != spec.dataset.sha256:
        module = spec.name.replace("-", "_")
        raise DatasetChangedError(
            f"{spec.name}: {address} has changed.\n"
            f"  expected sha256 {spec.dataset.sha256}   received sha256 {received} ({len(content):,} bytes)\n"
            f"If the new data is intended, review it and pin the new checksum in the model's file, {module}.py."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    scratch.write_bytes(content)
    os.replace(scratch, path)


def _address(spec: ModelSpec, mirror: str | None) -> str:
    if mirror is None:
        return spec.dataset.origin
    return f"{mirror.rstrip('/')}/{spec.dataset.file}"


def _read(spec: ModelSpec, address: str) -> bytes:
    if address.startswith(("http://", "https://")):
        return _download(spec, address)
    path = Path(address.removeprefix("file://")).expanduser()
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise DatasetNotFoundError(f"{spec.name}: there is no file {path}. {_way_out()}") from None


def _download(spec: ModelSpec, address: str) -> bytes:
    try:
        response = httpx.get(address, timeout=TIMEOUT, follow_redirects=True)
    except httpx.TransportError as error:
        raise OriginUnreachableError(f"{spec.name}: {address} cannot be reached ({error or type(error).__name__}). {_way_out()}") from error
    if response.is_server_error:
        raise OriginUnreachableError(f"{spec.name}: {address} answered {response.status_code} {response.reason_phrase}. {_way_out()}")
    if response.is_error:
        raise DatasetNotFoundError(f"{spec.name}: {address} answered {response.status_code} {response.reason_phrase}. {_way_out()}")
    return response.content


def _way_out() -> str:
    return "Set SLIPWAY_MIRROR to a folder or base URL that holds the file, or try the system out with --sample (generated rows)."
