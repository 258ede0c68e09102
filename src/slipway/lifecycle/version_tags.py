"""The latest ledger entry of a version, as tags on its page in MLflow. The tags are for reading; only the ledger counts.

| tag | what it says |
|---|---|
| `slipway.last_event` | promoted, challenging, refused, undone, rolled back, approved or rejected |
| `slipway.last_event_at`, `_by`, `_why`, `_run` | when (ISO 8601, UTC), who, why, and the page of the run, if any |
| `slipway.replaced` | on a version that was in service: by which version, when, and whether by a rollback; removed when it is back |
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from slipway.lifecycle.ledger import IN_SERVICE, LedgerEntry

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

LAST_EVENT, REPLACED = "slipway.last_event", "slipway.replaced"
LONGEST = 2_000  # characters; MLflow takes more, but nobody reads a page of it


def mirror(client: MlflowClient, registered_as: str, entry: LedgerEntry) -> None:
    """Tag the version of an entry, and the one it replaced. A failure of MLflow is only logged: the event has happened."""
    from mlflow.exceptions import MlflowException

    try:
        for key, value in _about(entry).items():
            client.set_model_version_tag(registered_as, str(entry.version), key, value[:LONGEST])
        if entry.event in IN_SERVICE:
            _tag_replaced(client, registered_as, entry)
    except MlflowException as error:
        logger.warning("%s version %d: the ledger has it, but its tags in MLflow were not written: %s", entry.model, entry.version, error)


def _about(entry: LedgerEntry) -> dict[str, str]:
    return {
        LAST_EVENT: entry.event,
        f"{LAST_EVENT}_at": entry.at,
        f"{LAST_EVENT}_by": entry.who,
        f"{LAST_EVENT}_why": entry.why,
        f"{LAST_EVENT}_run": entry.run_url or "",
    }


def _tag_replaced(client: MlflowClient, registered_as: str, entry: LedgerEntry) -> None:
    if REPLACED in client.get_model_version(registered_as, str(entry.version)).tags:
        client.delete_model_version_tag(registered_as, str(entry.version), REPLACED)
    if entry.previous is not None and entry.previous != entry.version:
        how = "a rollback to " if entry.event == "rolled back" else ""
        client.set_model_version_tag(registered_as, str(entry.previous), REPLACED, f"by {how}version {entry.version} at {entry.at}")
