"""The reason that a person gives for a rollback or a promotion."""

from __future__ import annotations

from slipway.errors import RollbackError


def reason(because: str, of: str = "rollback", such_as: str = "refuses every row since noon") -> str:
    """Return the reason, with its spaces tidied.

    Raises:
        RollbackError: It is blank.
    """
    if text := " ".join(because.split()):
        return text
    raise RollbackError(f"a {of} needs a reason for the ledger, and none was given. Give one: --because '{such_as}'.")
