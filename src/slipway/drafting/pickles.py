"""A pickle as a skops file, made in a process that can do nothing else; see `slipway.drafting.unpickler`."""

from __future__ import annotations

import json
import logging
import os
import signal
import struct
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from slipway.errors import AdoptedModelError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

PROGRAM = Path(__file__).with_name("unpickler.py")
SECONDS = 180.0
SHOWN = 300


def as_skops(address: str, pickled: bytes) -> bytes:
    """Return the model of a pickle as the content of a skops file, which is not loaded here.

    Raises:
        AdoptedModelError: It cannot be read there, takes too long, or skops cannot write it.
    """
    _, stored = _asked(address, pickled, b"")
    return stored


def answers_of(address: str, pickled: bytes, rows: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return the (n, classes) probabilities, or (n, 1) numbers, that the model of a pickle answers to n rows.

    Raises:
        AdoptedModelError: See `as_skops`.
    """
    buffer = BytesIO()
    rows.to_parquet(buffer)
    answers, _ = _asked(address, pickled, buffer.getvalue())
    return np.asarray(json.loads(answers), dtype=np.float64)


def _asked(address: str, pickled: bytes, rows: bytes) -> tuple[bytes, bytes]:
    sent = b"".join(struct.pack("<Q", len(part)) + part for part in (pickled, rows))
    environment = {"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "HOME": "/nonexistent"}
    process = subprocess.Popen(
        [sys.executable, "-I", str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd="/",
        start_new_session=True,
    )
    try:
        received, said = process.communicate(sent, SECONDS)
    except subprocess.TimeoutExpired:
        raise AdoptedModelError(f"{address}: its pickle was not read after {SECONDS:.0f} s, so the process was ended.") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    first, _, rest = said.decode(errors="replace").partition("\n")
    if first.startswith("[") and (open_to := json.loads(first)):
        logger.warning("%s: this machine cannot keep its pickle from %s", address, " or ".join(open_to))
    try:
        size = struct.unpack_from("<Q", received)[0]
        (after,) = struct.unpack_from("<Q", received, 8 + size)
        answers, stored = received[8 : 8 + size], received[16 + size : 16 + size + after]
    except struct.error:
        reason = " ".join((rest.strip().splitlines() or [f"it ended with {process.returncode}"])[-1].split())[:SHOWN]
        raise AdoptedModelError(f"{address}: its pickle could not be turned into a skops file: {reason}") from None
    return answers, stored
