"""One request's way from its body to the model's answers: decode, check, run, with no frame between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.gateway.checks import Cells, check
from slipway.gateway.predictions import Subjects, wrong_subjects
from slipway.gateway.shapes import Columns

if TYPE_CHECKING:
    from slipway.bundle.contract import ClassLabel, Contract
    from slipway.gateway.loading import Deployment
    from slipway.gateway.splitting import Turn

# Content type, body and contract in; cells by column out, and of whom each row is, empty where nothing says so.
Decode = Callable[[str, bytes, "Contract"], tuple[Columns, Subjects]]


@dataclass(frozen=True, slots=True)
class Scored:
    """n checked rows by column in contract order, n labels, (n, classes) probabilities; `subjects` are n, or none at all.

    `by_challenger` tells that the challenger answered, not the version in service.
    """

    columns: dict[str, Cells]
    labels: list[ClassLabel]
    probabilities: list[list[float]]
    subjects: Subjects
    by_challenger: bool = False


def score(decode: Decode, deployment: Deployment, content_type: str, body: bytes, turn: Turn | None = None) -> Scored:
    """Return the answers to all rows of a body; one bad row, and nothing is answered.

    Args:
        turn: A challenger that may answer in place of the deployment, whose contract its columns are those of.
    Raises:
        RequestError: 415, 413 or 400; a row breaks the contract, or the body is not what `decode` takes.
    """
    columns, subjects = decode(content_type, body, deployment.contract)
    checked = check(columns, deployment.contract, wrong_subjects(subjects))
    if turn and (answered := turn.answer(checked, subjects)):
        return Scored(checked, *answered, subjects, by_challenger=True)
    labels, probabilities = deployment.predict(checked)
    return Scored(checked, labels, probabilities, subjects)
