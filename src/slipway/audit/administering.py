"""Acts of administration, logged by the commands that do them."""

from __future__ import annotations

import getpass
import socket

from slipway.audit.databases.tables import ADMINISTRATION
from slipway.audit.lines import Administered
from slipway.audit.places import Place, opened


def administered(place: Place, who: str, what: str, about: str) -> None:
    """Log that `who` did `what` ("revoked a key") to a user, key or model, and return when that is committed.

    Args:
        place: The home folder, or the address of the log's database.
        about: To whom or what it was done; no secret, and no subject id.
    Raises:
        AuditError: The line cannot be written. What must not happen unlogged is done after this call.
    """
    with opened(place) as store, store.transaction():
        store.insert({ADMINISTRATION: Administered(who, what, about).rows(None)})


def myself() -> str:
    """Return who runs this process, as the ledger names them."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
