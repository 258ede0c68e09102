"""Writing a bundle: the compiled model, contract, probe rows, words for its pages, and the checksum of each file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from slipway.bundle.contract import CONTRACT, MANIFEST, PROBE, Contract, Manifest, Probe
from slipway.bundle.reading import Bundle, read
from slipway.bundle.wording import NO_WORDS, WORDING, WordsByLanguage, encoded
from slipway.files.checksums import digest


def write(folder: Path, files: Mapping[str, bytes], contract: Contract, probe: Probe, words: WordsByLanguage = NO_WORDS) -> Bundle:
    """Write a bundle into an empty or missing folder, then read and verify it.

    Args:
        files: The compiled model by file name; see `slipway.bundle.compiling.compile_model`.
        words: What pages say about the model, by language; without words, there is no file of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = {**files, CONTRACT: _json(contract), PROBE: _json(probe)}
    if words:
        contents[WORDING] = encoded(words)
    manifest = Manifest({name: digest(content) for name, content in sorted(contents.items())})
    for name, content in {**contents, MANIFEST: _json(manifest)}.items():
        (folder / name).write_bytes(content)
    return read(folder)


def _json(content: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=1)
