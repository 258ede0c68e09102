"""The column to predict: a number, or classes, and which of two is the one to find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.drafting.columns import Numbers, range_of, spoken, unit_of
from slipway.errors import DraftError
from slipway.spec import ClassLabel, Quantity, Target

if TYPE_CHECKING:
    import pandas as pd

MOST_CLASSES = 20
LEAST_ROWS = 10  # of a class: some for the test, and one for each fold
POSITIVE = ("1", "true", "yes", "y", "si", "sí", "s", "positive", "positivo", "malignant", "churn", "churned", "left", "dead", "died")
BALANCED, EVEN = 0.35, 0.6
SKEWED = 10.0  # times the median is the largest number of amounts that are learnt as logarithms


def target_of(cells: pd.Series[str], numbers: Numbers) -> Target | Quantity:
    """Return the target that a column declares.

    Raises:
        DraftError: A cell is empty, or there are too few or too many classes.
    """
    name = str(cells.name)
    texts = cells.str.strip()
    if missing := int((texts == "").sum()):
        raise DraftError(
            f"column {name!r} has no value in {missing:,} of {len(texts):,} rows, and a model cannot learn from those. "
            "Remove the rows from the table, then draft again."
        )
    counts = texts.value_counts()
    if len(counts) == 1:
        raise DraftError(f"column {name!r} has the same value in every row, {counts.index[0]!r}; there is nothing to predict.")
    values = numbers(texts)
    if not values.isna().any() and (len(counts) > MOST_CLASSES or (values % 1 != 0).any()):
        return quantity_of(name, values)
    if len(counts) > MOST_CLASSES:
        raise DraftError(
            f"column {name!r} is a text with {len(counts):,} different values, and a class must be one of at most {MOST_CLASSES}. "
            "Write its classes, such as low and high, into a column, and name that one with --target."
        )
    if few := {value: int(rows) for value, rows in counts.items() if rows < LEAST_ROWS}:
        shown = ", ".join(f"{value!r} in {rows}" for value, rows in few.items())
        raise DraftError(f"column {name!r}: at least {LEAST_ROWS} rows of each class are needed, to learn and to test; there is {shown}.")
    if not values.isna().any() and (values % 1 == 0).all():
        return _numbered(name, texts, values)
    labels = sorted(map(str, counts.index))
    return Target(name, {label: _meaning(name, label) for label in labels}, positive=_positive(labels, counts))


def metric_of(texts: pd.Series[str], target: Target | Quantity) -> str:
    """Return the figure to tune by: the mean error of a number; accuracy of even classes.

    Of uneven classes it is a figure that a model cannot win by guessing the largest.
    """
    if isinstance(target, Quantity):
        return "mean_absolute_error"
    shares = texts.str.strip().value_counts(normalize=True)
    if target.binary:
        return "accuracy" if shares.min() >= BALANCED else "roc_auc"
    return "accuracy" if shares.max() <= EVEN else "f1_macro"


def quantity_of(name: str, values: pd.Series[float]) -> Quantity:
    """Return the number that a column declares, whose (n,) values these are."""
    low, high = float(values.min()), float(values.max())
    least, most = range_of(low, high)
    skewed = low >= 0 and high > SKEWED * max(float(values.median()), 1e-9) > 0
    return Quantity(name, unit_of(name), spoken(name), low=least, high=most, log=skewed)


def _numbered(name: str, texts: pd.Series[str], values: pd.Series[float]) -> Target:
    spelt = dict(zip(values.astype(int), texts, strict=True))
    labels = sorted(spelt)
    in_file: dict[ClassLabel, str] = {label: spelt[label] for label in labels if any(spelt[one] != str(one) for one in labels)}
    meanings: dict[ClassLabel, str] = {label: _meaning(name, str(label)) for label in labels}
    counts = values.astype(int).astype(str).value_counts()
    positive = _positive([str(label) for label in labels], counts)
    return Target(name, meanings, positive=None if positive is None else int(positive), in_file=in_file or None)


def _meaning(name: str, label: str) -> str:
    return f"{spoken(name)} is {label}"


def _positive(labels: list[str], counts: pd.Series[int]) -> str | None:
    """Return which of two classes is the one to find: the one that is called so, or else the rarer one."""
    if len(labels) != 2:
        return None
    named = [label for label in labels if label.lower() in POSITIVE]
    return named[0] if len(named) == 1 else str(counts.idxmin())
