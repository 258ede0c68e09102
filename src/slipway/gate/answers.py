"""What bundles answer to rows whose true labels are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from slipway.bundle.engine import labels, open_engine
from slipway.bundle.reading import Bundle
from slipway.spec import Target
from slipway.training.evaluation import Answers
from slipway.training.splitting import Rows

Mask = npt.NDArray[np.bool_]


def ask(target: Target, rows: Rows, bundle: Bundle) -> Answers:
    """Let a bundle answer the test rows; it asks for no other columns and knows no other classes than they have."""
    contract = bundle.contract
    probabilities = open_engine(bundle).probabilities({column.name: rows.test[column.name].tolist() for column in contract.columns})
    said = labels(probabilities, contract)  # before rounding can move a tie
    probabilities /= probabilities.sum(axis=1, keepdims=True)  # float32 sums to one only within its own precision
    return Answers(target, rows.test_labels.tolist(), said, probabilities)


def only(answers: Answers, mask: Mask) -> Answers:
    """Return the answers to the rows of an (n,) mask."""
    places = np.flatnonzero(mask).tolist()
    return Answers(
        answers.target, [answers.truth[at] for at in places], [answers.labels[at] for at in places], answers.probabilities[places]
    )
