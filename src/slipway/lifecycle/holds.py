"""Persons before automations: what a person took away, no automation puts back until a person says so.

A person's rollback and a person's rejection hold automations back. A person's promotion ends that, and so does `slipway resume`.
"""

from __future__ import annotations

from collections.abc import Sequence

from slipway.errors import RollbackError
from slipway.lifecycle import record
from slipway.lifecycle.ledger import Ledger, LedgerEntry, LedgerEvent
from slipway.lifecycle.record import InService
from slipway.records import Origin
from slipway.settings import Settings

HOLDS: frozenset[LedgerEvent] = frozenset({"rolled back", "rejected"})
ENDS_A_HOLD: frozenset[LedgerEvent] = frozenset({"promoted", "resumed"})
NO_PERSON = ("slipway", "nobody")  # who rejects an outdated approval, and one that nobody answered


def hold(entries: Sequence[LedgerEntry]) -> LedgerEntry | None:
    """Return the person's decision that holds automations back; None if there is none.

    Args:
        entries: The ledger's entries of the model, oldest first.
    """
    for entry in reversed(entries):
        if entry.event in HOLDS | ENDS_A_HOLD and _by_a_person(entry):
            return entry if entry.event in HOLDS else None
    return None


def why_held(entries: Sequence[LedgerEntry], now: InService | None) -> str:
    """Return in words what holds automations back; "" if nothing does.

    Args:
        now: What is in service. If this ledger does not know it, a person's decision may be missing too.
    """
    if (held := hold(entries)) is None:
        return _lost(entries, now)
    what = f"rolled back to version {held.version}" if held.event == "rolled back" else f"rejected version {held.version}"
    return f"{held.who} {what} at {held.at[:16].replace('T', ' ')} UTC: {held.why}"


def _lost(entries: Sequence[LedgerEntry], now: InService | None) -> str:
    if now is None or not now.served or now.entry or any(entry.event == "resumed" for entry in entries):
        return ""
    return f"the ledger has no line about version {now.version}, which is in service; it was removed, or replaced by another"


def resume(model: str, because: str, settings: Settings, origin: Origin) -> str:
    """Write into the ledger that automations may promote again. Return in words what held them back; "" if nothing did.

    Raises:
        RollbackError: Nothing was ever in service.
    """
    ledger = Ledger(settings.ledger)
    entries = ledger.history(model)
    now = record.of_entries(model, entries, settings)
    if not (held := why_held(entries, now)):
        return ""
    if now is None:
        raise RollbackError(f"{model} has no version in service. `slipway release {model}` puts one into service.")
    ledger.append(record.line("resumed", now, because, origin))
    return held


def _by_a_person(entry: LedgerEntry) -> bool:
    return entry.who not in NO_PERSON and Origin(started_by=entry.started_by).person
