"""How far the interval around a prediction reaches, from out-of-fold predictions on the training rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import parallel_config
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import KFold, cross_val_predict

from slipway.problems.regression.target import Quantity
from slipway.problems.weights import argument, fitted

ROUNDING = 1e-12  # of a sum of weights
Floats = npt.NDArray[np.float64]


def wrapped(target: Quantity, pipeline: Any) -> Any:
    """Return the unfitted pipeline as one that learns log(1 + number), if the target asks for that, and answers numbers."""
    if not target.log:
        return pipeline
    return TransformedTargetRegressor(pipeline, func=np.log1p, inverse_func=np.expm1)


def reach(
    target: Quantity, pipeline: Any, features: Any, truth: Any, *, folds: Any, seed: int, jobs: int = 1, weights: Any = None
) -> float:
    """Return the distance from a prediction within which the outcome of `target.coverage` of the rows should be.

    Conformal prediction (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005) with the residuals of
    cross-validation instead of those of rows set apart (Vovk, Annals of Mathematics and Artificial Intelligence 74, 2015), so that the
    model learns from all training rows. The share that it includes of new rows is near `coverage`, but not guaranteed; so it is measured
    on the test rows. The distance is in what the model learns: of log(1 + number) if the target says so.

    Args:
        pipeline: Unfitted.
        features, truth: The n training rows; the test rows are not used.
        folds: Their number, or the places of the rows to learn from and to predict in each of them; they need not predict every row.
        weights: (n,) of the training rows, with a mean of 1; None if each counts the same.
    """
    outcomes, counted = np.asarray(truth, dtype=np.float64), np.ones(len(truth)) if weights is None else weights
    model = wrapped(target, pipeline)
    if isinstance(folds, int):
        with parallel_config(backend="threading"):
            predicted = cross_val_predict(
                model,
                features,
                truth,
                cv=KFold(folds, shuffle=True, random_state=seed),
                n_jobs=jobs,
                params={} if weights is None else {argument(model): weights},
            )
    else:
        parts = [
            fitted(clone(model), features.iloc[one], outcomes[one], None if weights is None else weights[one]).predict(features.iloc[other])
            for one, other in folds
        ]
        places = np.concatenate([other for _, other in folds])
        predicted, outcomes, counted = np.concatenate(parts), outcomes[places], counted[places]
    residuals = np.abs(_learnt(target, outcomes) - _learnt(target, np.asarray(predicted, dtype=np.float64)))
    return _quantile(residuals, target.coverage) if weights is None else _weighted_quantile(residuals, target.coverage, counted)


def _quantile(residuals: Floats, level: float) -> float:
    rank = math.ceil((len(residuals) + 1) * level)
    return float(np.sort(residuals)[min(rank, len(residuals)) - 1])


def _weighted_quantile(residuals: Floats, level: float, weights: Floats) -> float:
    """Return the least residual up to which the rows have that share of the weight, and one row more of a mean weight."""
    order = np.argsort(residuals, kind="stable")
    so_far, mean = weights[order].cumsum(), weights.mean()
    place = int(np.searchsorted(so_far, (so_far[-1] + mean) * level - ROUNDING * so_far[-1]))
    return float(residuals[order[min(place, len(order) - 1)]])


def _learnt(target: Quantity, numbers: Any) -> Any:
    return np.log1p(numbers) if target.log else numbers
