"""The kinds of problem for code that answers, logs and reads answers; `Contract.output` chooses. It needs no training library."""

from slipway.problems.classification import ClassLabel
from slipway.problems.classification.output import Output as ClassOutput
from slipway.problems.classification.output import Prediction, Schema, differ
from slipway.problems.regression.output import QuantityOutput

Answer = ClassLabel | float  # what a version answers about a row: a class, or a number
Output = ClassOutput | QuantityOutput

__all__ = ["Answer", "ClassLabel", "ClassOutput", "Output", "Prediction", "QuantityOutput", "Schema", "differ"]
