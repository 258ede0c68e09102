"""Shapley values of a game whose every coalition is known: Shapley 1953, "A value for n-person games"."""

from __future__ import annotations

from math import comb

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def values(game: Floats) -> Floats:
    """Return the (n,) values of n players.

    Args:
        game: (2 ** n,) what each coalition is worth; bit i of its place says whether player i is in it.
    """
    players = len(game).bit_length() - 1
    coalitions = np.arange(len(game))
    sizes = np.bitwise_count(coalitions).astype(np.intp)
    weights = np.array([1 / (players * comb(players - 1, size)) for size in range(players)])
    found = np.empty(players)
    for player in range(players):
        without = coalitions[coalitions >> player & 1 == 0]
        found[player] = weights[sizes[without]] @ (game[without | 1 << player] - game[without])
    return found
