"""The kinds of problem for code that trains, judges and watches; `ModelSpec.problem` chooses. It needs the training libraries."""

from slipway.problems.classification.evaluation import Evaluation, Flags, Interval
from slipway.problems.classification.problem import Classification
from slipway.problems.classification.weighted import WeightedFigures

Problem = Classification  # a second kind makes this a union

__all__ = ["Evaluation", "Flags", "Interval", "Problem", "WeightedFigures"]
