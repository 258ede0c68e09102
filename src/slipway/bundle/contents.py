"""The content of a stored file, if it is a regular file of limited size inside its folder, and expands to a limited size.

Someone else may have put it there: a link may lead to any file of the machine, a pipe never ends, a small zip may fill the memory.
"""

from __future__ import annotations

import os
import stat
import zipfile
from io import BytesIO
from pathlib import Path

from slipway.errors import BundleError

MOST_BYTES = 1 << 30  # of a file, and of what a zip expands to; the largest model of ours has 0.1 GB


def content_of(path: Path, within: Path) -> bytes:
    """Return the content of a file inside the folder `within`, which may be a link itself.

    Raises:
        BundleError: The file is outside, through a link; or it is not a regular file; or it is too large.
        OSError: It cannot be read.
    """
    real, inside = os.path.realpath(path), os.path.realpath(within)
    if os.path.commonpath((real, inside)) != inside:
        raise BundleError(f"{path}: expected a file in {within}, received a link to {real}. Replace the link with the file it names.")
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)  # else a pipe would wait for a writer
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise BundleError(f"{path}: expected a regular file, received another kind. Put the file back, or release the model again.")
        if found.st_size > MOST_BYTES:
            raise BundleError(f"{path}: expected at most {MOST_BYTES:,} bytes, received {found.st_size:,}. Release the model again.")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MOST_BYTES)
    finally:
        os.close(descriptor)


def refuse_large_zip(content: bytes, name: str) -> None:
    """Refuse a zip that expands to too much, before any of it is expanded. `name` is named in the error.

    Python's zipfile never returns more of a member than its entry says.

    Raises:
        BundleError: It is too large.
        zipfile.BadZipFile: It is not a zip.
    """
    with zipfile.ZipFile(BytesIO(content)) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MOST_BYTES:
        raise BundleError(f"{name}: expected to expand to at most {MOST_BYTES:,} bytes, received {size:,}. Release the model again.")
