"""Linear models, naive Bayes and discriminants, as parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from slipway.bundle.compiling.composed.composition import Composition, Method, chained, no_method
from slipway.bundle.engines.composed.parts import Categorical, Gaussian, Linked, LinkName, Part, Quadratic, Sums
from slipway.bundle.engines.steps import Above
from slipway.errors import CannotCompileError


def describe_linear(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a linear model of a number, or of classes: LogisticRegression, LinearDiscriminantAnalysis, SGDClassifier, LinearSVC..."""
    sums = _sums(np.atleast_2d(estimator.coef_).T, np.atleast_1d(estimator.intercept_), composition)
    if method == "decision_function" or (method == "predict" and not hasattr(estimator, "classes_")):
        return sums
    if method != "predict_proba":
        raise no_method(estimator, method)
    return chained(sums, Linked(_link(estimator)))


def describe_exponential(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a PoissonRegressor, a GammaRegressor or a TweedieRegressor."""
    if method != "predict":
        raise no_method(estimator, method)
    sums = _sums(np.atleast_2d(estimator.coef_).T, np.atleast_1d(estimator.intercept_), composition)
    match type(estimator._base_loss.link).__name__:
        case "LogLink":
            return chained(sums, Linked("exponential"))
        case "IdentityLink":
            return sums
        case other:
            raise CannotCompileError(f"{type(estimator).__name__} with a {other} has no engine")


def describe_counts(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a MultinomialNB, a ComplementNB or a BernoulliNB."""
    weights, intercepts = estimator.feature_log_prob_.T, estimator.class_log_prior_
    steps: list[Part] = []
    match type(estimator).__name__:
        case "ComplementNB":
            intercepts = np.zeros(len(intercepts)) if len(intercepts) > 1 else intercepts
        case "BernoulliNB":
            absent = np.log(1 - np.exp(estimator.feature_log_prob_))
            weights, intercepts = (estimator.feature_log_prob_ - absent).T, intercepts + absent.sum(axis=1)
            if estimator.binarize is not None:
                steps.append(Above(float(estimator.binarize)))
    return _likely(estimator, method, chained(*steps, _sums(weights, intercepts, composition)))


def describe_gaussian(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a GaussianNB."""
    at = composition.store(means=estimator.theta_, variances=estimator.var_, priors=estimator.class_prior_)
    return _likely(estimator, method, Gaussian(at))


def describe_categorical(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a CategoricalNB."""
    tables = {f"column_{place}": table.T for place, table in enumerate(estimator.feature_log_prob_)}
    at = composition.store(**tables, priors=estimator.class_log_prior_)
    return _likely(estimator, method, Categorical(at, len(tables)))


def describe_quadratic(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a QuadraticDiscriminantAnalysis."""
    scalings = list(zip(estimator.rotations_, estimator.scalings_, strict=True))
    at = composition.store(
        means=estimator.means_,
        constants=np.asarray([np.sum(np.log(scaling)) for _, scaling in scalings]),
        priors=estimator.priors_,
        **{f"rotation_{place}": rotation * (scaling ** (-0.5)) for place, (rotation, scaling) in enumerate(scalings)},
    )
    if method == "decision_function":
        return chained(Quadratic(at), Linked("second against first")) if len(scalings) == 2 else Quadratic(at)
    return _likely(estimator, method, Quadratic(at))


def _likely(estimator: Any, method: Method, part: Part) -> Part:
    if method != "predict_proba":
        raise no_method(estimator, method)
    return chained(part, Linked("likelihood"))


def _sums(weights: Any, intercepts: Any, composition: Composition) -> Part:
    if hasattr(weights, "toarray"):
        weights = weights.toarray()
    weights = np.asarray(weights, dtype=np.float64)
    if len(intercepts) != weights.shape[1]:
        intercepts = np.broadcast_to(intercepts, (weights.shape[1],))
    return Sums(composition.store(weights=weights, intercepts=np.asarray(intercepts, dtype=np.float64)))


def _link(estimator: Any) -> LinkName:
    """Return what makes probabilities of the decisions of a linear classifier."""
    binary = len(estimator.classes_) == 2
    kinds = {kind.__name__ for kind in type(estimator).__mro__}
    if kinds & {"LogisticRegression", "LinearDiscriminantAnalysis"}:
        return "logistic" if binary else "softmax"
    if "BaseSGDClassifier" in kinds and estimator.loss == "log_loss":
        return "logistic" if binary else "logistic each"
    raise CannotCompileError(f"the probabilities of {type(estimator).__name__} have no engine inside a composition")
