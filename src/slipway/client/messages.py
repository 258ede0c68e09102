"""Requests and replies without the network, for both clients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from slipway.client import errors
from slipway.client.answers import ErrorReply, ExplainedPrediction, ExplainReply, PredictReply
from slipway.client.retrying import retry_after

T = TypeVar("T")
MISSING = ("NAType", "NaTType")  # pandas' two missing values
Rows = Iterable[Mapping[str, Any]]
FAILURES: dict[int, type[errors.ClientError]] = {
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.UnknownModel,
    413: errors.TooLarge,
    429: errors.RateLimited,
    502: errors.Unavailable,
    503: errors.Unavailable,
    504: errors.Unavailable,
}


@dataclass(frozen=True, slots=True)
class Message:
    """One POST; `first_row` is the place of its first row among the caller's rows, `refused` the error for wrong rows."""

    path: str
    body: bytes
    first_row: int = 0
    refused: type[errors.RefusedRows] = errors.RefusedRows


def predictions(model: str, rows: Rows | Any, chunk: int) -> Iterator[Message]:
    """Yield a message for every `chunk` rows.

    Raises:
        ValueError: `chunk` is below 1, or JSON cannot express a value.
    """
    for start, records in _parts(rows, chunk):
        yield Message(_path(model, "predict"), _encode({"rows": records}), start)


def explanations(model: str, rows: Rows | Any, chunk: int) -> Iterator[Message]:
    """Yield a message for every `chunk` rows to explain. Raises as `predictions` does."""
    for start, records in _parts(rows, chunk):
        yield Message(_path(model, "explain"), _encode({"rows": records}), start)


def outcomes(model: str, rows: Rows | Any, chunk: int) -> Iterator[Message]:
    """Yield a message for every `chunk` outcomes; an id or a time that is None or NaN is left out.

    Raises:
        ValueError: As `predictions` does.
    """
    for start, records in _parts(rows, chunk):
        sent = [{name: value for name, value in one.items() if name == "outcome" or not _is_missing(value)} for one in records]
        yield Message(_path(model, "outcomes"), _encode({"outcomes": sent}), start, refused=errors.RefusedOutcomes)


def invocation(model: str, content: Mapping[str, Any]) -> Message:
    """Return a message in MLflow's scoring protocol."""
    return Message(_path(model, "invocations"), _encode(content))


def read(response: httpx.Response, kind: type[T]) -> T:
    """Return the content of a successful reply.

    Raises:
        GatewayFailed: The content is another: no gateway answered.
    """
    try:
        return msgspec.json.decode(response.content, type=kind)
    except msgspec.MsgspecError as error:
        message = f"{response.url}: expected a gateway's reply, received another one ({error}). Is the address the gateway's?"
        raise errors.GatewayFailed(message, _details(response, ErrorReply())) from None


def read_explanations(response: httpx.Response) -> list[ExplainedPrediction]:
    """Return the predictions and explanations of a successful reply. Raises as `read` does."""
    predictions, explained = read(response, PredictReply).each(), read(response, ExplainReply).predictions
    return [ExplainedPrediction(one, each.explanation) for one, each in zip(predictions, explained, strict=True)]


def failure(response: httpx.Response, message: Message) -> errors.ClientError:
    """Return the error for a reply that reports a failure."""
    status, reply = response.status_code, _error(response)
    text = reply.message or f"{response.url} answered {status} {response.reason_phrase}"
    if status == 400 and reply.total:
        return _refused_rows(text, reply, _details(response, reply), message)
    kind = FAILURES.get(status, errors.RefusedRequest if 400 <= status < 500 else errors.GatewayFailed)
    return kind(text, _details(response, reply))


def _refused_rows(text: str, reply: ErrorReply, details: errors.ReplyDetails, message: Message) -> errors.RefusedRows:
    """Number the rows as the caller does, whose rows may fill several requests."""
    violations = [replace(violation, row=violation.row + message.first_row) for violation in reply.violations]
    lines = [text.partition("\n")[0], *map(str, violations)]
    if reply.total > len(violations):
        lines.append(f"... and {reply.total - len(violations)} more.")
    return message.refused("\n".join(lines), details, violations, reply.total)


def _details(response: httpx.Response, reply: ErrorReply) -> errors.ReplyDetails:
    request_id = response.headers.get("x-request-id")
    return errors.ReplyDetails(
        status=response.status_code, code=reply.error_code or None, request_id=request_id, retry_after=retry_after(response)
    )


def _error(response: httpx.Response) -> ErrorReply:
    try:
        return msgspec.json.decode(response.content, type=ErrorReply)
    except msgspec.MsgspecError:  # a proxy's page, not the gateway's reply
        return ErrorReply()


def _parts(rows: Rows | Any, chunk: int) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
    if chunk < 1:
        raise ValueError(f"chunk: expected 1 row or more a request, received {chunk}.")
    records = _records(rows)
    for start in range(0, len(records), chunk):
        yield start, records[start : start + chunk]


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ in MISSING or (isinstance(value, float) and value != value)


def _records(rows: Rows | Any) -> list[Mapping[str, Any]]:
    """Return the rows as a list of mappings; a frame is anything with pandas' `to_dict`."""
    if isinstance(rows, Mapping):
        raise TypeError("rows: expected a list of rows, received one mapping. For one row, write [row].")
    if hasattr(rows, "to_dict"):
        found: list[Mapping[str, Any]] = rows.to_dict(orient="records")
        return found
    return list(rows)


def _encode(content: Any) -> bytes:
    """Write JSON; NaN becomes null, which the gateway refuses by row and column."""
    try:
        return msgspec.json.encode(content, enc_hook=_plain)
    except (TypeError, msgspec.MsgspecError) as error:
        raise ValueError(f"the rows cannot be written as JSON: {error}.") from None


def _plain(value: Any) -> Any:
    """Return the plain value of a scalar of numpy or pandas, and a mapping as a dictionary."""
    if isinstance(value, Mapping):
        return dict(value)
    if type(value).__name__ in MISSING:
        return None
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"a value of type {type(value).__name__}")


def _path(model: str, last: str) -> str:
    return f"models/{quote(model, safe='')}/{last}"
