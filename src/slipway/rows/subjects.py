"""The subject of a row: the id of a patient or customer, which is logged and never given to the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slipway.bundle.contract import Contract
from slipway.rows.checks import Violation, shown

SUBJECT = "subject"
LONGEST_SUBJECT = 200
EXPECTED_SUBJECT = f"a text of 1 to {LONGEST_SUBJECT} printable characters"

Subjects = Sequence[str | None]


def takes_no_subject(contract: Contract) -> bool:
    return any(column.name == SUBJECT for column in contract.columns)


def wrong_subjects(subjects: Subjects) -> list[Violation]:
    return [Violation(row, SUBJECT, EXPECTED_SUBJECT, shown(subject)) for row, subject in enumerate(subjects) if not is_subject(subject)]


def is_subject(subject: Any) -> bool:
    """Return whether a value is a valid subject, or None for a row without one."""
    return subject is None or (type(subject) is str and 0 < len(subject) <= LONGEST_SUBJECT and subject.isprintable())
