"""The client for programs on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from slipway.client import messages
from slipway.client.answers import ExplainedPrediction, Label, LabelsReply, Prediction, PredictReply, RecordedOutcomes
from slipway.client.attempts import Attempts
from slipway.client.connecting import CHUNK, CHUNK_TO_EXPLAIN, RETRIES, TIMEOUT, options


class AsyncClient:
    """Like `Client`, with methods to await. Use it in `async with`, or `await` its `close`."""

    def __init__(self, url: str, *, key: str, timeout: float = TIMEOUT, retries: int = RETRIES, ca: str | Path | None = None) -> None:
        self._http = httpx.AsyncClient(**options(url, key, timeout, ca))
        self._retries = retries

    async def predict(self, model: str, rows: messages.Rows, *, chunk: int = CHUNK) -> list[Prediction]:
        """Return one prediction a row, in the rows' order; for arguments and errors see `Client.predict`."""
        predicted: list[Prediction] = []
        for message in messages.predictions(model, rows, chunk):
            predicted += messages.read(await self._send(message), PredictReply).each()
        return predicted

    async def predict_one(self, model: str, row: Mapping[str, Any], *, subject: str | None = None) -> Prediction:
        """Return the prediction of one row; for errors see `Client.predict`."""
        return (await self.predict(model, [row if subject is None else {**row, "subject": subject}]))[0]

    async def explain(self, model: str, rows: messages.Rows, *, chunk: int = CHUNK_TO_EXPLAIN) -> list[ExplainedPrediction]:
        """Return one prediction a row with what every column adds to it; for arguments and errors see `Client.explain`."""
        explained: list[ExplainedPrediction] = []
        for message in messages.explanations(model, rows, chunk):
            explained += messages.read_explanations(await self._send(message))
        return explained

    async def invocations(self, model: str, content: Mapping[str, Any]) -> list[Label]:
        """Return the labels of a request in MLflow's scoring protocol; for errors see `Client.predict`."""
        return messages.read(await self._send(messages.invocation(model, content)), LabelsReply).predictions

    async def outcomes(self, model: str, outcomes: messages.Rows, *, chunk: int = CHUNK) -> RecordedOutcomes:
        """Send actual outcomes of predictions; for arguments and errors see `Client.outcomes`."""
        recorded = RecordedOutcomes(0, 0, 0)
        for message in messages.outcomes(model, outcomes, chunk):
            recorded += messages.read(await self._send(message), RecordedOutcomes)
        return recorded

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def _send(self, message: messages.Message) -> httpx.Response:
        attempts = Attempts(message, self._retries)
        while True:
            try:
                response = await self._http.post(message.path, content=message.body)
            except httpx.TransportError as error:
                await asyncio.sleep(attempts.after_error(error))
                continue
            if response.is_success:
                return response
            await asyncio.sleep(attempts.after_reply(response))
