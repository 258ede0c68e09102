"""The body of `POST /models/<name>/outcomes`: the actual outcomes of earlier predictions.

    {"outcomes": [{"prediction_id": "...", "outcome": 1}, {"subject": "4711", "outcome": 0, "observed_at": "2026-11-01T08:00:00Z"}]}

Either all outcomes of a request are recorded, or none, with an error that lists what is wrong in each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slipway.audit import Claim, Unfit
from slipway.bundle.contract import Contract
from slipway.gateway.bodies import json_text
from slipway.gateway.bodies.mlflow import JSON, media_type
from slipway.gateway.bodies.refusing import refused
from slipway.gateway.bodies.shapes import kind_of, malformed, named
from slipway.gateway.bodies.sizes import ALLOWED
from slipway.gateway.replies import TOO_LARGE, RequestError
from slipway.rows.checks import Violation, shown
from slipway.rows.claims import PREDICTION, claim_of, contradicts, expected_id
from slipway.rows.subjects import SUBJECT

OUTCOMES = "outcomes"
MOST = 10_000  # of one request: while they are written, the log cannot write other lines


def decode(content_type: str, body: bytes, contract: Contract) -> tuple[list[Claim], list[Violation]]:
    """Return the claims of a request, and its violations. A wrong row also gives a claim if it names its prediction.

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
    """Return a violation for each claim that cannot be recorded."""
    by_row = {claim.row: claim for claim in claims}
    return [_unfit(by_row[one.row], None if one.against is None else by_row[one.against], contract) for one in found]


def refusal(contract: Contract, violations: Sequence[Violation], total: int) -> RequestError:
    """Return the 400 with the first violations, by row, and their number."""
    return refused(f"the outcomes for {contract.model} are wrong", "nothing was recorded", violations, total)


def _records(body: bytes, contract: Contract) -> list[Any]:
    content = json_text.decode(body, contract, refusal)
    if not isinstance(content, dict) or list(content) != [OUTCOMES]:
        received = (named(content) or "an empty object") if isinstance(content, dict) else kind_of(content)
        raise malformed(f'expected a JSON object with the one key outcomes: {{"outcomes": [{{...}}, ...]}}, received {received}.')
    records = content[OUTCOMES]
    if not isinstance(records, list):
        raise malformed(f"outcomes: expected a list, received {kind_of(records)}.")
    if not records:
        raise malformed("the request contains no outcomes; send at least one.")
    if len(records) > (most := min(MOST, ALLOWED.rows)):
        raise RequestError(413, TOO_LARGE, f"expected at most {most:,} outcomes, received more; send them in several requests.")
    return records


def _unfit(claim: Claim, against: Claim | None, contract: Contract) -> Violation:
    if against is not None:
        return contradicts(claim, against)
    if claim.subject is None:
        return Violation(claim.row, PREDICTION, expected_id(contract), shown(claim.prediction_id))
    until = f", not later than {claim.observed_at.isoformat()}" if claim.observed_at else ""
    return Violation(claim.row, SUBJECT, f"a subject with a prediction of {contract.model} in the log{until}", shown(claim.subject))
