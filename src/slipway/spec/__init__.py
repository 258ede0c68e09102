"""What a model's file declares: its rows and columns, its search, its gate, its schedules and its watch."""

from dataclasses import is_dataclass

from slipway.problems.classification import ClassLabel
from slipway.problems.classification.target import Target
from slipway.problems.regression.target import Quantity
from slipway.spec.adopted import Adopted
from slipway.spec.columns import (
    Boolean,
    Category,
    Columns,
    Date,
    Feature,
    Numeric,
)
from slipway.spec.datasets import AnyDataset, DataGate, Dataset, FollowedDataset
from slipway.spec.declarations import check_when_made
from slipway.spec.derived import Derived, Difference, Lookup, Ratio, WeightedMean
from slipway.spec.learning import Outcomes
from slipway.spec.model import ModelSpec
from slipway.spec.parts import Card, Gate, Preparation, Simplest
from slipway.spec.schedules import Schedule
from slipway.spec.search import PREPARATION, describe
from slipway.spec.splits import Split
from slipway.spec.tables import CSV, Excel, JSONLines, Parquet, Query, Table
from slipway.spec.texts import Text
from slipway.spec.watch import Drift, Season, Watch
from slipway.spec.wording import Label, Wording

__all__ = [
    "CSV",
    "PREPARATION",
    "Adopted",
    "AnyDataset",
    "Boolean",
    "Card",
    "Category",
    "ClassLabel",
    "Columns",
    "DataGate",
    "Dataset",
    "Date",
    "Derived",
    "Difference",
    "Drift",
    "Excel",
    "Feature",
    "FollowedDataset",
    "Gate",
    "JSONLines",
    "Label",
    "Lookup",
    "ModelSpec",
    "Numeric",
    "Outcomes",
    "Parquet",
    "Preparation",
    "Quantity",
    "Query",
    "Ratio",
    "Schedule",
    "Season",
    "Simplest",
    "Split",
    "Table",
    "Target",
    "Text",
    "Watch",
    "WeightedMean",
    "Wording",
    "describe",
]

for declared in [globals()[name] for name in __all__]:
    if isinstance(declared, type) and is_dataclass(declared):
        check_when_made(declared)
