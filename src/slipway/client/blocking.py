"""The client for programs that wait for the answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from slipway.client import messages
from slipway.client.answers import ExplainedPrediction, Label, LabelsReply, Prediction, PredictReply, RecordedOutcomes
from slipway.client.attempts import Attempts
from slipway.client.connecting import CHUNK, CHUNK_TO_EXPLAIN, RETRIES, TIMEOUT, options


class Client:
    """A client of one gateway, over connections that stay open. Threads may share it. Close it, or use it in `with`.

    Args:
        url: The gateway's address, such as https://gateway.example.org:8000.
        key: The API key.
        timeout: Seconds to wait for a connection, and for each part of an answer.
        retries: How often to send a request again after a broken connection, 429, 502 or 503.
        ca: A PEM file with the authority that signed the gateway's certificate, if it is your own.
    Raises:
        ValueError: The address or the key is not valid.
        OSError: The file of `ca` cannot be read.
    """

    def __init__(self, url: str, *, key: str, timeout: float = TIMEOUT, retries: int = RETRIES, ca: str | Path | None = None) -> None:
        self._http = httpx.Client(**options(url, key, timeout, ca))
        self._retries = retries

    def predict(self, model: str, rows: messages.Rows, *, chunk: int = CHUNK) -> list[Prediction]:
        """Return one prediction a row, in the rows' order.

        Args:
            model: The model's name.
            rows: Values by column name, one mapping a row, or a pandas frame; "subject" may name the person a row describes.
            chunk: Rows a request. If a later request is refused, earlier answers remain valid.
        Raises:
            RefusedRows: Values break the contract; the error names rows and columns.
            ClientError: Nothing was answered for another reason; its subclasses say which.
            ValueError: JSON cannot express a value.
        """
        requests = messages.predictions(model, rows, chunk)
        return [one for message in requests for one in messages.read(self._send(message), PredictReply).each()]

    def predict_one(self, model: str, row: Mapping[str, Any], *, subject: str | None = None) -> Prediction:
        """Return the prediction of one row; for errors see `predict`."""
        return self.predict(model, [row if subject is None else {**row, "subject": subject}])[0]

    def explain(self, model: str, rows: messages.Rows, *, chunk: int = CHUNK_TO_EXPLAIN) -> list[ExplainedPrediction]:
        """Return one prediction a row, in the rows' order, with what every column adds to it. Each is logged as by `predict`.

        Args:
            model: The model's name.
            rows: As for `predict`.
            chunk: Rows a request; the gateway accepts at most 100.
        Raises:
            RefusedRows, ClientError, ValueError: As `predict` does.
        """
        requests = messages.explanations(model, rows, chunk)
        return [one for message in requests for one in messages.read_explanations(self._send(message))]

    def invocations(self, model: str, content: Mapping[str, Any]) -> list[Label]:
        """Return the labels of a request in MLflow's scoring protocol, such as {"dataframe_records": [...]}; for errors see `predict`."""
        return messages.read(self._send(messages.invocation(model, content)), LabelsReply).predictions

    def outcomes(self, model: str, outcomes: messages.Rows, *, chunk: int = CHUNK) -> RecordedOutcomes:
        """Send the actual outcomes of predictions, and return when they are recorded. Sending them again counts as a repetition.

        Args:
            model: The model's name.
            outcomes: One mapping each, or a pandas frame: "outcome", either "prediction_id" or "subject" and, if known,
                "observed_at", a datetime with a time zone.
            chunk: Outcomes a request. If a later request is refused, the outcomes of earlier ones remain recorded.
        Raises:
            RefusedOutcomes: Some are wrong, and nothing of their request was recorded; the error names them.
            ClientError: Nothing was recorded for another reason; its subclasses say which. After a time-out this is not certain:
                send them again.
            ValueError: JSON cannot express a value.
        """
        requests = messages.outcomes(model, outcomes, chunk)
        return sum((messages.read(self._send(message), RecordedOutcomes) for message in requests), RecordedOutcomes(0, 0, 0))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _send(self, message: messages.Message) -> httpx.Response:
        attempts = Attempts(message, self._retries)
        while True:
            try:
                response = self._http.post(message.path, content=message.body)
            except httpx.TransportError as error:
                time.sleep(attempts.after_error(error))
                continue
            if response.is_success:
                return response
            time.sleep(attempts.after_reply(response))
