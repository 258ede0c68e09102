"""The bodies of `POST /models/<name>/explain`: rows as for `/predict`, and an answer to each row with what every column adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from slipway.bundle.contract import Contract
from slipway.gateway.bodies import predictions
from slipway.gateway.bodies.shapes import Columns, ScoredRows
from slipway.gateway.replies import TOO_LARGE, RequestError
from slipway.rows.subjects import Subjects

if TYPE_CHECKING:
    from slipway.explaining.explanation import Explanation

MOST_ROWS = 100
NOTE = (
    "The contributions say what the model made of the values of a row, compared with the background rows. They are not causes, and no "
    "advice on what to change. Columns that go together share what they add in the model's own way."
)
BACKGROUND = "Held-out rows of the version's own test, spread evenly over its answers."


def decode(content_type: str, body: bytes, contract: Contract) -> tuple[Columns, Subjects]:
    """Return the cells by column, and the subjects of the rows; see `predictions.decode`.

    Raises:
        RequestError: As there, and 413 for more rows than one request may have explained.
    """
    columns, subjects = predictions.decode(content_type, body, contract)
    rows = max(map(len, columns.values()), default=0)
    if rows > MOST_ROWS:
        message = f"expected at most {MOST_ROWS} rows to explain, received {rows:,}; send them in several requests."
        raise RequestError(413, TOO_LARGE, message)
    return columns, subjects


def answer(scored: ScoredRows, explanations: Sequence[Explanation], contract: Contract, request_id: str) -> dict[str, Any]:
    """Return the content of the reply: that of `/predict`, with the explanation of each row, and what it does not say."""
    found = predictions.answer(scored, contract, request_id)
    rows = zip(*scored.columns.values(), strict=True)
    explained = [
        msgspec.to_builtins(prediction) | {"explanation": _content(explanation, row, contract)}
        for prediction, explanation, row in zip(found["predictions"], explanations, rows, strict=True)
    ]
    return found | {"note": NOTE, "predictions": explained}


def _content(explanation: Explanation, row: Sequence[Any], contract: Contract) -> dict[str, Any]:
    errors = explanation.errors or [None] * len(row)
    contributions = [
        {"column": column.name, "value": value, "unit": column.unit, "contribution": added}
        | ({} if error is None else {"standard_error": error})
        for column, value, added, error in zip(contract.columns, row, explanation.contributions, errors, strict=True)
    ]
    return {
        "scale": explanation.scale,
        **({"unit": explanation.unit} if contract.quantity else {"of_label": explanation.of}),
        "method": explanation.method,
        "base": explanation.base,
        "margin": explanation.margin,
        "contributions": contributions,
        "background": {"rows": explanation.background, "description": BACKGROUND},
    }
