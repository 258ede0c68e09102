"""Which columns of the contract break the way to a leaf, as bits: bit 0 is the first column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slipway.explaining.bands import Bands, word_for
from slipway.explaining.nodes import Floats, Whole
from slipway.explaining.paths import Conditions

Bits = npt.NDArray[np.unsignedinteger]
LARGEST = 64  # bits of a word; more columns have several words
OF_BYTE = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").astype(np.float64)


@dataclass(frozen=True, slots=True)
class Patterns:
    """The conditions of `leaves` leaves: those of each column of the matrix, and the place of the contract's column that it is made of."""

    bands: tuple[tuple[Bands, int], ...]
    leaves: int
    columns: int

    @classmethod
    def of(cls, conditions: Conditions, place: Whole, leaves: int, columns: int) -> Patterns:
        """Return the patterns of conditions; each column of the matrix is made of the column at its `place` among `columns`."""
        features = np.unique(conditions.feature).tolist()
        return cls(tuple((Bands.of(conditions, feature, leaves), int(place[feature])) for feature in features), leaves, columns)

    def broken(self, cells: npt.NDArray[np.floating]) -> list[Bits]:
        """Return for each word the (leaves,) columns in which one row of the matrix leaves the way."""
        word = word_for(self.columns)
        found: list[Bits] = [np.zeros(self.leaves, dtype=word) for _ in range(-(-max(self.columns, 1) // LARGEST))]
        for bands, place in self.bands:
            found[place // LARGEST][bands.leaf] |= bands.broken(cells[bands.feature]) * word(1 << place % LARGEST)
        return found


def words_of(places: Sequence[int], columns: int) -> list[np.unsignedinteger]:
    """Return columns as the bits of each word."""
    word = word_for(columns)
    parts = range(-(-max(columns, 1) // LARGEST))
    return [word(sum(1 << place % LARGEST for place in places if place // LARGEST == part)) for part in parts]


def flagged(words: Sequence[Bits], place: int) -> npt.NDArray[np.bool_]:
    """Return which patterns have the column at a place."""
    word = words[place // LARGEST]
    flags: npt.NDArray[np.bool_] = word & word.dtype.type(1 << place % LARGEST) != 0
    return flags


def counted(words: Sequence[Bits]) -> Whole:
    """Return the number of columns in each pattern."""
    count: Whole = np.bitwise_count(words[0]).astype(np.intp)
    for word in words[1:]:
        count += np.bitwise_count(word)
    return count


def total_by_column(weights: Floats, words: Sequence[Bits], columns: int) -> Floats:
    """Return the (columns,) sums of the (patterns,) weights of the patterns that each column is in."""
    parts = [part for word in words for part in (word[:, None].view(np.uint16).T if word.itemsize > 1 else [word])]
    bins = 1 << min(max(columns, 8), 16)
    found = []
    for part in parts:
        by_byte = np.bincount(part, weights, minlength=bins).reshape(-1, 256)  # (high, low) bytes
        found += [by_byte.sum(axis=0) @ OF_BYTE, by_byte.sum(axis=1) @ OF_BYTE[: len(by_byte)]]
    return np.concatenate(found)[:columns]
