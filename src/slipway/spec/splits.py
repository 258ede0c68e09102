"""How rows are split into training and test rows."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.errors import SpecError
from slipway.spec.columns import Columns, Date, Numeric

LARGEST_SEED = 2**32 - 1  # of NumPy


@dataclass(frozen=True, slots=True)
class Split:
    """How the test rows are chosen: their share of the rows, a seed, and whether every class keeps its share.

    `by`: a column of dates or numbers by which the test rows are the latest, as in service. Each fold of the tuning then learns from the
    rows before those that it is scored on (scikit-learn's TimeSeriesSplit). `group`: a column of ids, such as patients: all rows of one
    id are in the same part, and in the same fold, so that no model is scored on somebody it knows. The share is then one of about so many
    rows. Both are features or excluded columns; an excluded `by` has numbers or ISO dates. No cell of them may be missing.
    """

    test: float
    seed: int
    stratify: bool
    by: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        if self.by and self.group:
            raise SpecError(f"split: by={self.by!r} and group={self.group!r} cannot both decide; leave one of them out.")
        if self.by and self.stratify:
            raise SpecError(f"split: the latest rows by {self.by!r} have the classes that they have; set stratify=False.")
        if not 0 < self.test < 1:
            raise SpecError(f"test={self.test}: the share of test rows must be between 0 and 1.")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise SpecError(f"seed={self.seed}: expected a whole number from 0 to {LARGEST_SEED:,}.")

    def refuse_columns(self, columns: Columns, repeats: int) -> None:
        """Refuse columns that cannot decide the split, and folds in the order of time that would be repeated.

        Raises:
            SpecError: The message names the field and the column.
        """
        for field, name in (("by", self.by), ("group", self.group)):
            if not name:
                continue
            kind = columns.features.get(name)
            if kind is None and name not in columns.excluded:
                raise SpecError(f"split: {field}={name!r} is neither a feature nor an excluded column.")
            if kind is not None and kind.missing:
                raise SpecError(f"split: cells of {field}={name!r} may be missing, so some rows would belong nowhere.")
        if (by := columns.features.get(self.by)) and not isinstance(by, Numeric | Date):
            raise SpecError(f"split: by={self.by!r} has no order; expected a number or a date.")
        if self.by and repeats > 1:
            raise SpecError(f"repeats={repeats}: folds in the order of {self.by!r} cannot be shuffled again; set repeats=1.")
