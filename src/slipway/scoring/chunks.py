"""The rows of a source, some at a time, as Arrow's columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from slipway.rows.checks import Violation

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a source.

    `cells` is a record batch of n rows. `rows` (n,) are their numbers in the source, from 0. `broken` are the rows with more or fewer
    cells than the header has names; they are not in `cells`. `read` is the share of the source that was read so far, 0 to 1.
    """

    rows: Numbers
    cells: Any
    read: float
    broken: Sequence[Violation] = field(default=())


class Source(Protocol):
    """A file of rows. If `spelled`, all cells are texts, and a text may spell a number; otherwise a text is never a number."""

    schema: Any
    spelled: bool

    def chunks(self, wanted: Sequence[str], size: int) -> Iterator[Chunk]:
        """Yield all rows in order, at most `size` at a time, with the wanted columns."""
        ...
