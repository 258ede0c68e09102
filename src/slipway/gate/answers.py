"""What bundles answer to rows whose true labels are known."""

from __future__ import annotations

from slipway.bundle.engine import open_engine
from slipway.bundle.reading import Bundle
from slipway.problems.training import Evaluation
from slipway.spec import ModelSpec
from slipway.training.splitting import Rows


def ask(spec: ModelSpec, rows: Rows, bundle: Bundle) -> Evaluation:
    """Let a bundle answer the test rows; it asks for no other columns and knows no other classes than they have."""
    contract = bundle.contract
    probabilities = open_engine(bundle).probabilities({column.name: rows.test[column.name].tolist() for column in contract.columns})
    return spec.problem.of_engine(contract.output, probabilities, rows.test_labels.tolist())
