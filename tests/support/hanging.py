"""A file whose opening hangs, as on a mount whose server is gone: another program holds a lease of it, which the system waits for."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def hanging(path: Path) -> Iterator[None]:
    """Let every opening of the file wait for the end of the block; the system gives up after 45 s. Its time is another one than before."""
    if sys.platform != "linux":
        pytest.skip("only Linux has leases of files")
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # by which the system asks for the lease
    os.utime(path, (1, 1))  # within one tick of the clock, a touch would change nothing
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError:
        os.close(descriptor)
        pytest.skip("this file system has no leases")
    try:
        yield
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, before)
