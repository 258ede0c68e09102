"""What a model card and a release report say about a regression."""

from __future__ import annotations

import math

from slipway.problems.regression.target import Quantity

# the figures that the table of slices shows beside the spec's metric
SLICE_METRICS = ("mean_absolute_error", "median_absolute_error", "root_mean_squared_error", "r2", "interval_coverage")


def meaning(target: Quantity) -> str:
    """Return what the number is, its unit and its range."""
    bounds = [f"from {target.low:g}"] if target.low is not None else []
    bounds += [f"to {target.high:g}"] if target.high is not None else []
    return f"{target.description}, in {target.unit}{', ' + ' '.join(bounds) if bounds else ''}"


def decision(target: Quantity, reach: float | None) -> str:
    """Return how an answer and its interval are made."""
    learnt = (
        "The model learns log(1 + number), and the answer is the number itself." if target.log else "The answer is the predicted number."
    )
    if reach is None:
        return learnt
    factor = f"between {math.exp(-reach):.3g} and {math.exp(reach):.3g} times 1 + the number" if target.log else ""
    how = f"It reaches {factor}" if factor else f"It reaches {reach:.4g} {target.unit} to either side"
    return (
        f"{learnt} An interval around it should include the outcome of {target.coverage:.0%} of such rows. {how}: the quantile of the "
        "distances between outcomes and out-of-fold predictions on the training rows (conformal prediction). `interval_coverage` "
        "above is the share that it includes of the test rows."
    )
