"""Obtaining the rows: a local file, or the content of an address, stored for the time of the run."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import httpx

from slipway.errors import DatasetNotFoundError, OriginUnreachableError, ScoringError
from slipway.scoring.job import Job, name_in

logger = logging.getLogger(__name__)

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
PART = 1 << 20


def obtain(job: Job, workspace: Path) -> Path:
    """Return the file with the rows; the content of an address is streamed into the workspace.

    Raises:
        DatasetNotFoundError: There is no such file, here or at the address.
        OriginUnreachableError: No connection, an answer that broke off, or 5xx. Another attempt may help.
        ScoringError: It is not a file, or larger than the free space.
    """
    if job.remote:
        return _download(job, workspace / name_in(job.source))
    path = Path(job.source)
    if not path.exists():
        raise DatasetNotFoundError(f"{job.model}: there is no file {path}.")
    if not path.is_file():
        raise ScoringError(f"{job.model}: {path} is not a file; name a CSV or Parquet file.")
    return path


def _download(job: Job, path: Path) -> Path:
    shown = job.shown_source
    try:
        with httpx.stream("GET", job.source, timeout=TIMEOUT, follow_redirects=True) as response:
            _refuse_failure(response, job.model, shown)
            _refuse_large(response, path, shown)
            with path.open("wb") as file:  # from the beginning again, if an earlier attempt broke off
                for part in response.iter_bytes(PART):
                    file.write(part)
    except httpx.TransportError as error:
        # without the cause: its message has the whole address
        raise OriginUnreachableError(f"{job.model}: {shown} cannot be reached ({type(error).__name__}). Try again.") from None
    logger.info("%s: fetched %s (%s bytes)", job.model, shown, f"{path.stat().st_size:,}")
    return path


def _refuse_failure(response: httpx.Response, model: str, shown: str) -> None:
    if response.is_success:
        return
    kind = OriginUnreachableError if response.is_server_error else DatasetNotFoundError
    raise kind(f"{model}: {shown} answered {response.status_code} {response.reason_phrase}; expected a CSV or Parquet file.")


def _refuse_large(response: httpx.Response, path: Path, shown: str) -> None:
    announced, free = response.headers.get("content-length", ""), shutil.disk_usage(path.parent).free
    if announced.isascii() and announced.isdigit() and int(announced) > free:
        raise ScoringError(
            f"{shown} has {int(announced):,} bytes, and {path.parent.parent} has room for {free:,}. "
            "Make room, or write the predictions to a larger disk (--to)."
        )
