"""Reading a bundle. Nothing in it is used before its checksum is verified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from slipway.bundle.contents import content_of
from slipway.bundle.contract import CONTRACT, FORMAT, MANIFEST, PROBE, Contract, Manifest, Probe, decode, decode_bytes
from slipway.bundle.wording import NO_WORDS, WORDING, WordsByLanguage, decoded
from slipway.errors import BundleError
from slipway.files.checksums import digest


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle.

    `files` are the model files by name, as the very bytes whose checksums were compared: an engine never opens a file that was replaced
    on disk since. `trusted` are the types that a stored pipeline may contain beside those of our list: no file of the bundle names them,
    but the record of what is to be served.
    """

    folder: Path
    contract: Contract
    probe: Probe
    files: Mapping[str, bytes] = field(repr=False)
    words: WordsByLanguage = field(default_factory=dict, repr=False)
    trusted: tuple[str, ...] = ()

    def trusting(self, types: Iterable[str]) -> Bundle:
        """Return the same bundle, in which these types are trusted."""
        return replace(self, trusted=tuple(types))

    def file(self, name: str) -> bytes:
        """Return one model file.

        Raises:
            BundleError: The bundle has no file of that name.
        """
        if name not in self.files:
            raise BundleError(
                f"{self.folder}: the engine {self.contract.engine!r} needs {name}; the bundle has {sorted(self.files)}. "
                "Release the model again."
            )
        return self.files[name]


def read(folder: Path, within: Path | None = None) -> Bundle:
    """Verify every checksum and return the bundle.

    Args:
        within: The folder that contains all its files, also when links are followed; by default the bundle's own.

    Raises:
        BundleError: A file is missing, altered or not listed, or the format is another.
    """
    within = within or folder
    manifest = decode(folder / MANIFEST, Manifest, within)
    present = {path.name for path in folder.iterdir()} - {MANIFEST}
    if present != set(manifest.files):
        odd = sorted(present ^ set(manifest.files))
        raise BundleError(f"{folder}: the manifest and the folder disagree about {odd}. Release the model again.")
    contents = {name: _verified(folder / name, expected, within) for name, expected in manifest.files.items()}
    if missing := sorted({CONTRACT, PROBE} - set(contents)):
        raise BundleError(f"{folder}: {missing} are missing; the bundle is incomplete. Release the model again.")
    contract = decode_bytes(contents.pop(CONTRACT), Contract, folder / CONTRACT)
    if contract.format != FORMAT:
        raise BundleError(f"{folder}: the bundle has format {contract.format}; this version of Slipway reads format {FORMAT}.")
    probe = decode_bytes(contents.pop(PROBE), Probe, folder / PROBE)
    words = contents.pop(WORDING, None)  # a bundle of an earlier version has none
    return Bundle(folder, contract, probe, files=contents, words=NO_WORDS if words is None else decoded(words, folder / WORDING))


def _verified(path: Path, expected: str, within: Path) -> bytes:
    content = content_of(path, within)
    if (received := digest(content)) != expected:
        raise BundleError(
            f"{path.parent}: {path.name} has changed since it was measured.\n  expected sha256 {expected}   received sha256 {received}\n"
            "Release the model again, or roll back to a version whose bundle is intact."
        )
    return content
