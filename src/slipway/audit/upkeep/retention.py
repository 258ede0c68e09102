"""Delete old lines, by command only. Acts of administration are kept, so that the log shows what was deleted, and by whom.

Outcomes are as old as their prediction, no matter when they were sent.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from slipway.audit.acts import record_act
from slipway.audit.by_id import matching
from slipway.audit.databases.tables import BATCHES, EXPLANATIONS, OUTCOMES, PREDICTIONS, REFUSALS, SHADOWS, Store, Table
from slipway.audit.lines import iso
from slipway.audit.places import Place, missing, opened

# Shadows and explanations have the times of their predictions, and are deleted first, so that none is left without its prediction.
DELETED = (SHADOWS, EXPLANATIONS, PREDICTIONS, BATCHES, REFUSALS)
AT_ONCE = 2_000
BATCHES_AT_ONCE = 50  # each has many rows
PAUSE = 0.02  # seconds between two transactions, for the gateway to write


def prune(place: Place, before: datetime, who: str) -> dict[str, int]:
    """Delete predictions with their shadows, explanations and outcomes, and refused requests, from before a time.

    Return the number of deleted lines by table.

    A line of batches is a request of many rows. If this is killed, the oldest part is deleted and the log says that it began: run it again.

    Raises:
        AuditError: The log cannot be written; lines deleted so far stay deleted.
    """
    if missing(place):
        return {table.name: 0 for table in (OUTCOMES, *DELETED)}
    until = before.astimezone(UTC).isoformat(timespec="milliseconds")
    record_act(place, who, "began to delete old lines", f"from before {until}")
    with opened(place) as store:
        deleted = {OUTCOMES.name: _delete_outcomes(store, until)}
        deleted |= {table.name: _delete(store, table, until) for table in DELETED}
        store.wipe()
    counts = ", ".join(f"{number} {name}" for name, number in deleted.items())
    record_act(place, who, "deleted old lines", f"from before {until}: {counts}")
    return deleted


def _delete(store: Store, table: Table, until: str) -> int:
    at_once = BATCHES_AT_ONCE if table is BATCHES else AT_ONCE
    some = f"SELECT {table.key} FROM {table.name} WHERE time < ? LIMIT {at_once}"  # noqa: S608
    deleted = 0
    while True:
        with store.transaction("outcomes"):  # no outcome may be recorded for a prediction that is being deleted
            gone = store.change(f"DELETE FROM {table.name} WHERE {table.key} IN ({some})", [(until,)])  # noqa: S608
        deleted += gone
        if gone < at_once:
            return deleted
        time.sleep(PAUSE)


def _delete_outcomes(store: Store, until: str) -> int:
    """Delete the outcomes of predictions that are about to be deleted, and outcomes without a prediction."""
    deleted = last = 0
    while lines := store.rows("SELECT id, prediction_id FROM outcomes WHERE id > ? ORDER BY id LIMIT ?", (last, AT_ONCE)):
        last = lines[-1]["id"]
        kept = matching(store, (line["prediction_id"] for line in lines), "time >= ?", until)
        if old := [(line["id"],) for line in lines if line["prediction_id"] not in kept]:
            with store.transaction():
                deleted += store.change("DELETE FROM outcomes WHERE id = ?", old)
            time.sleep(PAUSE)
    return deleted


def days_ago(days: int) -> datetime:
    return datetime.fromisoformat(iso(time.time() - days * 86_400))
