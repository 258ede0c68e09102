"""Run requests that arrive together in one call of the engine; each gets its own answers.

There is no timer: the requests of one turn of the event loop run at the next, so that no request waits for a batch to fill.
"""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment
    from slipway.problems.serving import Answer
    from slipway.rows.checks import Cells


Answers = tuple[list["Answer"], list[list[float]]]


class Batches:
    """The requests of one worker that wait for the engine, by deployment. For the event loop's thread."""

    def __init__(self) -> None:
        self._waiting: dict[Deployment, list[tuple[dict[str, Cells], asyncio.Future[Answers]]]] = {}

    async def predict(self, deployment: Deployment, columns: dict[str, Cells]) -> Answers:
        """Return n labels and (n, classes) probabilities of n checked rows. For small requests."""
        loop = asyncio.get_running_loop()
        waiting = self._waiting.get(deployment)
        if waiting is None:
            waiting = self._waiting[deployment] = []
            loop.call_soon(self._run, deployment)  # after the requests whose tasks are due in this turn
        answers: asyncio.Future[Answers] = loop.create_future()
        waiting.append((columns, answers))
        return await answers

    def _run(self, deployment: Deployment) -> None:
        waiting = [
            (columns, answers) for columns, answers in self._waiting.pop(deployment) if not answers.done()
        ]  # else the caller is gone
        if not waiting:
            return
        try:
            merged = waiting[0][0] if len(waiting) == 1 else _merged([columns for columns, _ in waiting])
            labels, probabilities = deployment.predict(merged)
        except Exception as error:
            for _, answers in waiting:
                answers.set_exception(error)
            return
        begin = 0
        for columns, answers in waiting:
            end = begin + _rows(columns)
            answers.set_result((labels[begin:end], probabilities[begin:end]))
            begin = end


def _merged(several: list[dict[str, Cells]]) -> dict[str, Cells]:
    return {name: list(chain.from_iterable(columns[name] for columns in several)) for name in several[0]}


def _rows(columns: dict[str, Cells]) -> int:
    return len(next(iter(columns.values())))
