"""The kinds of problem for code that answers, logs and reads answers; `Contract.output` chooses. It needs no training library."""

from slipway.problems.classification import ClassLabel
from slipway.problems.classification.output import Output, Prediction, Schema, differ

__all__ = ["ClassLabel", "Output", "Prediction", "Schema", "differ"]
