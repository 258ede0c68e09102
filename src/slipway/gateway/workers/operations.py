"""Questions to the process `deployments.operations`: what needs ledger, Prefect or a library that is too large for the gateway."""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from slipway.gateway.replies import NOT_FOUND, UNAVAILABLE, RequestError, unavailable

PROGRAM = (sys.executable, "-m", "deployments.operations")
SECONDS = 90.0  # for an answer: Prefect's database may wait for a lock
ENDS_WITHIN = 5.0
LARGEST = 16 * 1024 * 1024  # bytes of an answer
CODES = {404: NOT_FOUND, 409: "REFUSED"}

Answer = TypeVar("Answer")

logger = logging.getLogger(__name__)


class OperationsAnswer(msgspec.Struct):
    """One line of the process: the answer to a question, or why there is none, with the HTTP status of that."""

    id: int
    value: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""
    status: int = 503


class Operations:
    """The process beside one worker. It starts at the first question, and ends with the worker, because its standard input ends."""

    def __init__(self, program: Sequence[str] = PROGRAM) -> None:
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._waiting: dict[int, asyncio.Future[OperationsAnswer]] = {}
        self._numbers = itertools.count()
        self._reader: asyncio.Task[None] | None = None

    async def ask(self, question: str, type: type[Answer], **parameters: Any) -> Answer:
        """Return the answer to one of the questions of `deployments.operations.questions`.

        Raises:
            RequestError: 404, there is no such model; 409, what was asked for is refused; 503, there is no answer.
        """
        process, number = await self._started(), next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        line = msgspec.json.encode({"id": number, "question": question, "parameters": parameters})
        try:
            assert process.stdin  # noqa: S101 - it has a pipe
            process.stdin.write(line + b"\n")
            answered = await asyncio.wait_for(future, SECONDS)
        except (TimeoutError, ConnectionError):
            raise unavailable(
                f"no answer within {SECONDS:.0f} s; see the gateway's log, then load the page again.", retry_after=5
            ) from None
        finally:
            self._waiting.pop(number, None)
        if answered.error:
            raise RequestError(answered.status, CODES.get(answered.status, UNAVAILABLE), answered.error)
        return msgspec.json.decode(answered.value, type=type)

    async def close(self) -> None:
        """End the process, also if it waits for somebody else's answer."""
        if self._process and self._process.stdin:
            self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), ENDS_WITHIN)
            except TimeoutError:
                self._process.kill()
        if self._reader:
            await self._reader

    async def _started(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is None or self._reader is None or self._process.returncode is not None or self._reader.done():
                if self._reader:
                    await self._reader  # those who asked the process before have got their answer then
                pipe = asyncio.subprocess.PIPE
                self._process = await asyncio.create_subprocess_exec(*self._program, stdin=pipe, stdout=pipe, limit=LARGEST)
                self._reader = asyncio.create_task(self._read(self._process), name="operations")
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand out the answers until the process ends; then nobody waits for one any more."""
        assert process.stdout  # noqa: S101 - it has a pipe
        try:
            while line := await process.stdout.readline():
                answered = msgspec.json.decode(line, type=OperationsAnswer)
                if (future := self._waiting.get(answered.id)) and not future.done():
                    future.set_result(answered)
        except (ValueError, msgspec.MsgspecError):  # a line that is too long, or no answer
            logger.exception("the process for the operator's pages said something that is no answer, so it is ended")
            process.kill()
        for number, future in self._waiting.items():
            if not future.done():
                future.set_result(OperationsAnswer(number, error="the process for the operator's pages ended; load the page again."))
