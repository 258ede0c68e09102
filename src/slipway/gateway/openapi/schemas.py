"""JSON Schemas of requests and answers, from a model's contract."""

from __future__ import annotations

import csv
import io
from typing import Any

from slipway.bundle.contract import Column, Contract
from slipway.gateway.bodies.outcomes import MOST
from slipway.gateway.bodies.sizes import ALLOWED
from slipway.rows.checks import LARGEST
from slipway.rows.claims import ID, OBSERVED, OUTCOME, PREDICTION
from slipway.rows.subjects import LONGEST_SUBJECT, SUBJECT, takes_no_subject

Schema = dict[str, Any]


def of_column(column: Column) -> Schema:
    """Describe one cell. A whole number may have a zero fraction, 40.0, as in JSON Schema itself."""
    described: Schema = {"description": column.description} if column.description else {}
    if column.kind == "category":
        return described | {"type": "string", "enum": list(column.values)}
    if column.unit:
        described["description"] = f"{column.description} ({column.unit})".strip()
    bounds = {
        "minimum": -LARGEST if column.low is None else _plain(column.low),
        "maximum": LARGEST if column.high is None else _plain(column.high),
    }
    return described | {"type": column.kind} | bounds


def of_row(contract: Contract) -> Schema:
    """Describe a row as an object: every column, and no other key."""
    return {
        "type": "object",
        "required": [column.name for column in contract.columns],
        "properties": {column.name: of_column(column) for column in contract.columns},
        "additionalProperties": False,
        "examples": [example_row(contract)],
    }


def of_subject_row(contract: Contract) -> Schema:
    """Describe a row of `predict`: with the subject, unless the model has a column of that name."""
    row = of_row(contract)
    if takes_no_subject(contract):
        return row
    description = "An id of the patient or customer, for the audit log; the model never sees it. Any printable characters."
    subject = _subject() | {"type": ["string", "null"], "description": description}
    return row | {"properties": {SUBJECT: subject} | row["properties"]}


def of_positions(contract: Contract) -> Schema:
    """Describe a row as a list, in the contract's order."""
    width = len(contract.columns)
    cells = [of_column(column) for column in contract.columns]
    return {"type": "array", "prefixItems": cells, "items": False, "minItems": width, "maxItems": width}


def of_columns(contract: Contract) -> Schema:
    """Describe rows as an object of columns. A schema cannot say that all have one length."""
    lists = {column.name: of_list(of_column(column)) for column in contract.columns}
    description = "One list a column, all of one length."
    return {"type": "object", "description": description, "required": list(lists), "properties": lists, "additionalProperties": False}


def of_split(contract: Contract) -> Schema:
    """Describe `dataframe_split`: the names in any order, the cells in the same order."""
    names, width = [column.name for column in contract.columns], len(contract.columns)
    columns = {"type": "array", "items": {"enum": names}, "uniqueItems": True, "minItems": width, "maxItems": width}
    row = {"type": "array", "items": {"type": ["number", "string"]}, "minItems": width, "maxItems": width}
    index = {"type": "array", "description": "Not read."}
    return {
        "type": "object",
        "required": ["columns", "data"],
        "properties": {"columns": columns, "data": of_list(row), "index": index},
        "additionalProperties": False,
    }


def of_tensor(contract: Contract) -> Schema:
    """Describe `inputs` and `instances`: rows by position, rows as objects, columns, or one row as an object."""
    row = {"$ref": "#/components/schemas/Row"}
    shapes = [of_list(of_positions(contract)), of_list(row), of_columns(contract), row]
    return {"anyOf": [*shapes, of_list(of_column(contract.columns[0]))] if len(contract.columns) == 1 else shapes}


def of_form(name: str, rows: Schema) -> Schema:
    """Describe a body of one of MLflow's forms."""
    params = {"type": ["object", "null"], "maxProperties": 0, "description": "The model takes none."}
    return {"type": "object", "required": [name], "properties": {name: rows, "params": params}, "additionalProperties": False}


