"""The program that reads uploaded files and writes those for downloading: a process of its own, with limits, for each task."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from slipway.gateway.limits.places import Places

PROGRAM = (sys.executable, "-P", "-m", "slipway.scoring.uploads")
SECONDS = 300.0  # it ends itself before

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


async def perform(places: Places, what: Literal["read", "finish"], folder: Path, task: msgspec.Struct, type: type[Result]) -> Result | None:
    """Return the result of a task, None if the process reached one of its limits.

    Raises:
        RequestError: 503, too many files are being read.
        RuntimeError: The program failed; its standard error, which is the gateway's, says why.
    """
    async with places:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*PROGRAM, what, str(folder), stdin=pipe, stdout=pipe)
        try:
            output, _ = await asyncio.wait_for(process.communicate(msgspec.json.encode(task)), SECONDS)
        except TimeoutError:
            logger.warning("a file took too long (%s)", what)
            return None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode and process.returncode < 0:
        logger.warning("a file reached the limits of memory or time (%s, signal %d)", what, -process.returncode)
        return None
    if process.returncode:
        raise RuntimeError(f"the program for uploaded files ended with status {process.returncode} ({what})")
    return msgspec.json.decode(output, type=type)
