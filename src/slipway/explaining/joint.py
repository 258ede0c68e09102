"""Columns of the contract that derived columns are made of together, and the leaves that ask about these derived columns.

Whether a way is open depends on all of the joint columns, so each mix of them is looked at: bit i of a mix says that joint column i is the
row's, and not the background's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from slipway.explaining.bands import Bands, Cells, Flags, Sets, word_for
from slipway.explaining.paths import Conditions
from slipway.explaining.patterns import Bits, flagged


@dataclass(frozen=True, slots=True)
class Joint:
    """The joint columns at some `places` of the contract.

    Args:
        keeping: For each of them the background rows that keep the conditions about it, by leaf; None if there are none.
        bands: The conditions about each derived column, by leaf.
        of_mix: For each of these the mix of its own columns that a mix of all is.
        background: For each of these the background rows that keep its conditions, by leaf.
    """

    places: tuple[int, ...]
    keeping: tuple[Sets | None, ...]
    bands: tuple[Bands, ...]
    of_mix: tuple[tuple[int, ...], ...]
    background: tuple[Sets, ...]

    @classmethod
    def of(
        cls,
        places: Sequence[int],
        features: Mapping[int, Sequence[int]],
        derived: Conditions,
        background: Mapping[int, Cells],
        by_row: Sequence[Sequence[Bits]],
        asked: Collection[int],
    ) -> Joint:
        """Return the joint columns of leaves.

        Args:
            features: The derived columns, and the places of the columns that each is made of.
            derived: The conditions of the leaves about these and others.
            background: For each derived column the (rows,) cells of the background.
            by_row: For each background row and word the (leaves,) columns in which it leaves the way.
            asked: The places of columns that some leaf asks about, apart from derived columns.
        """
        leaves = len(by_row[0][0])
        bands = [Bands.of(derived, feature, leaves) for feature in features]
        return cls(
            places=tuple(places),
            keeping=tuple(_keeping(by_row, place) if place in asked else None for place in places),
            bands=tuple(bands),
            of_mix=tuple(_submixes(own, places) for own in features.values()),
            background=tuple(band.inside(background[band.feature][None])[0] for band in bands),
        )

    @property
    def reached(self) -> Sets:
        """The background rows that keep the way open by themselves, by leaf."""
        sets: Sets = np.bitwise_and.reduce([*(sets for sets in self.keeping if sets is not None), *self.background])
        return sets

    def opened(self, broken: Sequence[Bits], cells: Mapping[int, Cells]) -> Sets:
        """Return (mixes, leaves) sets of the background rows for which these columns keep the way open.

        Args:
            broken: For each word the (leaves,) columns in which the row leaves the way.
            cells: For each derived column its (mixes, rows) cells, where the mixes are of the columns that it is made of.
        """
        word = self.background[0].dtype.type
        found, every = np.empty((1 << len(self.places), len(broken[0])), dtype=word), word(np.iinfo(word).max)
        for number, (bands, of_mix, background) in enumerate(zip(self.bands, self.of_mix, self.background, strict=True)):
            mixed = cells[bands.feature]
            own = without(bands.broken(mixed[-1, 0]), word)  # the row's cell, whatever the background row
            known = [background, *bands.inside(mixed[1:-1]), own]
            for sets, of_band in zip(found, of_mix, strict=True):
                np.bitwise_and(sets if number else every, known[of_band], out=sets)
        for bit, (place, keeping) in enumerate(zip(self.places, self.keeping, strict=True)):
            if keeping is not None:
                kept = without(flagged(broken, place), word)
                for mix, sets in enumerate(found):
                    sets &= kept if mix >> bit & 1 else keeping
        return found


def without(flags: Flags, word: type[np.unsignedinteger]) -> Sets:
    """Return a set of no rows where there is a flag, and of all elsewhere."""
    sets: Sets = flags.astype(word) - word(1)
    return sets


def _keeping(by_row: Sequence[Sequence[Bits]], place: int) -> Sets:
    word = word_for(len(by_row))
    found = np.zeros(len(by_row[0][0]), dtype=word)
    for row, words in enumerate(by_row):
        found |= (~flagged(words, place)).astype(word) << word(row)
    return found


def _submixes(places: Sequence[int], joint: Sequence[int]) -> tuple[int, ...]:
    """Return for each mix of the joint columns the mix of those at some places."""
    bits = [joint.index(place) for place in places]
    return tuple(sum((mix >> bit & 1) << number for number, bit in enumerate(bits)) for mix in range(1 << len(joint)))


def connected(made_of: Mapping[int, Sequence[int]]) -> Iterator[tuple[list[int], dict[int, Sequence[int]]]]:
    """Yield the joint columns that derived columns tie together, in order, and these derived columns.

    Args:
        made_of: For each derived column the places of the columns that it is made of.
    """
    left = dict(made_of)
    while left:
        feature = next(iter(left))
        own = {feature: left.pop(feature)}
        places = set(own[feature])
        while touching := [other for other in left if places & set(left[other])]:
            for other in touching:
                own[other] = left.pop(other)
                places |= set(own[other])
        yield sorted(places), own
