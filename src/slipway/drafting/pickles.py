"""A pickle as a skops file, made in a process that can do nothing else; see `slipway.drafting.unpickler`."""

from __future__ import annotations

import json
import logging
import os
import signal
import struct
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from slipway.errors import AdoptedModelError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

PROGRAM = Path(__file__).with_name("unpickler.py")
SECONDS = 180.0
LARGEST = 1 << 30  # bytes that it may write, and so that this process reads
SHOWN = 300


def as_skops(address: str, pickled: bytes) -> bytes:
    """Return the model of a pickle as the content of a skops file, which is not loaded here.

    What this machine cannot keep it from is logged before it is read.

    Raises:
        AdoptedModelError: It cannot be read there, takes too long, or skops cannot write it.
    """
    if open_to := json.loads(_asked(address, b"", b"")[0]):
        logger.warning("%s: this machine cannot keep its pickle from %s", address, " or ".join(open_to))
    return _asked(address, pickled, b"")[1]


def answers_of(address: str, pickled: bytes, rows: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return the (n, classes) probabilities, or (n, 1) numbers, that the model of a pickle answers to n rows.

    Raises:
        AdoptedModelError: See `as_skops`.
    """
    buffer = BytesIO()
    rows.to_parquet(buffer)
    return np.asarray(json.loads(_asked(address, pickled, buffer.getvalue())[0]), dtype=np.float64)


def _asked(address: str, pickled: bytes, rows: bytes) -> tuple[bytes, bytes]:
    """Run the program; return the two parts that it writes.

    It gets files in place of pipes, because the system ends it if it writes too much into a file.
    """
    environment = {"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "HOME": "/nonexistent"}
    with tempfile.TemporaryFile() as sent, tempfile.TemporaryFile() as received, tempfile.TemporaryFile() as said:
        for part in (pickled, rows):
            sent.write(struct.pack("<Q", len(part)) + part)
        sent.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-I", str(PROGRAM), str(LARGEST)],
            stdin=sent,
            stdout=received,
            stderr=said,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            raise AdoptedModelError(f"{address}: its pickle was not read after {SECONDS:.0f} s, so the process was ended.") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for file in (received, said):
            file.seek(0)
        try:
            return _part(received), _part(received)
        except struct.error:
            lines = said.read(LARGEST)[-SHOWN:].decode(errors="replace").strip().splitlines()
            reason = " ".join((lines or [f"it ended with {process.returncode}"])[-1].split())
            raise AdoptedModelError(f"{address}: its pickle could not be turned into a skops file: {reason}") from None


def _part(file: IO[bytes]) -> bytes:
    """Read a part, which begins with its length.

    Raises:
        struct.error: The file ends before it, as if the process did.
    """
    (size,) = struct.unpack("<Q", file.read(8))
    content = file.read(min(size, LARGEST))
    if len(content) < size:
        raise struct.error("the part is not whole")
    return content
