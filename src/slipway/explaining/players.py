"""Which columns of the contract a cell of the prepared matrix is made of.

Columns of the contract have contributions, and not the cells that the preparation makes of them: all cells of a one-hot column change
together. A derived cell, such as the difference of two columns, depends on both.
"""

from __future__ import annotations

from itertools import pairwise

from slipway.bundle.engines.preparation import Block, FittedPreparation
from slipway.bundle.engines.steps import Average, Diff, Less, OneHot, Product

Names = frozenset[str]


def sources(preparation: FittedPreparation) -> list[Names]:
    """Return for each column of the matrix the names of the contract's columns that it is made of."""
    return [names for block in preparation.blocks for names in of_block(block)]


def of_block(block: Block) -> list[Names]:
    """Return the same for the columns of one block."""
    found = [frozenset([name]) for name in block.columns]
    for step in block.steps:
        match step:
            case OneHot():
                found = [names for names, values in zip(found, step.values, strict=True) for _ in values]
            case Diff():
                found = [one | other for one, other in pairwise(found)]
            case Less():
                found = [found[0], *(one | other for one, other in pairwise(found))]
            case Average() | Product():
                found = [frozenset().union(*found)]
    return found
