"""The bodies of `POST /models/<name>/predict`: rows as objects, and an answer to each row that needs no knowledge of the model.

    {"rows": [{"subject": "4711", "Age": 60, ...}, ...]}     or, for one row,     {"row": {"Age": 60, ...}}

Every form of MLflow's protocol is taken too, CSV among them.

`subject` is the id of the person whom the row describes. It is logged and returned with the answer, but never given to the model. If
the model has a column of that name, the key is that column, and rows have no subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from slipway.audit import prediction_id
from slipway.bundle.contract import Contract
from slipway.gateway.bodies import json_text, mlflow, typed_rows
from slipway.gateway.bodies.mlflow import CSV, media_type
from slipway.gateway.bodies.shapes import Columns, from_objects, malformed, named, objects_of
from slipway.rows.checks import ABSENT
from slipway.rows.subjects import SUBJECT, Subjects, takes_no_subject

if TYPE_CHECKING:
    from slipway.gateway.bodies.shapes import ScoredRows

ROW, ROWS = "row", "rows"


def decode(content_type: str, body: bytes, contract: Contract) -> tuple[Columns, Subjects]:
    """Return the cells by column, and the subjects of the rows, empty if no row has one.

    Raises:
        RequestError: 415 for another content type, 400 for a body of another form, 413 for more rows than the settings allow.
    """
    if media_type(content_type) == CSV:
        return _apart(mlflow.decode(content_type, body, contract), contract)
    if quickly := typed_rows.read(body, contract, ROWS, SUBJECT):
        columns, subjects = quickly
        return columns, _or_none(subjects)
    content = json_text.decode(body, contract)
    if not isinstance(content, dict) or not content.keys() & {ROW, ROWS}:
        return _apart(mlflow.whole(mlflow.columns_of(content, contract, (ROWS, ROW))), contract)
    records = objects_of(_rows(content), ROWS, contract)
    if not records:
        raise malformed("the request contains no rows; send at least one.")
    subjects = [] if takes_no_subject(contract) else [record.pop(SUBJECT, None) for record in records]
    return from_objects(records, contract, ROWS), _or_none(subjects)


def _apart(columns: Columns, contract: Contract) -> tuple[Columns, Subjects]:
    """Return the columns without the subjects, and the subjects."""
    cells = () if takes_no_subject(contract) else columns.pop(SUBJECT, ())
    return columns, _or_none([None if cell is ABSENT else cell for cell in cells])


def _or_none(subjects: Subjects) -> Subjects:
    return subjects if any(subject is not None for subject in subjects) else ()


def _rows(content: dict[str, Any]) -> Any:
    if len(content) != 1:
        raise malformed(f"expected exactly one key, row or rows, received {named(content)}.")
    return [content[ROW]] if ROW in content else content[ROWS]


def answer(scored: ScoredRows, contract: Contract, request_id: str) -> dict[str, Any]:
    """Return the content of the reply: the facts about all rows, then one prediction a row, in their order."""
    output, rows = contract.output, len(scored.labels)
    ids = (prediction_id(request_id, row) for row in range(rows))
    subjects: Sequence[Any] = scored.subjects or [msgspec.UNSET] * rows
    return {
        "model": contract.model,
        "version": contract.version,
        "run_id": contract.run_id,
        "sample": contract.sample,
        **output.header(),
        "predictions": output.predictions(ids, scored.labels, scored.probabilities, subjects),
    }
