"""Answers of the endpoint, over HTTP, as any caller gets them: checked, limited and logged there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import numpy as np

from slipway.bundle.contract import Contract
from slipway.client import Client, Prediction, RefusedRows
from slipway.errors import GatewayUnreachableError, ScoringError, ServingError
from slipway.lifecycle.serving import bearer
from slipway.rows.subjects import SUBJECT, takes_no_subject
from slipway.scoring.answers import ChunkAnswers
from slipway.settings import Settings

ROWS = 1_000  # a request, or what the gateway accepts, if that is less
TIMEOUT = 60.0


class FromEndpoint:
    """The version that the gateway has in service, and its challenger, if one answers a share of the requests.

    Use it in `with`: it keeps connections open.

    Raises:
        ScoringError: The gateway has no version of the model in service; or a column names subjects, and the version takes none.
        ServingError: The gateway does not answer, or does not know the key.
    """

    bundle_sha256: str | None = None
    logs = True

    def __init__(self, model: str, settings: Settings, subject: str | None = None) -> None:
        self._model, self._rows = model, min(ROWS, settings.max_rows)
        self.contract = in_service(model, settings)
        if subject and takes_no_subject(self.contract):
            raise ScoringError(f"{model} has a column {SUBJECT!r} of its own, so its endpoint takes no subjects; leave --subject out.")
        self._client = connect(settings)

    def __enter__(self) -> FromEndpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def answer(self, columns: dict[str, Any], subjects: Sequence[str | None] | None = None) -> ChunkAnswers:
        """Return the answers to n >= 1 rows that keep the contract, given by column; `subjects` go to the audit log.

        Raises:
            ScoringError: The gateway's contract is no longer the one it showed at first, so another version went into service.
            ClientError: The gateway does not answer, even after the client's retries.
        """
        names, kinds = list(columns), {column.name: column.kind for column in self.contract.columns}
        cells = [_plain(columns[name], whole=kinds[name] == "integer") for name in names]
        if subjects is not None:
            names, cells = [*names, SUBJECT], [*cells, list(subjects)]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
        try:
            predictions = self._client.predict(self._model, rows, chunk=self._rows)
        except RefusedRows as refused:
            raise ScoringError(
                f"{self._model}: the gateway refuses rows that keep the contract it showed at the start: was another version put into "
                f"service? Score the file again. Nothing was written.\n{refused}"
            ) from refused
        return self._answers(predictions)

    def _answers(self, predictions: list[Prediction]) -> ChunkAnswers:
        output, beside = self.contract.output, [one.probabilities or one.interval for one in predictions]
        if wrong := next((one for one, found in zip(predictions, beside, strict=True) if not output.fits(found)), None):
            raise ScoringError(
                f"{self._model}: expected {output.expected_answers}, received {wrong.interval or list(wrong.probabilities)} of version "
                f"{wrong.version}, which went into service meanwhile. Score the file again. Nothing was written."
            )
        return ChunkAnswers(
            labels=[one.label for one in predictions],
            probabilities=output.numbers_of(beside),
            versions=[one.version for one in predictions],
            prediction_ids=[one.prediction_id for one in predictions],
        )


def _plain(cells: Any, whole: bool) -> list[Any]:
    """Return cells as JSON has them; 40.0 years are logged as 40."""
    if not isinstance(cells, np.ndarray):
        return list(cells)
    found: list[Any] = (cells.astype(np.int64) if whole else cells).tolist()
    return found


def connect(settings: Settings) -> Client:
    """Return a client of the gateway with this machine's own key. Close it, or use it in `with`."""
    key = bearer(settings)["Authorization"].removeprefix("Bearer ")
    return Client(settings.gateway_url, key=key, timeout=TIMEOUT, ca=settings.tls_authority)


def in_service(model: str, settings: Settings) -> Contract:
    """Return the contract of the version that the gateway has in service."""
    address = f"{settings.gateway_url}/models/{model}"
    try:
        response = httpx.get(address, headers=bearer(settings), timeout=TIMEOUT, verify=settings.trust)
    except httpx.TransportError as error:
        raise GatewayUnreachableError(
            f"{model}: the gateway does not answer at {address} ({error}). Start it with `slipway up`."
        ) from error
    if response.is_success and (reply := response.json())["columns"]:
        return msgspec.convert({name: reply[name] for name in Contract.__struct_fields__ if name in reply}, Contract)
    if response.is_success or response.status_code == httpx.codes.NOT_FOUND:
        raise ScoringError(f"{model}: the gateway has no version of it in service. Run `slipway release {model}`.")
    raise ServingError(f"{address} answered {response.status_code}: {response.text[:500]}")
