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
from slipway.rows.dates import TIME
from slipway.rows.subjects import LONGEST_SUBJECT, SUBJECT, takes_no_subject

Schema = dict[str, Any]


def of_column(column: Column) -> Schema:
    """Describe one cell. A whole number may have a zero fraction, 40.0, as in JSON Schema itself."""
    found = _of_cell(column)
    if not column.missing:
        return found
    nullable = found | {"type": [found["type"], "null"]}
    return nullable | {"enum": [*found["enum"], None]} if "enum" in found else nullable


def _any_cell(contract: Contract) -> Schema:
    """Describe a cell of any column."""
    more = ["boolean"] if any(column.kind == "boolean" for column in contract.columns) else []
    return {"type": ["number", "string", *more, *(["null"] if any(column.missing for column in contract.columns) else [])]}


def _of_cell(column: Column) -> Schema:
    described: Schema = {"description": column.description} if column.description else {}
    if column.kind == "boolean":
        return described | {"type": "boolean"}
    if column.kind == "date" and not column.time:
        return described | {"type": "string", "format": "date"}
    if column.kind == "date":
        return described | {"type": "string", "pattern": f"^{TIME}$", "examples": [example_cell(column)]}
    if column.kind == "text":
        least = {} if column.missing else {"minLength": 1}
        return described | {"type": "string"} | least | {"maxLength": column.longest, "examples": [example_cell(column)]}
    if column.kind == "category" and column.other:
        return described | {"type": "string", "minLength": 1, "examples": list(column.values)}
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
    """Describe a row as an object: every column but those that may be missing, and no other key."""
    return {
        "type": "object",
        "required": [column.name for column in contract.columns if not column.missing],
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


def of_bodies() -> dict[str, Schema]:
    """Describe the two bodies of `predict` by name: one row, or many."""
    row = {"$ref": "#/components/schemas/SubjectRow"}
    return {
        name: {"type": "object", "required": [key], "properties": {key: rows}, "additionalProperties": False}
        for name, key, rows in (("OneRow", "row", row), ("ManyRows", "rows", of_list(row)))
    }


def of_positions(contract: Contract) -> Schema:
    """Describe a row as a list, in the contract's order."""
    width = len(contract.columns)
    cells = [of_column(column) for column in contract.columns]
    return {"type": "array", "prefixItems": cells, "items": _any_cell(contract), "minItems": width, "maxItems": width}


def of_split(contract: Contract) -> Schema:
    """Describe `dataframe_split`: the names in any order, the cells in the same order."""
    names, width = [column.name for column in contract.columns], len(contract.columns)
    columns = {"type": "array", "items": {"type": "string", "enum": names}, "minItems": width, "maxItems": width}
    columns["description"] = "Each once."  # not uniqueItems: openapi-generator makes a set of it, in Java that does not compile
    row = {"type": "array", "items": _any_cell(contract), "minItems": width, "maxItems": width}
    index = {"type": "array", "items": {}, "description": "Not read."}
    return {
        "type": "object",
        "required": ["columns", "data"],
        "properties": {"columns": columns, "data": of_list(row), "index": index},
        "additionalProperties": False,
    }


def of_tensor() -> Schema:
    """Describe `inputs` and `instances` by one of their shapes: generators make no client of a choice between lists."""
    described = of_list({"$ref": "#/components/schemas/Positions"})
    more = "Rows by position. Rows as objects, one row as an object, and an object with a list for each column are taken too."
    return described | {"description": more}


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
    prediction = {"$ref": "#/components/schemas/Prediction"}
    properties: Schema = {
        "model": {"type": "string", "const": contract.model},
        "version": {"type": ["integer", "null"]},
        "run_id": {"type": "string", "description": "The MLflow run that made the version."},
        "sample": {"type": "boolean", "description": "true: trained on sample rows, not for use on patients or customers."},
        **contract.output.of_header(),
        "predictions": {"type": "array", "description": "One a row, in the rows' order.", "items": prediction},
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def of_outcomes() -> Schema:
    """Describe the body of `outcomes`. A schema cannot say that a prediction must be in the log."""
    kinds = [{"$ref": f"#/components/schemas/{name}"} for name in ("PredictionOutcome", "SubjectOutcome")]
    most = f"At most {min(MOST, ALLOWED.rows):,}."
    outcomes = {"type": "array", "items": {"oneOf": kinds}, "minItems": 1, "description": most}
    return {"type": "object", "required": ["outcomes"], "properties": {"outcomes": outcomes}, "additionalProperties": False}


def of_prediction_outcome(contract: Contract) -> Schema:
    """Describe the outcome of a prediction that is named."""
    name = {"type": "string", "pattern": f"^{ID.pattern}$", "description": "As in the prediction's answer."}
    return _outcome(PREDICTION, name, contract)


def of_subject_outcome(contract: Contract) -> Schema:
    """Describe the outcome of the latest prediction about a subject."""
    latest = "As it was sent with the rows: the outcome is of the latest prediction about it, not later than observed_at."
    return _outcome(SUBJECT, _subject() | {"description": latest}, contract)


def of_recorded() -> Schema:
    """Describe the answer of `outcomes`."""
    kinds = {
        "recorded": "The first outcomes of their predictions.",
        "corrected": "Outcomes that differ from those before.",
        "repeated": "The same outcomes again, which are not written.",
    }
    properties = {kind: {"type": "integer", "minimum": 0, "description": what} for kind, what in kinds.items()}
    return {"type": "object", "required": list(properties), "properties": properties}


def example_row(contract: Contract) -> dict[str, float | int | str | bool]:
    """Return an invented row, from the middle of every range."""
    return {column.name: example_cell(column) for column in contract.columns}


def example_cell(column: Column) -> float | int | str | bool:
    if column.kind == "boolean":
        return True
    if column.kind == "date":
        return "2026-11-29T10:30:00" if column.time else "2026-11-29"
    if column.kind == "text":
        return "a few words"[: column.longest]
    if column.kind == "category":
        return column.values[0]
    low = column.low if column.low is not None else min(0.0, column.high or 0.0)
    high = column.high if column.high is not None else max(low, 1.0)
    middle = (low + high) / 2
    if column.kind == "integer":
        return int(middle) if int(middle) >= low else int(high)
    return middle if not low <= round(middle, 1) <= high else round(middle, 1)


def as_csv(row: dict[str, float | int | str | bool]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([list(row), list(row.values())])
    return text.getvalue()


def _outcome(key: str, of: Schema, contract: Contract) -> Schema:
    time = {"type": ["string", "null"], "format": "date-time", "description": "When it became known: a time in the past, with its zone."}
    properties = {key: of, OUTCOME: contract.output.of_outcome(), OBSERVED: time}
    return {"type": "object", "required": [key, OUTCOME], "properties": properties, "additionalProperties": False}


def _subject() -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": LONGEST_SUBJECT, "pattern": "^[ -~]+$"}


def _many() -> Schema:
    return {"minItems": 1, "maxItems": ALLOWED.rows}


def _plain(bound: float) -> float | int:
    return int(bound) if float(bound).is_integer() else bound
