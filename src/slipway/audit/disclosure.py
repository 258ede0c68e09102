"""Decrypted subject ids, for callers with the role `audit`. Every disclosure is logged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slipway.audit.acts import record_act
from slipway.audit.errors import AuditError
from slipway.audit.places import COMMAND_PATIENCE, Place
from slipway.audit.reading import Line
from slipway.audit.subjects.key_file import KeyFile


def pseudonyms(home: Path, place: Place, who: str, subject: str, patience: float = COMMAND_PATIENCE) -> list[str]:
    """Log a search for a subject, and return the pseudonyms that find its lines; none if no id was ever logged. See `record_act`.

    Raises:
        AuditError: The search cannot be logged, or the keys cannot be read.
    """
    ring = KeyFile(home).ring()
    if ring is None:
        return []
    found = ring.pseudonyms(subject)
    record_act(place, who, "looked for a subject", f"pseudonym {found[-1]}", patience)
    return found


def reveal(home: Path, place: Place, who: str, lines: Sequence[Line], patience: float = COMMAND_PATIENCE) -> dict[str, str]:
    """Log the disclosure, and return the subject id of each line that has one, by prediction id.

    The caller checks before that `who` has the role.

    Raises:
        AuditError: The disclosure cannot be logged, a key is missing, or a line was altered; no id is returned.
    """
    sealed = [line for line in lines if line.subject and line.subject_key]
    if not sealed:
        return {}
    ring = KeyFile(home).ring()
    if ring is None:
        raise AuditError(f"{KeyFile(home).path} is missing, so no subject id can be opened: restore the file.")
    record_act(place, who, "revealed subject ids", " ".join(line.prediction_id for line in sealed), patience)
    return {line.prediction_id: ring.open(line.subject or "", line.subject_key or "", line.prediction_id) for line in sealed}
