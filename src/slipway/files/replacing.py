"""Replacing a file in one step: a reader finds the old content or the new, never a part of either."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path, *, private: bool = False, durable: bool = False) -> Iterator[BinaryIO]:
    """Yield a file to write to, which replaces `path` when the block ends. If the block fails, `path` stays as it was.

    The content is written beside `path`, to a hidden file that ends in `.tmp`. Only a killed process leaves it behind.

    Args:
        private: Only its owner may read and write it; otherwise its rights follow the process's umask.
        durable: File and folder are on the disk when the block ends: after a power cut, the new content is there completely.
    Raises:
        OSError: The folder is missing, full or not writable.
    """
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666), "wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(scratch, path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    if durable:
        _sync(path.parent)


def replace(path: Path, content: bytes, *, private: bool = False, durable: bool = False) -> None:
    """Replace a small file; see `replacing`."""
    with replacing(path, private=private, durable=durable) as file:
        file.write(content)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
