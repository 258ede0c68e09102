"""Acts of administration, logged by the commands that perform them."""

from __future__ import annotations

import getpass
import socket

from slipway.audit.databases.tables import ADMINISTRATION
from slipway.audit.lines import Administered
from slipway.audit.places import COMMAND_PATIENCE, Place, opened


def record_act(place: Place, who: str, what: str, about: str, patience: float = COMMAND_PATIENCE) -> None:
    """Log that `who` did `what` ("revoked a key") to a user, key or model, and return when the line is committed.

    Call it before an act that must not happen unlogged.

    Args:
        place: The home folder, or the address of the log's database.
        about: The user, key or model; no secret, and no subject id.
        patience: Seconds to wait for another program that writes to the log.
    Raises:
        AuditError: The line cannot be written.
    """
    with opened(place, patience) as store, store.transaction():
        store.insert({ADMINISTRATION: Administered(who, what, about).rows(None)})


def myself() -> str:
    """Return the operator who runs this process, as the ledger names operators."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
