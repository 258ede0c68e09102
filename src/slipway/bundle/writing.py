"""Writing a bundle: contract, probe rows and the checksum of each file, beside the compiled model."""

from __future__ import annotations

from pathlib import Path

import msgspec

from slipway.bundle.contract import CONTRACT, MANIFEST, PROBE, Contract, Manifest, Probe
from slipway.bundle.engine import MODEL_FILE
from slipway.bundle.reading import Bundle, checksum, read


def write(folder: Path, model: bytes, contract: Contract, probe: Probe) -> Bundle:
    """Write a whole bundle into an empty or missing folder and read it back, verified.

    Args:
        model: The compiled model, an ONNX graph as bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(model)
    for name, content in ((CONTRACT, contract), (PROBE, probe)):
        (folder / name).write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1))
    files = {path.name: checksum(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(Manifest(files)), indent=1))
    return read(folder)
