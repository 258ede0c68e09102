"""Split the requests between champion and challenger. One version answers all rows of a request."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from slipway.gateway.bodies.shapes import Columns
from slipway.rows.subjects import Subjects

if TYPE_CHECKING:
    from slipway.bundle.deployment import Deployment
    from slipway.problems.serving import Answer


@dataclass(frozen=True, slots=True)
class Challenger:
    """A proven version that is tried beside a champion. `champion` is the installation that it can be compared with."""

    deployment: Deployment
    share: float
    champion: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One request, and the challenger that may answer it. A request may name the `version` that is to answer, such as a smoke test."""

    challenger: Challenger
    request_id: str
    version: str = ""

    def answer(self, columns: Columns, subjects: Subjects) -> tuple[list[Answer], list[list[float]]] | None:
        """Return the challenger's labels and probabilities, or None if the champion must answer: by its share, or because this failed."""
        if not self._is_wanted(subjects):
            return None
        try:
            return self.challenger.deployment.predict(columns)
        except Exception:  # it fails again as the champion's shadow, which logs and counts it
            return None

    def _is_wanted(self, subjects: Subjects) -> bool:
        if self.version:
            return self.version == str(self.challenger.deployment.contract.version)
        return bool(self.challenger.share) and self._is_challengers(subjects)

    def _is_challengers(self, subjects: Subjects) -> bool:
        """Decide by the subject, if the rows have one, so that the same version answers about a patient during the whole challenge.

        The hash is keyed by the challenger's run: another challenger gets other patients, and one with a larger share keeps its own.
        """
        persons = set(subjects) - {None}
        by = persons.pop() if len(persons) == 1 else self.request_id
        digest = blake2b((by or "").encode(), digest_size=8, key=self.challenger.deployment.contract.run_id.encode()[:64]).digest()
        return int.from_bytes(digest) < self.challenger.share * 2**64
