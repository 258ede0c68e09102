"""The claim of one row of outcomes: its prediction, and the outcome."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from slipway.audit import Claim
from slipway.bundle.contract import Contract
from slipway.rows.checks import ABSENT, LISTED, SHOWN, Violation, shown
from slipway.rows.subjects import EXPECTED_SUBJECT, SUBJECT, is_subject

PREDICTION, OUTCOME, OBSERVED = "prediction_id", "outcome", "observed_at"
KEYS = (PREDICTION, SUBJECT, OUTCOME, OBSERVED)
ID = re.compile(r"[0-9A-Za-z-]{1,80}")
CLOCKS_DIFFER = timedelta(minutes=5)

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


def claim_of(row: int, record: Any, contract: Contract, violations: list[Violation]) -> Claim | None:
    """Return the claim of one row, None if it names no prediction; add what is wrong with the row to the violations."""

    def wrong(column: str | None, expected: str, received: Any) -> None:
        violations.append(Violation(row, column, expected, received if column is None else shown(received)))

    if type(record) is not dict:
        wrong(None, "an object with outcome, and prediction_id or subject", shown(record))
        return None
    for key in [key for key in record if key not in KEYS][:LISTED]:
        wrong(key[:SHOWN], f"only the keys {', '.join(KEYS)}", record[key])
    output = contract.output
    label = output.outcome(record.get(OUTCOME))
    if label is None:
        wrong(OUTCOME, output.expected_outcome, record.get(OUTCOME, ABSENT))
    observed = _moment(record.get(OBSERVED))
    if observed is ABSENT:
        wrong(OBSERVED, "a time that has passed, with its zone, as 2026-11-01T08:00:00Z", record[OBSERVED])
    if (PREDICTION in record) == (SUBJECT in record):
        wrong(None, "exactly one of prediction_id and subject", "both" if PREDICTION in record else "neither")
    elif SUBJECT in record:
        if record[SUBJECT] is not None and is_subject(record[SUBJECT]):
            return Claim(row, label, subject=record[SUBJECT], observed_at=None if observed is ABSENT else observed)
        wrong(SUBJECT, EXPECTED_SUBJECT, record[SUBJECT])
    elif type(name := record[PREDICTION]) is str and ID.fullmatch(name):
        return Claim(row, label, name, observed_at=None if observed is ABSENT else observed)
    else:
        wrong(PREDICTION, expected_id(contract), name)
    return None


def _moment(cell: Any) -> Any:
    """Return a time, None for None, and ABSENT for anything that is not a time in the past."""
    try:
        found = None if cell is None else msgspec.convert(cell, Moment)
    except (msgspec.ValidationError, OverflowError):
        return ABSENT
    return ABSENT if found and found > datetime.now(UTC) + CLOCKS_DIFFER else found


def contradicts(claim: Claim, other: Claim) -> Violation:
    """Return the violation of a claim that differs from another row's about the same prediction."""
    return Violation(claim.row, OUTCOME, f"{shown(other.label)}, as an earlier row says of the same prediction", shown(claim.label))


def expected_id(contract: Contract) -> str:
    return f"the id of a prediction of {contract.model} in the log"
