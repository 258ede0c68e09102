"""Which columns of the contract break the way to a leaf, as bits: bit 0 is the first column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slipway.explaining.nodes import Whole
from slipway.explaining.paths import Conditions

Bits = npt.NDArray[np.unsignedinteger]
LARGEST = 64  # bits of a word; more columns have several words
WORDS: tuple[type[np.unsignedinteger], ...] = (np.uint8, np.uint16, np.uint32, np.uint64)


@dataclass(frozen=True, slots=True)
class Patterns:
    """The conditions of `leaves` leaves, and the bit of the column that each is about: `bits` has a part for each word."""

    conditions: Conditions
    bits: tuple[Bits, ...]
    leaves: int
    begins: Whole

    @classmethod
    def of(cls, conditions: Conditions, place: Whole, leaves: int, columns: int) -> Patterns:
        """Return the patterns of conditions, each about the column at its `place` among `columns`."""
        word = next((word for word in WORDS if columns <= np.iinfo(word).bits), WORDS[-1])
        bits = np.left_shift(word(1), (place % LARGEST).astype(word))
        parts = (np.where(place // LARGEST == part, bits, word(0)) for part in range(-(-max(columns, 1) // LARGEST)))
        begins = np.flatnonzero(np.diff(conditions.leaf, prepend=-1))
        return cls(conditions, tuple(parts), leaves, begins)

    def broken(self, cells: npt.NDArray[np.floating]) -> list[Bits]:
        """Return for each word the (leaves,) columns in which one row of the matrix leaves the way."""
        wrong, at = self.conditions.broken(cells), self.conditions.leaf[self.begins]
        found = []
        for bits in self.bits:
            words = np.zeros(self.leaves, dtype=bits.dtype)
            if len(at):
                words[at] = np.bitwise_or.reduceat(bits * wrong, self.begins)
            found.append(words)
        return found


def counted(words: Sequence[Bits]) -> Whole:
    """Return the number of columns in each pattern."""
    count: Whole = np.sum([np.bitwise_count(word) for word in words], axis=0, dtype=np.intp)
    return count


def spread(words: Sequence[Bits], columns: int) -> npt.NDArray[np.float64]:
    """Return (patterns, columns) ones and zeros."""
    parts = [np.unpackbits(word[:, None].view(np.uint8), axis=1, bitorder="little") for word in words]
    return np.concatenate(parts, axis=1)[:, :columns].astype(np.float64)
