"""Subject ids in the clear: for callers with the role `audit`, and never without a line about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slipway.audit.administering import administered
from slipway.audit.errors import AuditError
from slipway.audit.places import Place
from slipway.audit.reading import Line
from slipway.audit.subjects.key_file import KeyFile


def pseudonyms(home: Path, place: Place, who: str, subject: str) -> list[str]:
    """Return what to look for to find a subject's lines; none when no id was ever logged. That somebody looks is logged first.

    Raises:
        AuditError: That cannot be logged, or the keys cannot be read.
    """
    ring = KeyFile(home).ring()
    if ring is None:
        return []
    found = ring.pseudonyms(subject)
    administered(place, who, "looked for a subject", f"pseudonym {found[-1]}")
    return found


def reveal(home: Path, place: Place, who: str, lines: Sequence[Line]) -> dict[str, str]:
    """Return the subject id of each line that has one, by prediction id. Who sees which is logged first.

    Whether `who` may is for the caller to settle before.

    Raises:
        AuditError: That cannot be logged, a key is missing, or a line was altered; then none is returned.
    """
    sealed = [line for line in lines if line.subject and line.subject_key]
    if not sealed:
        return {}
    ring = KeyFile(home).ring()
    if ring is None:
        raise AuditError(f"{KeyFile(home).path} is missing, so no subject id can be opened: restore the file.")
    administered(place, who, "revealed subject ids", " ".join(line.prediction_id for line in sealed))
    return {line.prediction_id: ring.open(line.subject or "", line.subject_key or "", line.prediction_id) for line in sealed}
