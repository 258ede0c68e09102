"""Finding pickles: a stored model is data, and loading a pickle runs its code."""

from __future__ import annotations

import pickletools
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np

SUFFIXES = {".pkl", ".pickle", ".joblib", ".cloudpickle"}
DECISIVE = {"STOP", "GLOBAL", "STACK_GLOBAL"}


def pickles_below(folder: Path) -> list[str]:
    """Return every pickle below a folder, by name or by content, also inside archives: `file` or `file!member`, and why."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [found for path in files for found in pickles(path.relative_to(folder).as_posix(), path.read_bytes())]


def pickles(name: str, content: bytes) -> list[str]:
    """Return what is wrong with one file, its members included; nothing for a harmless one."""
    found = []
    if Path(name).suffix.lower() in SUFFIXES:
        found.append(f"{name}: its name is a pickle's")
    if is_pickle(content):
        found.append(f"{name}: its content is a pickle")
    if content.startswith(b"\x93NUMPY") and holds_objects(content):
        found.append(f"{name}: numpy unpickles its objects")
    if zipfile.is_zipfile(BytesIO(content)):  # .skops, .npz and .keras among others
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = [(member, archive.read(member)) for member in archive.namelist()]
        found += [inner for member, inside in members for inner in pickles(f"{name}!{member}", inside)]
    return found


def is_pickle(content: bytes) -> bool:
    """Return whether the bytes begin with a pickle of protocol 2 to 5: its two marks, and operations up to a STOP.

    Up to one that imports something is enough: joblib writes arrays raw between the operations, where no parser gets through.
    """
    if content[:1] != b"\x80" or content[1:2] not in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return False
    try:
        return any(operation.name in DECISIVE for operation, _, _ in pickletools.genops(content))
    except (ValueError, IndexError, UnicodeDecodeError):
        return False


def holds_objects(content: bytes) -> bool:
    """Return whether a .npy file holds Python objects, which only a pickle can; nothing is loaded."""
    file = BytesIO(content)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(file)
    if version not in read:  # 3.0 writes the names of fields in UTF-8, and is read as 2.0 otherwise
        return b"|O" in content[:1024]
    _, _, dtype = read[version](file)
    return bool(dtype.hasobject)
