"""The answers to the rows of a chunk, from a bundle or an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from slipway.bundle.contract import Contract
from slipway.problems.serving import Answer


@dataclass(frozen=True, slots=True)
class ChunkAnswers:
    """n labels, (n, classes) probabilities or (n, 2) ends of intervals, the version that gave each, and their ids in the audit log.

    The ids are None if the answers are not logged.
    """

    labels: Sequence[Answer]
    probabilities: npt.NDArray[np.float64]
    versions: Sequence[int | None]
    prediction_ids: Sequence[str] | None


class Answerer(Protocol):
    """A version in service that answers rows. `bundle_sha256` is the checksum of the bundle's manifest, None if it is unknown."""

    contract: Contract
    bundle_sha256: str | None
    logs: bool  # whether its answers are in the audit log

    def answer(self, columns: dict[str, Any], subjects: Sequence[str | None] | None = None) -> ChunkAnswers:
        """Return the answers to n >= 1 rows that keep the contract, given by column; `subjects` go to the audit log."""
        ...
