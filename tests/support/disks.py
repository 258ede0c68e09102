"""A small disk that a test may fill, empty and make read-only."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

MEGABYTES = 64


@dataclass(frozen=True)
class Disk:
    """A file system of its own at a folder."""

    folder: Path

    def fill(self) -> None:
        with (self.folder / "filling").open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(1 << 20)):
                pass

    def empty(self) -> None:
        (self.folder / "filling").unlink()

    def make_read_only(self) -> None:
        assert _mount("-o", "remount,ro", str(self.folder)) == 0  # no file is open for writing


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """Mount a disk of 64 MB in memory for the length of the block. Where this user may not mount, the test is skipped."""
    folder.mkdir()
    if sys.platform != "linux" or os.getuid() or _mount("-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)):
        pytest.skip("only root may mount a small disk on Linux")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> int:
    return subprocess.run(["mount", *arguments], capture_output=True).returncode
