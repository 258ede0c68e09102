"""Who answers a request where a challenger has a share of the traffic. A request is answered whole, by one version."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from slipway.gateway.bodies.shapes import Columns
from slipway.rows.subjects import Subjects

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment
    from slipway.problems.serving import ClassLabel


@dataclass(frozen=True, slots=True)
class Challenger:
    """A proven version that is tried beside one champion, by whose installation it is known that they can be compared."""

    deployment: Deployment
    share: float
    champion: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One request, and the challenger that may answer it."""

    challenger: Challenger
    request_id: str

    def answer(self, columns: Columns, subjects: Subjects) -> tuple[list[ClassLabel], list[list[float]]] | None:
        """Return the challenger's labels and probabilities, or None when the champion is to answer: it is its turn, or they failed."""
        if not self.challenger.share or not self._is_challengers(subjects):
            return None
        try:
            return self.challenger.deployment.predict(columns)
        except Exception:  # it fails once more as the champion's shadow, where that is logged and counted
            return None

    def _is_challengers(self, subjects: Subjects) -> bool:
        """Decide by the subject if there is one, so that a patient meets the same version as long as the challenge lasts.

        The hash is keyed by the challenger's run: another challenger meets other patients, and one whose share is raised keeps its own.
        """
        persons = set(subjects) - {None}
        by = persons.pop() if len(persons) == 1 else self.request_id
        digest = blake2b((by or "").encode(), digest_size=8, key=self.challenger.deployment.contract.run_id.encode()[:64]).digest()
        return int.from_bytes(digest) < self.challenger.share * 2**64
