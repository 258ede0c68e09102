"""The versions of a model by ledger and registry, a line each."""

from __future__ import annotations

from collections.abc import Sequence

from slipway.lifecycle.ledger import LedgerEntry
from slipway.records import RegistryState


def versions(state: RegistryState, entries: Sequence[LedgerEntry], metric: str) -> list[dict[str, str]]:
    """Return one line a version, newest first, all text: its last event and its present state.

    Args:
        state: The registry's present state. A registered version without an entry has a line too.
        entries: The ledger's entries of the model, oldest first.
        metric: The figure to show, of the test rows.
    """
    latest = {entry.version: entry for entry in entries}
    return [_line(version, state, latest.get(version), metric) for version in sorted(state.stages.keys() | latest.keys(), reverse=True)]


def _line(version: int, state: RegistryState, entry: LedgerEntry | None, metric: str) -> dict[str, str]:
    aliases = sorted(alias for alias, holder in state.aliases.items() if holder == version)
    line = {"version": str(version), "aliases": ", ".join(aliases), "stage": state.stages.get(version, "no longer registered")}
    if entry is None:
        return line | dict.fromkeys(("last event", "at", "who", "why", metric, "rows", "run"), "")
    return line | {
        "last event": entry.event,
        "at": entry.at[:19].replace("T", " "),
        "who": entry.who,
        "why": entry.why,
        metric: figure(entry, metric),
        "rows": rows(entry),
        "run": entry.run_url or "",
    }


def figure(entry: LedgerEntry, metric: str | None) -> str:
    """Return a figure of the test rows to four places; "" if the entry has none of that name."""
    value = entry.metrics.get(metric or "")
    return "" if value is None else f"{value:.4f}"


def rows(entry: LedgerEntry) -> str:
    """Return the first digits of the data set's sha256, and whether its rows were generated."""
    return ("sample " if entry.sample else "") + entry.data_sha256[:12]
