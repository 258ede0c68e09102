"""The shadows: answers of the version that did not answer a request. They are scored after the reply, logged, and never sent.

A request for which there is no room is counted as skipped. No answer waits for a shadow or fails because of one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from slipway.audit import AuditLog, Shadowed
from slipway.gateway.metrics.counts import Metrics
from slipway.gateway.metrics.declarations import SHADOW_ROWS, SHADOW_SKIPPED
from slipway.rows.checks import Cells

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment
    from slipway.problems.serving import Answer

MOST_REQUESTS, MOST_ROWS = 256, 100_000
LAST_SHADOWS = 5.0  # seconds for the requests that still wait when the gateway ends
AT_ONCE = 0.001  # seconds of shadows before new requests have their turn
QUICK = 0.005  # seconds; a version that takes longer works in a thread, so that answers do not wait for it
QUIET = 10.0  # seconds between two log lines about failures

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShadowRequest:
    """A request for the version that did not answer: n checked rows by column, and the n labels of the answer."""

    deployment: Deployment
    request_id: str
    time: float
    columns: dict[str, Cells]
    labels: list[Answer]
    large: bool


class Shadows:
    """The requests that wait for their shadows. For the event loop's thread; `follow` scores them."""

    def __init__(self, log: AuditLog, metrics: Metrics, most_requests: int = MOST_REQUESTS, most_rows: int = MOST_ROWS) -> None:
        self._log, self._metrics = log, metrics
        self._most_requests, self._most_rows = most_requests, most_rows
        self._queue: deque[ShadowRequest] = deque()
        self._rows = 0
        self._filled = asyncio.Event()
        self._quick: set[str] = set()
        self._reported = float("-inf")

    def put(self, shadow: ShadowRequest) -> None:
        """Queue a request, if there is room. An empty queue accepts a request of any size."""
        rows = len(shadow.labels)
        if len(self._queue) >= self._most_requests or (self._queue and self._rows + rows > self._most_rows):
            self._metrics.add(SHADOW_SKIPPED, rows, shadow.deployment.contract.model)
            return
        self._queue.append(shadow)
        self._rows += rows
        self._filled.set()

    async def follow(self) -> None:
        """Score the requests, until cancelled."""
        while True:
            await self._filled.wait()
            await self._work()

    async def finish(self, seconds: float = LAST_SHADOWS) -> None:
        """Score the requests that still wait, within `seconds`. Call it after `follow` was cancelled."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._work(), seconds)
        if self._queue:
            logger.warning("%d requests were not compared: the gateway ends", len(self._queue))

    async def _work(self) -> None:
        since = time.perf_counter()
        while self._queue:
            await self._score(self._queue[0])
            self._rows -= len(self._queue.popleft().labels)  # only now: `finish` scores a request whose scoring was cancelled
            if time.perf_counter() - since > AT_ONCE:
                await asyncio.sleep(0)
                since = time.perf_counter()
        self._filled.clear()

    async def _score(self, shadow: ShadowRequest) -> None:
        deployment, started = shadow.deployment, time.perf_counter()
        try:
            if shadow.large or deployment.installation not in self._quick:
                labels, probabilities = await asyncio.to_thread(deployment.predict, shadow.columns)
            else:
                labels, probabilities = deployment.predict(shadow.columns)
        except Exception:
            self._metrics.add(SHADOW_SKIPPED, len(shadow.labels), deployment.contract.model)
            self._report(deployment)
            return
        seconds = time.perf_counter() - started
        if not shadow.large:
            (self._quick.add if seconds < QUICK else self._quick.discard)(deployment.installation)
        agree = deployment.contract.output.agrees
        agrees = [agree(label, answered) for label, answered in zip(labels, shadow.labels, strict=True)]
        self._record(
            Shadowed(
                request_id=shadow.request_id,
                time=shadow.time,
                contract=deployment.contract,
                labels=labels,
                probabilities=probabilities,
                agrees=agrees,
                latency_ms=seconds * 1e3,
            )
        )

    def _record(self, shadowed: Shadowed) -> None:
        if written := self._log.shadow(shadowed):
            written.add_done_callback(partial(self._count, shadowed.contract.model, len(shadowed.agrees), sum(shadowed.agrees)))
        else:
            self._metrics.add(SHADOW_SKIPPED, shadowed.size, shadowed.contract.model)

    def _count(self, model: str, rows: int, agreeing: int, written: asyncio.Future[None]) -> None:
        if written.cancelled() or written.exception():
            self._metrics.add(SHADOW_SKIPPED, rows, model)
        else:
            self._metrics.add(SHADOW_ROWS, agreeing, model, "yes")
            self._metrics.add(SHADOW_ROWS, rows - agreeing, model, "no")

    def _report(self, deployment: Deployment) -> None:
        if (now := time.monotonic()) - self._reported >= QUIET:
            self._reported = now
            contract = deployment.contract
            logger.exception("%s version %s could not answer in shadow; callers did not notice", contract.model, contract.version)