def of_list(item: Schema) -> Schema:
    return {"type": "array", "items": item} | _many()


def of_labels(contract: Contract) -> Schema:
    """Describe the answer of `invocations`."""
    labels = {"type": "array", "items": contract.output.of_label()}
    return {"type": "object", "required": ["predictions"], "properties": {"predictions": labels}}


def of_prediction(contract: Contract) -> Schema:
    """Describe the answer to one row."""
    description = "Names the answer in the audit log: request id and row, from 0."
    properties: Schema = {"prediction_id": {"type": "string", "description": description}} | contract.output.of_prediction()
    subject = {SUBJECT: {"type": ["string", "null"], "description": "As it was sent; present if any row has one."}}
    return {"type": "object", "required": list(properties), "properties": properties | subject}


def of_predictions(contract: Contract) -> Schema:
    """Describe the answer of `predict`."""
    properties: Schema = {
        "model": {"const": contract.model},
        "version": {"type": ["integer", "null"]},
        "run_id": {"type": "string", "description": "The MLflow run that made the version."},
        "sample": {"type": "boolean", "description": "true: trained on sample rows, not for use on patients or customers."},
        **contract.output.of_header(),
        "predictions": {"type": "array", "description": "One a row, in the rows' order.", "items": of_prediction(contract)},
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def of_outcomes(contract: Contract) -> Schema:
    """Describe the body of `outcomes`. A schema cannot say that a prediction must be in the log."""
    name = {"type": "string", "pattern": f"^{ID.pattern}$", "description": "As in the prediction's answer."}
    latest = "As it was sent with the rows: the outcome is of the latest prediction about it, not later than observed_at."
    time = {"type": ["string", "null"], "format": "date-time", "description": "When it became known: a time in the past, with its zone."}
    rest = {OUTCOME: contract.output.of_label(), OBSERVED: time}
    rows = [
        {"type": "object", "required": [key, OUTCOME], "properties": {key: of} | rest, "additionalProperties": False}
        for key, of in ((PREDICTION, name), (SUBJECT, _subject() | {"description": latest}))
    ]
    most = f"At most {min(MOST, ALLOWED.rows):,}."
    outcomes = {"type": "array", "items": {"oneOf": rows}, "minItems": 1, "description": most}
    return {"type": "object", "required": ["outcomes"], "properties": {"outcomes": outcomes}, "additionalProperties": False}


def of_recorded() -> Schema:
    """Describe the answer of `outcomes`."""
    kinds = {
        "recorded": "The first outcomes of their predictions.",
        "corrected": "Outcomes that differ from those before.",
        "repeated": "The same outcomes again, which are not written.",
    }
    properties = {kind: {"type": "integer", "minimum": 0, "description": what} for kind, what in kinds.items()}
    return {"type": "object", "required": list(properties), "properties": properties}


def example_row(contract: Contract) -> dict[str, float | int | str]:
    """Return an invented row, from the middle of every range."""
    return {column.name: example_cell(column) for column in contract.columns}


def example_cell(column: Column) -> float | int | str:
    if column.kind == "category":
        return column.values[0]
    low = column.low if column.low is not None else min(0.0, column.high or 0.0)
    high = column.high if column.high is not None else max(low, 1.0)
    middle = (low + high) / 2
    if column.kind == "integer":
        return int(middle) if int(middle) >= low else int(high)
    return middle if not low <= round(middle, 1) <= high else round(middle, 1)


def as_csv(row: dict[str, float | int | str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([list(row), list(row.values())])
    return text.getvalue()


def _subject() -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": LONGEST_SUBJECT, "pattern": "^[ -~]+$"}


def _many() -> Schema:
    return {"minItems": 1, "maxItems": ALLOWED.rows}


def _plain(bound: float) -> float | int:
    return int(bound) if float(bound).is_integer() else bound
