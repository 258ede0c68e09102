"""How wide the matrix of a model is, and whether it is sparse: a category of 5,000 values is 5,000 columns, nearly all of them zero.

Rows are sparse if there are texts or more than `WIDE` such columns, the estimator learns from sparse rows, and no missing cell is left to
it: trees know one only in rows with every cell. For any other estimator, such as histogram gradient boosting, every zero is written out, up
to `DENSE` bytes; wider rows are refused.
"""

from __future__ import annotations

from typing import Any

from slipway.errors import SlipwayError
from slipway.problems.estimators import takes_sparse_rows
from slipway.spec import Columns, ModelSpec, Preparation

WIDE = 500  # columns; with fewer, sparse rows save nothing
DENSE = 2_000_000_000  # bytes of all rows, with eight for each number
# estimators that take sparse rows, and of which nothing that is stored has a row: by the name of the type or of a base
SPARSE = (
    "LinearModel",
    "LinearClassifierMixin",
    "BaseSGD",
    "BaseDecisionTree",
    "BaseForest",
    "BaseGradientBoosting",
    "DummyClassifier",
    "DummyRegressor",
)


def one_hot_width(columns: Columns) -> int:
    """Return how many columns of zeros and ones the categories and codes become."""
    replaced = {name for how in columns.derived.values() for name in how.replaced}
    categories = [kind.values for name, kind in columns.categorical.items() if not kind.ordered and name not in replaced]
    return sum(map(len, categories)) + sum(len(kind.codes) for name, kind in columns.nominal.items() if name not in replaced)


def is_sparse(columns: Columns, preparation: Preparation, estimator: Any) -> bool:
    """Return whether the rows that an estimator learns from are sparse."""
    if preparation.missing == "native" and columns.numbers_have_gaps:
        return False
    if columns.texts:
        return takes_sparse_rows(estimator)
    if one_hot_width(columns) <= WIDE:
        return False
    return any(kind.__name__ in SPARSE for kind in type(estimator).__mro__)


def require_room(spec: ModelSpec, rows: int) -> None:
    """Refuse rows that would be too wide with every zero written out.

    Raises:
        SlipwayError: The message says how many bytes they would take, and what to declare instead.
    """
    width = one_hot_width(spec.columns) + sum(kind.width for kind in spec.columns.texts.values())
    if is_sparse(spec.columns, spec.preparation, spec.estimator) or (needed := 8 * rows * width) <= DENSE:
        return
    widest = max(spec.columns.categorical.items(), key=lambda one: len(one[1].values), default=None)
    kinds = "zeros, ones and words" if spec.columns.texts else "zeros and ones"
    narrower = " Set a smaller width for texts." if spec.columns.texts else ""
    of_them = f", {len(widest[1].values):,} of them for {widest[0]}" if widest else ""
    raise SlipwayError(
        f"{spec.name}: {rows:,} rows with {width:,} columns of {kinds}{of_them} take {needed / 1e9:.1f} GB, and the limit is "
        f"{DENSE / 1e9:.0f} GB, because {type(spec.estimator).__name__} takes no sparse rows. List the most frequent values only and set "
        f"other=True, or use a linear model or trees, which take sparse rows.{narrower}"
    )
