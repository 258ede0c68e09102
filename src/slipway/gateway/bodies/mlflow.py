"""MLflow's scoring protocol: bodies in, columns of cells out.

`dataframe_split`, `dataframe_records`, `inputs`, `instances` and CSV. It is stricter than `mlflow models serve`: it refuses keys and
parameters that no code reads, so that the caller notices a misspelt one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from slipway.bundle.contract import Contract
from slipway.gateway.bodies import csv_text, json_text, typed_rows
from slipway.gateway.bodies.shapes import Columns, from_lists, from_objects, from_rows, kind_of, malformed, named, refuse_too_many, rows_of
from slipway.gateway.bodies.sizes import ALLOWED
from slipway.gateway.replies import UNSUPPORTED_MEDIA_TYPE, RequestError
from slipway.rows import spelling
from slipway.rows.checks import shown

JSON = "application/json"
CSV = "text/csv"
FORM = "application/x-www-form-urlencoded"
RECORDS = "dataframe_records"
PARAMS = "params"


def decode(content_type: str | None, body: bytes, contract: Contract) -> Columns:
    """Return the cells of a request by the caller's column names, all columns of one length >= 1.

    Rows without names are in contract order, and their length is checked. Nothing else is checked against the contract.

    Raises:
        RequestError: 415 for another content type, 400 for a body of another form, 413 for more rows than the settings allow.
    """
    if media_type(content_type) == CSV:
        return whole(_decode_csv(body, contract))
    if quickly := typed_rows.read(body, contract, RECORDS):
        return quickly[0]
    return whole(columns_of(json_text.decode(body, contract), contract))


def whole(columns: Columns) -> Columns:
    """Return the columns if they have rows, and not too many.

    Raises:
        RequestError: 400 or 413.
    """
    rows = max(map(len, columns.values()), default=0)
    if not rows:
        raise malformed("the request contains no rows; send at least one.")
    refuse_too_many(rows)
    return columns


def media_type(content_type: str | None, accepted: Sequence[str] = (JSON, CSV)) -> str:
    """Return the media type of a body, in lower case.

    Raises:
        RequestError: 415, the type is not accepted, or not in UTF-8.
    """
    if content_type and content_type in accepted:
        return content_type
    kind, *parameters = [part.strip() for part in (content_type or "").lower().split(";")]
    if kind not in accepted:
        received = "none" if not content_type else repr(content_type[:100])
        hint = " curl -d sends this type unless -H sets another." if kind == FORM else ""
        raise _unsupported(f"expected Content-Type {' or '.join(accepted)}, received {received}.{hint}")
    for name, _, value in (part.partition("=") for part in parameters if part):
        if name != "charset":
            raise _unsupported(f"Content-Type {kind}: expected no parameter but charset, received {name[:60]!r}.")
        if value.strip('"') not in ("utf-8", "utf8"):
            raise _unsupported(f"Content-Type {kind}: expected charset utf-8, received {value[:60]!r}.")
    return kind


def columns_of(content: Any, contract: Contract, others: Sequence[str] = ()) -> Columns:
    """Return the cells of a decoded body by column.

    Args:
        others: Forms that the caller of this function takes beside MLflow's, for the messages.
    Raises:
        RequestError: 400, the body has another form.
    """
    forms = " or ".join((*others, *FORMS))
    if not isinstance(content, dict):
        raise malformed(f"expected a JSON object with one of {forms}, received {kind_of(content)}.")
    if len(found := [name for name in content if name in FORMS]) != 1:
        received = named(found) if found else named(content) or "an empty object"
        hint = f" POST /models/{contract.model}/predict takes row and rows." if not others and content.keys() & {"row", "rows"} else ""
        raise malformed(f"expected exactly one of {forms}, received {received}.{hint}")
    if unknown := [name for name in content if name not in FORMS and name != PARAMS]:
        raise malformed(f"expected no other key beside {found[0]} than {PARAMS}, received {named(unknown)}.")
    if content.get(PARAMS) not in (None, {}):
        raise malformed(f"{PARAMS}: {contract.model} takes no parameters, received {shown(content[PARAMS])}.")
    return FORMS[found[0]](found[0], content[found[0]], contract)


def _split(_: str, content: Any, contract: Contract) -> Columns:
    if not isinstance(content, dict) or not {"columns", "data"} <= content.keys() <= {"columns", "data", "index"}:
        received = named(content) if isinstance(content, dict) else kind_of(content)
        raise malformed(f"dataframe_split: expected an object with columns, data and perhaps index, received {received}.")
    names = content["columns"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise malformed(f"dataframe_split: expected columns to be a list of names, received {shown(names)}.")
    rows, index = rows_of(content["data"], "dataframe_split: data"), content.get("index")
    if index is not None and (not isinstance(index, list) or len(index) != len(rows)):
        received = f"{len(index)}" if isinstance(index, list) else kind_of(index)
        raise malformed(f"dataframe_split: expected index to be a list of {len(rows)} names, one a row, received {received}.")
    return from_rows(names, rows, contract)


def _records(form: str, content: Any, contract: Contract) -> Columns:
    return from_objects(content, contract, form)


def _tensor(form: str, content: Any, contract: Contract) -> Columns:
    if isinstance(content, dict):
        return from_lists(content)
    rows = rows_of(content, form)
    if rows and isinstance(rows[0], dict):
        return from_objects(rows, contract, form)
    names = [column.name for column in contract.columns]
    if len(names) == 1 and not any(isinstance(row, list) for row in rows):
        return {names[0]: rows}  # as MLflow reads it: one column, one value a row
    return from_rows(names, rows, contract)


FORMS: dict[str, Callable[[str, Any, Contract], Columns]] = {
    "dataframe_split": _split,
    RECORDS: _records,
    "inputs": _tensor,
    "instances": _tensor,
}


def _decode_csv(body: bytes, contract: Contract) -> Columns:
    if body.lstrip()[:1] in (b"{", b"["):
        raise malformed(f"expected CSV, as the Content-Type says, received what looks like JSON; send it with Content-Type: {JSON}.")
    known = [column.name for column in contract.columns]
    try:
        names, rows = csv_text.read(body, ALLOWED.rows)
    except RequestError as error:
        raise csv_text.other_separator(body, known) or error from None
    if not set(names) & set(known) and (wrong := csv_text.other_separator(body, known)):
        raise wrong
    columns = from_rows(names, rows, contract)
    kinds = {column.name: column.kind for column in contract.columns}
    return {name: spelling.cells(kinds.get(name, "category"), cells) for name, cells in columns.items()}


def _unsupported(message: str) -> RequestError:
    return RequestError(415, UNSUPPORTED_MEDIA_TYPE, message)
