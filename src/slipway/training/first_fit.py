"""The first fit, of a few rows before the search: whether what is learnt can be stored and served, and which engine will answer."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.compiling import PROVEN, compile_model
from slipway.errors import SlipwayError, UnstorableEstimatorError
from slipway.problems.estimators import offered
from slipway.spec import ModelSpec
from slipway.training.pipelines import build, is_network, require_storable
from slipway.training.splitting import Rows

logger = logging.getLogger(__name__)

FEW = 200  # rows to learn from
ASKED = 1_000  # rows whose answers are looked at
Places = npt.NDArray[np.intp]


def require_storable_fit(spec: ModelSpec, rows: Rows) -> None:
    """Refuse an estimator that could not be stored once it is fitted, and log which engine will answer, and what that costs.

    It is fitted with the first values that the search offers. Where that fails, only the estimator as declared is looked at, and the log
    says why: it may need more rows.

    Raises:
        UnstorableEstimatorError: It, or what it learns, has a type that no stored version may contain; or its classes are not the most
            probable ones.
        CannotCompileError: Its answers depend on chance.
    """
    values = {name: offered(distribution)[0] for name, distribution in spec.search_space.items()}
    pipeline = build(spec, values)
    if is_network(pipeline):
        return
    places, model = few(rows, classes=spec.columns.target.answers_are_categories), spec.problem.wrapped(pipeline)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what so few rows cause: too few steps, too few neighbours
            model.fit(rows.train.iloc[places], rows.train_labels.iloc[places])
    except Exception as error:  # of any library
        require_storable(spec)
        logger.warning(
            "%s: a first fit of %d rows failed (%s: %s), so whether what it learns can be stored is known only after the search",
            spec.name, len(places), type(error).__name__, " ".join(str(error).split())[:200],
        )  # fmt: skip
        return
    require_storable(spec, model)
    _refuse_other_labels(spec, model, rows)
    _log_engine(spec, model)


def few(rows: Rows, *, classes: bool) -> Places:
    """Return the places of about 200 training rows: as many of each class, at least 5 for folds; or evenly spread over the numbers."""
    labels = rows.train_labels
    if not classes:
        order = np.argsort(labels.to_numpy(), kind="stable")
        return np.sort(order[np.unique(np.linspace(0, len(order) - 1, FEW).astype(np.intp))])
    most = max(FEW // labels.nunique(), 5)
    return np.flatnonzero(labels.groupby(labels, observed=True).cumcount().to_numpy() < most)


def _refuse_other_labels(spec: ModelSpec, model: Any, rows: Rows) -> None:
    """Refuse a classifier that answers another class than the most probable one: no engine does, so the proof would fail."""
    if spec.tune_threshold or not spec.columns.target.answers_are_categories:
        return
    output, asked = spec.problem.output(None, 0.0), rows.train.head(ASKED)
    labels, probabilities = output.of_model(model, asked)
    if differing := sum(one != other for one, other in zip(labels, output.labels(probabilities), strict=True)):
        raise UnstorableEstimatorError(
            f"{spec.name}: {type(spec.estimator).__name__} answers {differing} of {len(asked):,} training rows with another class than its "
            "most probable one, and a version answers with the most probable. In place of SVC(probability=True), use "
            "CalibratedClassifierCV(SVC(), ensemble=False); of two classes, tune_threshold=True decides by the probability too."
        )


def _log_engine(spec: ModelSpec, model: Any) -> None:
    try:
        engine = compile_model(spec, model).engine
    except SlipwayError:
        raise
    except Exception as error:
        logger.warning("%s: which engine will answer is known only after the search (%s: %s)", spec.name, type(error).__name__, error)
        return
    proof = (
        ", if its answers prove exact after the search; else the scikit-learn pipeline itself, which is slower" if engine in PROVEN else ""
    )
    logger.info("%s: the engine %s will answer%s", spec.name, engine, proof)
