"""Standard error at the level of its file descriptor, where C++ code and child processes write to it as well."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def discarded_standard_error() -> Iterator[None]:
    """Discard what this process, and programs that it starts in the block, write to standard error."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
