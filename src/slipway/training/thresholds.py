"""The decision threshold of a binary model, chosen by cross-validation on the training rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from sklearn.model_selection import RepeatedStratifiedKFold

from slipway.spec import ModelSpec
from slipway.training.evaluation import Answers, figure
from slipway.training.pipelines import build
from slipway.training.splitting import Rows

THRESHOLDS = np.linspace(0.01, 0.99, 99)
CUSTOMARY = 0.5

Array = npt.NDArray[np.float64]


def choose_threshold(spec: ModelSpec, rows: Rows, parameters: Mapping[str, Any], jobs: int = 1) -> float:
    """Return the probability of the positive class from which a row is called positive, in hundredths.

    The folds are those that the hyperparameters were chosen on.

    Args:
        jobs: Folds fitted at the same time; the threshold is the same with any number.
    """
    folds = RepeatedStratifiedKFold(n_splits=spec.folds, n_repeats=spec.repeats, random_state=spec.split.seed)
    # threads: trees are grown outside Python's lock, and processes would start for seconds
    curves = Parallel(n_jobs=jobs, backend="threading")(
        delayed(_curve)(spec, rows, parameters, fit, held_out) for fit, held_out in folds.split(rows.train, rows.train_labels)
    )
    return nearest_as_good(np.array(curves))


def nearest_as_good(curves: Array) -> float:
    """Return the threshold nearest to one half among those as good as the one with the best mean.

    As good is one whose mean is lower by no more than one standard error of the difference, fold by fold: the one-standard-error
    rule of Breiman et al. (1984), 3.4.3, on paired scores. Where a curve is flat, its highest point is an accident of the folds,
    and the further from one half, the more of the majority is called wrong for it.

    Args:
        curves: (folds, thresholds) scores at `THRESHOLDS`, higher is better.
    """
    worse = curves[:, [curves.mean(axis=0).argmax()]] - curves
    error = worse.std(axis=0, ddof=1) / np.sqrt(len(curves))
    as_good = THRESHOLDS[worse.mean(axis=0) <= error]
    return float(np.round(as_good[np.abs(as_good - CUSTOMARY).argmin()], 2))


def _curve(spec: ModelSpec, rows: Rows, parameters: Mapping[str, Any], fit: Any, held_out: Any) -> list[float]:
    """Return the metric on one fold at each threshold."""
    target = spec.columns.target
    at = target.index(target.positive)
    model = build(spec, parameters).fit(rows.train.iloc[fit], rows.train_labels.iloc[fit])
    positive = model.predict_proba(rows.train.iloc[held_out])[:, at]
    truth, names, nothing = rows.train_labels.iloc[held_out].to_numpy(), np.array(target.labels), np.empty((0, 0))
    return [
        figure(spec.metric, Answers(target, truth, names[np.where(positive >= threshold, at, 1 - at)].tolist(), nothing))
        for threshold in THRESHOLDS
    ]
