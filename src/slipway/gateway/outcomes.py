"""`POST /models/<name>/outcomes`: what became of whom was predicted, learnt later.

    {"outcomes": [{"prediction_id": "...", "outcome": 1}, {"subject": "4711", "outcome": 0, "observed_at": "2026-11-01T08:00:00Z"}]}

All of a request are recorded or, when anything is wrong with one, none; every place that is wrong is told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from slipway.bundle.contract import ClassLabel, Contract
from slipway.gateway import json_bodies
from slipway.gateway.audit import Claim, Unfit
from slipway.gateway.checks import ABSENT, LISTED, SHOWN, refused, shown
from slipway.gateway.predictions import EXPECTED_SUBJECT, is_subject
from slipway.gateway.protocol import JSON, media_type
from slipway.gateway.replies import TOO_LARGE, RequestError, Violation
from slipway.gateway.shapes import kind_of, malformed, named
from slipway.gateway.sizes import ALLOWED

OUTCOMES, PREDICTION, SUBJECT, OUTCOME, OBSERVED = "outcomes", "prediction_id", "subject", "outcome", "observed_at"
KEYS = (PREDICTION, SUBJECT, OUTCOME, OBSERVED)
MOST = 10_000  # of one request: the log takes no other line while they are written
ID = re.compile(r"[0-9A-Za-z-]{1,80}")
CLOCKS_DIFFER = timedelta(minutes=5)

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


def decode(content_type: str, body: bytes, contract: Contract) -> tuple[list[Claim], list[Violation]]:
    """Return what the rows of a request say, and what is wrong with them; a wrong row has a claim if it says which prediction it means.

    Raises:
        RequestError: 415 for another content type than JSON, 400 for a body of another form, 413 for too many outcomes.
    """
    media_type(content_type, (JSON,))
    claims: list[Claim] = []
    violations: list[Violation] = []
    for row, record in enumerate(_records(body, contract)):
        if claim := claim_of(row, record, contract, violations):
            claims.append(claim)
    return claims, violations


def unfit(claims: Sequence[Claim], found: Sequence[Unfit], contract: Contract) -> list[Violation]:
    """Say what is wrong with claims that the log cannot take."""
    by_row = {claim.row: claim for claim in claims}
    return [_unfit(by_row[one.row], None if one.against is None else by_row[one.against], contract) for one in found]


def refusal(contract: Contract, violations: Sequence[Violation], total: int) -> RequestError:
    """Return the 400 that tells the first violations, by row, and how many there are."""
    return refused(f"the outcomes for {contract.model} are wrong", "nothing was recorded", violations, total)


def _records(body: bytes, contract: Contract) -> list[Any]:
    content = json_bodies.decode(body, contract, refusal)
    if not isinstance(content, dict) or list(content) != [OUTCOMES]:
        received = (named(content) or "an empty object") if isinstance(content, dict) else kind_of(content)
        raise malformed(f'expected a JSON object with the one key outcomes: {{"outcomes": [{{...}}, ...]}}, received {received}.')
    records = content[OUTCOMES]
    if not isinstance(records, list):
        raise malformed(f"outcomes: expected a list, received {kind_of(records)}.")
    if not records:
        raise malformed("the request holds no outcomes; send one at least.")
    if len(records) > (most := min(MOST, ALLOWED.rows)):
        raise RequestError(413, TOO_LARGE, f"expected at most {most:,} outcomes, received more; send them in several requests.")
    return records


def claim_of(row: int, record: Any, contract: Contract, violations: list[Violation]) -> Claim | None:
    """Return what one row says, None where it does not say of which prediction; what is wrong with it is added to the violations."""

    def wrong(column: str | None, expected: str, received: Any) -> None:
        violations.append(Violation(row, column, expected, received if column is None else shown(received)))

    if type(record) is not dict:
        wrong(None, "an object with outcome, and prediction_id or subject", shown(record))
        return None
    for key in [key for key in record if key not in KEYS][:LISTED]:
        wrong(key[:SHOWN], f"only the keys {', '.join(KEYS)}", record[key])
    label = _label(record.get(OUTCOME), contract.classes)
    if label is None:
        wrong(OUTCOME, f"one of {', '.join(map(repr, contract.classes))}", record.get(OUTCOME, ABSENT))
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
        wrong(PREDICTION, _expected_id(contract), name)
    return None


def _label(cell: Any, classes: Sequence[ClassLabel]) -> ClassLabel | None:
    """Return the class that a cell is; a whole number may have a zero fraction, as in rows, and true is not 1."""
    if type(cell) is float and cell.is_integer():
        cell = int(cell)
    return cell if type(cell) in (int, str) and cell in classes else None


def _moment(cell: Any) -> Any:
    """Return a time, None where there is none, ABSENT for what is no time that has passed."""
    try:
        found = None if cell is None else msgspec.convert(cell, Moment)
    except (msgspec.ValidationError, OverflowError):
        return ABSENT
    return ABSENT if found and found > datetime.now(UTC) + CLOCKS_DIFFER else found


def contradicts(claim: Claim, other: Claim) -> Violation:
    """Say that another row says something else of the same prediction."""
    return Violation(claim.row, OUTCOME, f"{shown(other.label)}, as an earlier row says of the same prediction", shown(claim.label))


def _unfit(claim: Claim, against: Claim | None, contract: Contract) -> Violation:
    if against is not None:
        return contradicts(claim, against)
    if claim.subject is None:
        return Violation(claim.row, PREDICTION, _expected_id(contract), shown(claim.prediction_id))
    until = f", not later than {claim.observed_at.isoformat()}" if claim.observed_at else ""
    return Violation(claim.row, SUBJECT, f"a subject with a prediction of {contract.model} in the log{until}", shown(claim.subject))


def _expected_id(contract: Contract) -> str:
    return f"the id of a prediction of {contract.model} in the log"
