"""`python -m slipway.scoring.uploads read|finish FOLDER`: the task comes as JSON on standard input, the result goes to standard output."""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

import msgspec

from slipway.rows.uploads import FinishTask, ReadTask

MEMORY = 2 << 30  # bytes of addresses
PROCESSOR = 120  # seconds
SECONDS = 240  # by the clock
LARGEST = 2 << 30  # bytes of a file that is written


def main() -> None:
    """Do one task within the limits. Beyond them, the process is killed, or the file is called too large."""
    limit()
    what, folder = sys.argv[1], Path(sys.argv[2])
    sys.stdout.buffer.write(msgspec.json.encode(perform(what, folder, sys.stdin.buffer.read())))


def limit() -> None:
    """Limit this process for good."""
    limits = {resource.RLIMIT_AS: MEMORY, resource.RLIMIT_CPU: PROCESSOR, resource.RLIMIT_FSIZE: LARGEST, resource.RLIMIT_CORE: 0}
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # the others reserve many addresses
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"  # each thread would reserve some, too
    os.umask(0o077)
    os.nice(5)
    signal.alarm(SECONDS)


def perform(what: str, folder: Path, task: bytes) -> object:
    """Return the result of a task."""
    if what == "finish":
        from slipway.scoring.uploads.finishing import finish

        return finish(folder, msgspec.json.decode(task, type=FinishTask))
    from slipway.scoring.uploads.reading import read

    return read(folder, msgspec.json.decode(task, type=ReadTask))


if __name__ == "__main__":
    main()
