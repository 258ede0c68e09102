"""The latest line of the ledger about a version, as tags on its page in MLflow. The ledger is the truth; these are for looking.

| tag | what it says |
|---|---|
| `slipway.last_event` | promoted, challenging, refused, undone, rolled back, approved or rejected |
| `slipway.last_event_at`, `_by`, `_why`, `_run` | when (ISO 8601, UTC), who, why, and the page of the run, where there is one |
| `slipway.replaced` | on a version that was in service: by which version, when, and whether by a rollback; gone when it is back |
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from slipway.lifecycle.ledger import IN_SERVICE, Entry

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

LAST_EVENT, REPLACED = "slipway.last_event", "slipway.replaced"
LONGEST = 2_000  # characters; MLflow takes more, and a page that shows them is not read


def mirror(client: MlflowClient, registered_as: str, entry: Entry) -> None:
    """Tag the version that an entry is about, and the one it replaced. MLflow failing here is logged: what happened, happened."""
    from mlflow.exceptions import MlflowException

    try:
        for key, value in _about(entry).items():
            client.set_model_version_tag(registered_as, str(entry.version), key, value[:LONGEST])
        if entry.event in IN_SERVICE:
            _tell_replaced(client, registered_as, entry)
    except MlflowException as error:
        logger.warning("%s version %d: the ledger has it, but its tags in MLflow were not written: %s", entry.model, entry.version, error)


def _about(entry: Entry) -> dict[str, str]:
    return {
        LAST_EVENT: entry.event,
        f"{LAST_EVENT}_at": entry.at,
        f"{LAST_EVENT}_by": entry.who,
        f"{LAST_EVENT}_why": entry.why,
        f"{LAST_EVENT}_run": entry.run_url or "",
    }


def _tell_replaced(client: MlflowClient, registered_as: str, entry: Entry) -> None:
    if REPLACED in client.get_model_version(registered_as, str(entry.version)).tags:
        client.delete_model_version_tag(registered_as, str(entry.version), REPLACED)
    if entry.previous is not None and entry.previous != entry.version:
        how = "a rollback to " if entry.event == "rolled back" else ""
        client.set_model_version_tag(registered_as, str(entry.previous), REPLACED, f"by {how}version {entry.version} at {entry.at}")
