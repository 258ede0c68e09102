"""Opening a bundle: nothing in it is used before its checksum is verified."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from slipway.bundle.contract import CONTRACT, FORMAT, MANIFEST, PROBE, Contract, Manifest, Probe, decode
from slipway.errors import BundleError


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle on disk."""

    folder: Path
    contract: Contract
    probe: Probe


def read(folder: Path) -> Bundle:
    """Verify every checksum and return the bundle.

    Raises:
        BundleError: A file is missing, altered or not listed, or the format is another one.
    """
    manifest = decode(folder / MANIFEST, Manifest)
    present = {path.name for path in folder.iterdir()} - {MANIFEST}
    if present != set(manifest.files):
        odd = sorted(present ^ set(manifest.files))
        raise BundleError(f"{folder}: the manifest and the folder disagree about {odd}. Release the model again.")
    for name, expected in manifest.files.items():
        if (received := checksum(folder / name)) != expected:
            raise BundleError(
                f"{folder}: {name} has changed since it was measured.\n  expected sha256 {expected}   received sha256 {received}\n"
                "Release the model again, or roll back to a version whose bundle is whole."
            )
    contract = decode(folder / CONTRACT, Contract)
    if contract.format != FORMAT:
        raise BundleError(f"{folder}: the bundle has format {contract.format}; this version of Slipway reads format {FORMAT}.")
    return Bundle(folder, contract, decode(folder / PROBE, Probe))


def checksum(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
