"""What comes back for the rows of a chunk, whoever answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from slipway.bundle.contract import ClassLabel, Contract


@dataclass(frozen=True, slots=True)
class Answers:
    """n labels, (n, classes) probabilities, the version that gave each, and its id in the audit log; None where none was logged."""

    labels: Sequence[ClassLabel]
    probabilities: npt.NDArray[np.float64]
    versions: Sequence[int | None]
    prediction_ids: Sequence[str] | None


class Answerer(Protocol):
    """A version in service that can be asked. `bundle_sha256` is of the bundle's manifest, None where it is not known here."""

    contract: Contract
    bundle_sha256: str | None
    logs: bool  # whether what it answers is in the audit log

    def answer(self, columns: dict[str, Any], subjects: Sequence[str | None] | None = None) -> Answers:
        """Return the answers to n rows, n >= 1, that keep the contract, given by column; `subjects` go to the audit log."""
        ...
