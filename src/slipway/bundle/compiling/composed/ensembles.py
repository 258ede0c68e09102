"""Estimators that are made of others: voting, stacking, bagging, AdaBoost and calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from slipway.bundle.compiling.composed.composition import Composition, Method, chained, no_method
from slipway.bundle.compiling.composed.trees import is_tree, table_of
from slipway.bundle.engines.composed.parts import (
    Averaged,
    Beside,
    InTurn,
    Isotonic,
    Linked,
    Median,
    Part,
    Picked,
    Placed,
    Same,
    Sigmoid,
    Temperature,
    Voted,
)
from slipway.errors import CannotCompileError


def describe_voting(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a VotingClassifier of probabilities, or a VotingRegressor."""
    numbers = not hasattr(estimator, "classes_")
    if method != ("predict" if numbers else "predict_proba"):
        raise no_method(estimator, method)
    weights = estimator._weights_not_none  # without those of what was dropped
    parts = tuple(composition.part(each, method) for each in estimator.estimators_)
    return Averaged(parts, () if weights is None else tuple(map(float, weights)), numbers)


def describe_stacking(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a StackingClassifier or a StackingRegressor."""
    return chained(_stacked(estimator, composition), composition.part(estimator.final_estimator_, method))


def stacking_labels(estimator: Any, values: Sequence[float], composition: Composition) -> Part:
    """Describe the labels of a StackingClassifier: those of its last estimator."""
    return chained(_stacked(estimator, composition), composition.labels(estimator.final_estimator_, values))


def _stacked(estimator: Any, composition: Composition) -> Part:
    parts = [_of_stack(each, method, composition) for each, method in zip(estimator.estimators_, estimator.stack_method_, strict=True)]
    return Beside((*parts, Same()) if estimator.passthrough else tuple(parts))


def _of_stack(estimator: Any, method: Method, composition: Composition) -> Part:
    if method == "predict" and hasattr(estimator, "classes_"):
        classes = np.asarray(estimator.classes_)
        if classes.dtype.kind not in "iuf":
            raise CannotCompileError(f"a stack of the labels {classes.tolist()} has no engine; expected numbers")
        return composition.labels(estimator, classes.astype(np.float64).tolist())
    part = composition.part(estimator, method)
    return chained(part, Picked((1,))) if method == "predict_proba" and len(estimator.classes_) == 2 else part


def describe_bagging(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a BaggingClassifier or a BaggingRegressor."""
    members = list(zip(estimator.estimators_, estimator.estimators_features_, strict=True))
    if method in ("predict_proba", "predict") and all(is_tree(member) for member, _ in members):
        return _bagged_trees(estimator, members, composition)
    return InTurn(tuple(_bagged(estimator, member, columns, method, composition) for member, columns in members))


def _bagged(estimator: Any, member: Any, columns: Any, method: Method, composition: Composition) -> Part:
    every = list(map(int, columns)) == list(range(estimator.n_features_in_))
    chosen: tuple[Part, ...] = () if every else (Picked(tuple(map(int, columns))),)
    if method != "predict_proba":
        return chained(*chosen, composition.part(member, method))
    classes = len(estimator.classes_)
    if not hasattr(member, "predict_proba"):
        return chained(*chosen, Voted((_places(member, composition),), composition.store(yes=[1.0], no=[0.0], divisor=1.0), classes))
    part = composition.part(member, "predict_proba")
    return chained(*chosen, part) if len(member.classes_) == classes else chained(*chosen, part, Placed(_whole(member), classes))


def _bagged_trees(estimator: Any, members: Sequence[tuple[Any, Any]], composition: Composition) -> Part:
    """Describe trees as one table, like a forest: the sums are the same."""
    values = []
    for member, _ in members:
        value = member.tree_.value[:, 0, :]
        if hasattr(estimator, "classes_") and value.shape[1] != len(estimator.classes_):
            spread = np.zeros((len(value), len(estimator.classes_)))
            spread[:, list(_whole(member))] = value
            value = spread
        values.append(value)
    trees = [member.tree_ for member, _ in members]
    return composition.trees(table_of(trees, values, columns=[columns for _, columns in members], divisor=len(trees)))


def describe_adaptive(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe an AdaBoostClassifier."""
    if method not in ("predict_proba", "decision_function"):
        raise no_method(estimator, method)
    classes = len(estimator.classes_)
    if classes < 2:
        raise CannotCompileError("AdaBoostClassifier of one class has no engine")
    part = _votes(estimator, classes, composition)
    decisions = chained(part, Linked("second against first")) if classes == 2 else part
    return decisions if method == "decision_function" else chained(decisions, Linked("adaptive"))


def _votes(estimator: Any, classes: int, composition: Composition) -> Part:
    weights = np.asarray(estimator.estimator_weights_, dtype=np.float64)
    yes = weights[: len(estimator.estimators_)]
    no, divisor = -1 / (classes - 1) * yes, weights.sum()
    if not all(map(is_tree, estimator.estimators_)):
        places = tuple(_places(member, composition, estimator.classes_) for member in estimator.estimators_)
        return Voted(places, composition.store(yes=yes, no=no, divisor=divisor), classes)
    values = []
    for member, own, other in zip(estimator.estimators_, yes, no, strict=True):
        label = np.searchsorted(estimator.classes_, member.classes_)[member.tree_.value[:, 0, :].argmax(axis=1)]
        values.append(np.where(label[:, None] == np.arange(classes), own, other))
    return composition.trees(table_of([member.tree_ for member in estimator.estimators_], values, divisor=divisor))


def describe_median(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe an AdaBoostRegressor."""
    if method != "predict":
        raise no_method(estimator, method)
    members = estimator.estimators_
    at = composition.store(weights=estimator.estimator_weights_[: len(members)])
    if not all(map(is_tree, members)):
        return Median(Beside(tuple(composition.part(member, "predict") for member in members)), at)
    trees = [member.tree_ for member in members]
    # as many outputs as trees, so that none are added up
    table = table_of(trees, [tree.value[:, 0, 0] for tree in trees], start=np.zeros(len(trees)))
    return Median(composition.trees(table), at)


def describe_calibrated(estimator: Any, method: Method, composition: Composition) -> Part:
    """Describe a CalibratedClassifierCV around any classifier."""
    if method != "predict_proba":
        raise no_method(estimator, method)
    return InTurn(tuple(_calibrated(each, composition) for each in estimator.calibrated_classifiers_))


def _calibrated(calibrated: Any, composition: Composition) -> Part:
    inner, classes = calibrated.estimator, len(calibrated.classes)
    decides = hasattr(inner, "decision_function")
    part = composition.part(inner, "decision_function" if decides else "predict_proba")
    calibrators = calibrated.calibrators
    if calibrated.method == "temperature":
        return chained(part, Temperature(float(calibrators[0].beta_), of_probabilities=not decides))
    if classes == 2 and not decides:
        part = chained(part, Picked((1,)))
    places = (1,) if classes == 2 else tuple(np.searchsorted(calibrated.classes, inner.classes_).tolist())
    if len(places) != len(calibrators) or getattr(inner, "decision_function_shape", "ovr") != "ovr":
        raise CannotCompileError(f"a calibrated {type(inner).__name__} with {len(calibrators)} curves has no engine")
    if calibrated.method == "sigmoid":
        at = composition.store(slopes=[each.a_ for each in calibrators], offsets=[each.b_ for each in calibrators])
        return chained(part, Sigmoid(at, places, classes))
    curves = {f"x_{place}": each.X_thresholds_ for place, each in enumerate(calibrators)}
    curves |= {f"y_{place}": each.y_thresholds_ for place, each in enumerate(calibrators)}
    return chained(part, Isotonic(composition.store(**curves), places, classes))


def _places(member: Any, composition: Composition, classes: Any = None) -> Part:
    """Describe the labels of a member as places among classes; by default they are places already."""
    places = _whole(member) if classes is None else np.searchsorted(classes, member.classes_).tolist()
    return composition.labels(member, tuple(map(float, places)))


def _whole(member: Any) -> tuple[int, ...]:
    return tuple(map(int, member.classes_))
