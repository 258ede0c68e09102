"""Answer questions: `python -m deployments.operations` reads one JSON object a line, and writes one a line, in the order of the answers.

A question is {"id": 1, "question": "preview", "parameters": {...}}. An answer is {"id": 1, "value": ...}, or {"id": 1, "error": "...",
"status": 409} with the HTTP status that says why there is none.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any, TextIO

import msgspec
from pydantic import BaseModel

from deployments.operations.questions import QUESTIONS
from slipway.catalogue.specs import files
from slipway.errors import PlatformError, SlipwayError
from slipway.settings import Settings

AT_ONCE = 8

logger = logging.getLogger("deployments.operations")


def main() -> None:
    """Answer until standard input ends, which is when the gateway does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the gateway
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    os.umask(0o077)
    answers, sys.stdout = sys.stdout, sys.stderr  # nothing but answers goes to the gateway
    lock, known = Lock(), _model_files()
    # without a buffer, what is not read yet is still there for a process that begins anew
    with open(0, "rb", buffering=0, closefd=False) as questions, ThreadPoolExecutor(AT_ONCE) as pool:
        while select.select([questions], [], []):
            if _model_files() != known:
                pool.shutdown()  # what was asked before is answered first
                os.execv(sys.executable, [sys.executable, "-m", "deployments.operations"])  # noqa: S606 - the same process
            if not (line := questions.readline()):
                return
            pool.submit(_answer, json.loads(line), answers, lock)


def _model_files() -> dict[Path, int]:
    """Return when each model file was changed. The catalogue is read once, so after a change this process begins anew."""
    try:
        return {file: file.stat().st_mtime_ns for file in files()[0].values()}
    except (SlipwayError, OSError):
        return {}


def _answer(asked: dict[str, Any], answers: TextIO, lock: Lock) -> None:
    line = msgspec.json.encode({"id": asked["id"], **_found(asked["question"], asked["parameters"])}, enc_hook=_of_record)
    with lock:
        answers.write(f"{line.decode()}\n")
        answers.flush()


def _found(question: str, parameters: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": QUESTIONS[question](Settings.load(), **parameters)}
    except SlipwayError as error:
        return {"error": str(error), "status": 503 if isinstance(error, PlatformError) else 404 if isinstance(error, LookupError) else 409}
    except Exception:
        logger.exception("the question %s has no answer", question)
        return {"error": "the process for the operator's pages failed; the gateway's log says why."}


def _of_record(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise NotImplementedError(f"{type(value).__name__} cannot be an answer")


if __name__ == "__main__":
    main()
