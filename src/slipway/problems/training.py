"""The kinds of problem for code that trains, judges and watches; `of_target` chooses. It needs the training libraries."""

from slipway.problems.classification.evaluation import Evaluation as ClassEvaluation
from slipway.problems.classification.evaluation import Flags, Interval
from slipway.problems.classification.problem import Classification
from slipway.problems.classification.target import Target
from slipway.problems.classification.weighted import WeightedFigures as ClassFigures
from slipway.problems.regression.evaluation import QuantityEvaluation
from slipway.problems.regression.problem import Regression
from slipway.problems.regression.target import Quantity
from slipway.problems.regression.weighted import QuantityFigures

Evaluation = ClassEvaluation | QuantityEvaluation
Problem = Classification | Regression
WeightedFigures = ClassFigures | QuantityFigures


def of_target(target: Target | Quantity) -> Problem:
    """Return the problem of a declared target."""
    return Regression(target) if isinstance(target, Quantity) else Classification(target)


__all__ = [
    "ClassEvaluation",
    "Classification",
    "Evaluation",
    "Flags",
    "Interval",
    "Problem",
    "QuantityEvaluation",
    "Regression",
    "WeightedFigures",
    "of_target",
]
