"""From a request's body to the model's answers: decode, check, run, without a data frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from slipway.gateway.bodies.refusing import check
from slipway.gateway.bodies.shapes import Columns, ScoredRows
from slipway.rows.checks import Cells
from slipway.rows.subjects import Subjects, wrong_subjects

if TYPE_CHECKING:
    from slipway.bundle.contract import Contract
    from slipway.bundle.deployment import Deployment
    from slipway.gateway.versions.splitting import Turn

# From content type, body and contract to the cells by column, and the subjects of the rows, empty if there are none.
Decode = Callable[[str, bytes, "Contract"], tuple[Columns, Subjects]]


def checked(decode: Decode, contract: Contract, content_type: str, body: bytes) -> tuple[dict[str, Cells], Subjects]:
    """Return the rows of a body by column in contract order, if all of them keep the contract.

    Raises:
        RequestError: 415, 413 or 400; a row breaks the contract, or `decode` cannot read the body.
    """
    columns, subjects = decode(content_type, body, contract)
    return check(columns, contract, wrong_subjects(subjects)), subjects


def score(decode: Decode, deployment: Deployment, content_type: str, body: bytes, turn: Turn | None = None) -> ScoredRows:
    """Return the answers to all rows of a body. Raises as `checked` does.

    Args:
        turn: A challenger that may answer in place of the deployment. Both have the same columns.
    """
    columns, subjects = checked(decode, deployment.contract, content_type, body)
    if turn and (answers := turn.answer(columns, subjects)):
        labels, probabilities = answers
        return ScoredRows(columns, labels, probabilities, subjects, by_challenger=True)
    labels, probabilities = deployment.predict(columns)
    return ScoredRows(columns, labels, probabilities, subjects)
