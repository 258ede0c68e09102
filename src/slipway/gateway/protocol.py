"""MLflow's scoring protocol: bodies in, columns of cells out. What the cells must hold is `checks`' business.

`dataframe_split`, `dataframe_records`, `inputs`, `instances` and CSV. Stricter than `mlflow models serve` on purpose: keys and
parameters nobody reads are refused, so that a misspelt one is noticed.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain, islice
from typing import Any

import msgspec

from slipway.bundle.contract import Column, Contract
from slipway.gateway.checks import ABSENT, LISTED, Cells, refusal, shown
from slipway.gateway.replies import BAD_REQUEST, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, RequestError, Violation

JSON = "application/json"
CSV = "text/csv"
MOST_ROWS = 100_000
PARAMS = "params"

Columns = dict[str, Cells]


def decode(content_type: str | None, body: bytes, contract: Contract) -> Columns:
    """Return the cells of a request by column, as the caller named them, all columns of one length >= 1.

    Rows without names are taken in contract order. Nothing is checked against the contract but the length of such rows.

    Raises:
        RequestError: 415 for another content type, 400 for a body that is not one of the forms, 413 for more than 100,000 rows.
    """
    columns = _decode_csv(body, contract) if _media_type(content_type) == CSV else _decode_json(body, contract)
    rows = max(map(len, columns.values()), default=0)
    if not rows:
        raise _malformed("the request holds no rows; send one at least.")
    _refuse_too_many(rows)
    return columns


def _media_type(content_type: str | None) -> str:
    kind, *parameters = [part.strip() for part in (content_type or "").lower().split(";")]
    if kind not in (JSON, CSV):
        received = "none" if not content_type else repr(content_type[:100])
        raise _unsupported(f"expected Content-Type {JSON} or {CSV}, received {received}.")
    for name, _, value in (part.partition("=") for part in parameters if part):
        if name != "charset":
            raise _unsupported(f"Content-Type {content_type!r}: expected no parameter but charset, received {name!r}.")
        if value.strip('"') not in ("utf-8", "utf8"):
            raise _unsupported(f"Content-Type {content_type!r}: expected charset utf-8, received {value!r}.")
    return kind


def _decode_json(body: bytes, contract: Contract) -> Columns:
    try:
        content = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _malformed(f"the body is not valid JSON: {error}.") from None
    except RecursionError:
        raise _malformed("the body is nested too deeply to be rows.") from None
    forms = " or ".join(FORMS)
    if not isinstance(content, dict):
        raise _malformed(f"expected a JSON object with one of {forms}, received {_kind(content)}.")
    if len(found := [name for name in content if name in FORMS]) != 1:
        raise _malformed(f"expected exactly one of {forms}, received {_names(found) if found else _names(content) or 'an empty object'}.")
    if unknown := [name for name in content if name not in FORMS and name != PARAMS]:
        raise _malformed(f"expected no other key beside {found[0]} than {PARAMS}, received {_names(unknown)}.")
    if content.get(PARAMS):
        raise _malformed(f"{PARAMS}: {contract.model} takes no parameters, received {shown(content[PARAMS])}.")
    return FORMS[found[0]](content[found[0]], contract)


def _split(content: Any, contract: Contract) -> Columns:
    if not isinstance(content, dict) or not {"columns", "data"} <= content.keys() <= {"columns", "data", "index"}:
        received = _names(content) if isinstance(content, dict) else _kind(content)
        raise _malformed(f"dataframe_split: expected an object with columns, data and perhaps index, received {received}.")
    names = content["columns"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _malformed(f"dataframe_split: expected columns to be a list of names, received {shown(names)}.")
    return _named(names, _list(content["data"], "dataframe_split: data"), contract)


def _records(content: Any, contract: Contract) -> Columns:
    records = _list(content, "records")
    if wrong := [row for row, record in enumerate(records) if type(record) is not dict]:
        raise _wrong_rows(wrong, "an object of column names and values", [shown(records[row]) for row in wrong[:LISTED]], contract)
    known = {column.name: None for column in contract.columns}
    names = dict.fromkeys(chain.from_iterable(records)) or known
    if len(names) > len(known) + LISTED:  # as many unknown names as are told: the table must not grow as rows times names
        names = {name: None for name in names if name in known} | dict.fromkeys(islice((n for n in names if n not in known), LISTED))
    return {name: [record.get(name, ABSENT) for record in records] for name in names}


def _tensor(content: Any, contract: Contract) -> Columns:
    if isinstance(content, dict):
        return _columnar(content)
    rows = _list(content, "inputs or instances")
    if rows and isinstance(rows[0], dict):
        return _records(rows, contract)
    names = [column.name for column in contract.columns]
    if len(names) == 1 and not any(isinstance(row, list) for row in rows):
        return {names[0]: rows}  # as MLflow reads it: one column, one value a row
    return _named(names, rows, contract)


def _columnar(content: dict[str, Any]) -> Columns:
    if content and not any(isinstance(cells, list) for cells in content.values()):
        return {name: [cell] for name, cell in content.items()}
    if wrong := [name for name, cells in content.items() if not isinstance(cells, list)]:
        raise _malformed(f"column {wrong[0]!r}: expected a list of values as the other columns have, received {shown(content[wrong[0]])}.")
    if len({len(cells) for cells in content.values()}) > 1:
        lengths = ", ".join(f"{name[:60]!r}: {len(cells)}" for name, cells in islice(content.items(), LISTED))
        raise _malformed(f"expected columns of one length, received {lengths}.")
    return content


FORMS: dict[str, Callable[[Any, Contract], Columns]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "inputs": _tensor,
    "instances": _tensor,
}


def _decode_csv(body: bytes, contract: Contract) -> Columns:
    try:
        reader = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        lines = list(islice((line for line in reader if line), MOST_ROWS + 2))
    except (csv.Error, UnicodeDecodeError) as error:
        raise _malformed(f"the body is not valid CSV in UTF-8: {error}.") from None
    if not lines:
        raise _malformed("the body is empty; expected CSV with the column names in the first line.")
    columns = _named(lines[0], lines[1:], contract)
    kinds = {column.name: column for column in contract.columns}
    return {name: _typed(kinds.get(name), cells) for name, cells in columns.items()}


def _typed(column: Column | None, cells: Cells) -> Cells:
    if column is None or column.kind == "category":
        return [cell or None for cell in cells]
    return [_number(cell) for cell in cells]


def _number(cell: str) -> int | float | str | None:
    """Return the number a CSV cell spells, None for an empty one, and the text itself where it is no number: the check names it."""
    if not cell.strip() or cell.strip().lower() == "nan":
        return None
    if "_" in cell:  # Python would read 1_000
        return cell
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell


def _named(names: Sequence[str], rows: Sequence[Any], contract: Contract) -> Columns:
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise _malformed(f"expected every column once, received {_names(twice)} more than once.")
    if set(map(type, rows)) <= {list} and set(map(len, rows)) <= {len(names)}:
        return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    wrong = [row for row, cells in enumerate(rows) if type(cells) is not list or len(cells) != len(names)]
    came = [f"{len(rows[row])} values" if type(rows[row]) is list else shown(rows[row]) for row in wrong[:LISTED]]
    raise _wrong_rows(wrong, f"a list of {len(names)} values ({_names(names)})", came, contract)


def _wrong_rows(wrong: Sequence[int], expected: str, came: Sequence[str], contract: Contract) -> RequestError:
    violations = [Violation(row, None, expected, received) for row, received in zip(wrong, came, strict=False)]
    return refusal(contract, violations, len(wrong))


def _list(content: Any, what: str) -> list[Any]:
    if not isinstance(content, list):
        raise _malformed(f"{what}: expected a list of rows, received {_kind(content)}.")
    _refuse_too_many(len(content))
    return content


def _refuse_too_many(rows: int) -> None:
    if rows > MOST_ROWS:
        raise RequestError(413, TOO_LARGE, f"expected at most {MOST_ROWS:,} rows, received more; send them in several requests.")


def _names(names: Any) -> str:
    return ", ".join(repr(name[:60]) for name in list(names)[:LISTED])


def _kind(content: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(content), "a number")


def _malformed(message: str) -> RequestError:
    return RequestError(400, BAD_REQUEST, message)


def _unsupported(message: str) -> RequestError:
    return RequestError(415, UNSUPPORTED_MEDIA_TYPE, message)
