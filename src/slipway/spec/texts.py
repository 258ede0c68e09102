"""Texts that people write freely, and the estimators that can learn from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.errors import SpecError
from slipway.problems.estimators import takes_sparse_rows

WIDTHS = tuple(2**power for power in range(4, 19))
MOST_CHARACTERS = 100_000  # Python's reader of CSV takes 131,072 in a cell
MOST_DENSE_WORDS = 4_096  # columns of words for an estimator that needs every cell of a row: 32 kB a row


@dataclass(frozen=True, slots=True)
class Text:
    """A text that people write freely. A model sees its words: how often each is there, weighted by how rare it is (TF-IDF).

    Words are hashed into `width` columns, a power of two, so that a model needs no list of them; some words share a column. `longest`: the
    most characters of a text; a longer one is refused. `missing`: a cell may be missing (an empty or blank cell, or null).
    """

    description: str
    width: int = 1_024
    missing: bool = False
    longest: int = 10_000

    def __post_init__(self) -> None:
        if self.width not in WIDTHS:
            limits = f"from {WIDTHS[0]} to {WIDTHS[-1]:,}"
            raise SpecError(f"{self.description!r}: width={self.width} is no power of two {limits}, such as 1_024.")
        if not 1 <= self.longest <= MOST_CHARACTERS:
            raise SpecError(f"{self.description!r}: longest={self.longest}: expected 1 to {MOST_CHARACTERS:,} characters.")


def refuse(texts: Mapping[str, Text], estimators: Sequence[Any], *, leaves_gaps: bool) -> None:
    """Refuse texts for a network, and wide texts for an estimator that needs every cell of a row.

    Args:
        estimators: The model's own estimator, then its baseline if it has one.
        leaves_gaps: Whether missing cells may be left to the estimator, for which a row must have every cell.
    Raises:
        SpecError: The message says what to change.
    """
    if not texts:
        return
    names = ", ".join(texts)
    if hasattr(estimators[0], "to_onnx"):
        network = type(estimators[0]).__name__
        raise SpecError(f"{network} takes no texts: its graph has numbers only. Exclude {names}, or use an estimator of scikit-learn.")
    if (width := sum(kind.width for kind in texts.values())) <= MOST_DENSE_WORDS:
        return
    wide = f"needs every cell of a row, and the words of {names} are {width:,} columns; the limit is {MOST_DENSE_WORDS:,}"
    for estimator in estimators:
        if not takes_sparse_rows(estimator):
            raise SpecError(
                f"{type(estimator).__name__} {wide}. Set a smaller width, or use an estimator that takes sparse rows, such as "
                "LogisticRegression or Ridge."
            )
    if leaves_gaps:
        raise SpecError(f'preparation.missing="native" {wide}. Set a smaller width, or replace missing cells by "median".')
