"""`POST /models/<name>/predict`: rows as objects in, and for each row an answer that a program can use without knowing the model.

    {"rows": [{"subject": "4711", "Age": 60, ...}, ...]}     or, for one row,     {"row": {"Age": 60, ...}}

`subject` says of whom the row is: it goes to the audit log and comes back with the answer, and the model never sees it. A
model with a column of that name takes none: there the column is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from slipway.bundle.contract import ClassLabel, Contract
from slipway.gateway import json_bodies, typed_rows
from slipway.gateway.audit import prediction_id
from slipway.gateway.checks import shown
from slipway.gateway.protocol import JSON, media_type
from slipway.gateway.replies import Violation
from slipway.gateway.shapes import Columns, from_objects, kind_of, malformed, named, objects_of

if TYPE_CHECKING:
    from slipway.gateway.scoring import Scored

ROW, ROWS = "row", "rows"
SUBJECT = "subject"
LONGEST_SUBJECT = 200
EXPECTED_SUBJECT = f"a text of 1 to {LONGEST_SUBJECT} printable characters"

Subjects = Sequence[str | None]


def decode(content_type: str, body: bytes, contract: Contract) -> tuple[Columns, Subjects]:
    """Return the cells by column, and the rows' subjects: none at all where no row has one.

    Raises:
        RequestError: 415 for another content type than JSON, 400 for a body of another form, 413 for more rows than the settings allow.
    """
    media_type(content_type, (JSON,))
    if quickly := typed_rows.read(body, contract, ROWS, SUBJECT):
        columns, subjects = quickly
        return columns, _told(subjects)
    records = objects_of(_rows(json_bodies.decode(body, contract)), ROWS, contract)
    if not records:
        raise malformed("the request holds no rows; send one at least.")
    subjects = [] if takes_no_subject(contract) else [record.pop(SUBJECT, None) for record in records]
    return from_objects(records, contract), _told(subjects)


def _told(subjects: Subjects) -> Subjects:
    return subjects if any(subject is not None for subject in subjects) else ()


def _rows(content: Any) -> Any:
    if not isinstance(content, dict):
        raise malformed(f'expected a JSON object: {{"row": {{...}}}} or {{"rows": [{{...}}, ...]}}, received {kind_of(content)}.')
    if len(content) != 1 or not content.keys() <= {ROW, ROWS}:
        raise malformed(f"expected exactly one key, row or rows, received {named(content) or 'an empty object'}.")
    return [content[ROW]] if ROW in content else content[ROWS]


def takes_no_subject(contract: Contract) -> bool:
    return any(column.name == SUBJECT for column in contract.columns)


def wrong_subjects(subjects: Subjects) -> list[Violation]:
    return [Violation(row, SUBJECT, EXPECTED_SUBJECT, shown(subject)) for row, subject in enumerate(subjects) if not is_subject(subject)]


def is_subject(subject: Any) -> bool:
    """Tell whether it may stand as the subject of a row, where None is none."""
    return subject is None or (type(subject) is str and 0 < len(subject) <= LONGEST_SUBJECT and subject.isprintable())


class Prediction(msgspec.Struct, frozen=True, gc=False):
    """The answer to one row; `probabilities` are named by class. Structures are written twice as quickly as dictionaries."""

    prediction_id: str
    label: ClassLabel
    meaning: str
    probabilities: Any
    subject: str | msgspec.UnsetType | None = msgspec.UNSET


def answer(scored: Scored, contract: Contract, request_id: str) -> dict[str, Any]:
    """Return the reply's content: what is true of all rows once, then one prediction a row, in the rows' order."""
    meanings = dict(zip(contract.classes, contract.class_meanings, strict=True))
    probabilities = _probabilities(contract.classes)
    subjects: Sequence[Any] = scored.subjects or [msgspec.UNSET] * len(scored.labels)
    answered = enumerate(zip(scored.labels, scored.probabilities, subjects, strict=True))
    return {
        "model": contract.model,
        "version": contract.version,
        "run_id": contract.run_id,
        "sample": contract.sample,
        "positive": contract.positive,
        "threshold": contract.threshold,
        "predictions": [
            Prediction(prediction_id(request_id, row), label, meanings[label], probabilities(*each), subject)
            for row, (label, each, subject) in answered
        ],
    }


@lru_cache(maxsize=64)
def _probabilities(classes: tuple[ClassLabel, ...]) -> type[msgspec.Struct]:
    names = {f"class_{number}": str(label) for number, label in enumerate(classes)}
    return msgspec.defstruct("Probabilities", [(name, float) for name in names], rename=names, frozen=True, gc=False)
