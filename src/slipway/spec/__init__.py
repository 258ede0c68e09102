"""What a model's file declares: its rows and columns, its search, its gate, its schedules and its watch."""

from slipway.spec.columns import (
    Category,
    ClassLabel,
    Columns,
    Derived,
    Difference,
    Feature,
    Numeric,
    Target,
    WeightedMean,
)
from slipway.spec.model import (
    BINARY_METRICS,
    MULTICLASS_METRICS,
    PREPARATION,
    THRESHOLD_METRICS,
    Card,
    Dataset,
    Gate,
    ModelSpec,
    Preparation,
    Simplest,
    Split,
    describe,
)
from slipway.spec.schedules import Schedule
from slipway.spec.watch import Drift, Season, Watch

__all__ = [
    "BINARY_METRICS",
    "MULTICLASS_METRICS",
    "PREPARATION",
    "THRESHOLD_METRICS",
    "Card",
    "Category",
    "ClassLabel",
    "Columns",
    "Dataset",
    "Derived",
    "Difference",
    "Drift",
    "Feature",
    "Gate",
    "ModelSpec",
    "Numeric",
    "Preparation",
    "Schedule",
    "Season",
    "Simplest",
    "Split",
    "Target",
    "Watch",
    "WeightedMean",
    "describe",
]
