"""`slipway history`: the ledger, for people and for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from deployments.terminal.failing import told
from deployments.terminal.printing import out, show_json, show_table

if TYPE_CHECKING:
    from slipway.lifecycle.ledger import LedgerEntry


def history(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A model of the catalogue; all models if left out.")] = None,
    last: Annotated[int | None, typer.Option("--last", min=1, metavar="N", help="Only the newest N entries.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts, and nothing else to the standard output.")] = False,
) -> None:
    """Show promotions, challengers, refusals, approvals, rollbacks and what was undone, oldest first.

    The figure is the model's metric on the test rows; `rows` are the first digits of the data set's sha256. --json has all of it.

    For example: slipway history heart-failure --last 5
    """
    with told(as_json) as settings:
        from slipway.catalogue import listings
        from slipway.lifecycle.ledger import Ledger

        if name is not None:
            name = listings().lookup(name).service  # a challenger's versions are written down with those of the model it challenges
        entries = Ledger(settings.ledger).history(name, last)
        if as_json:
            show_json([entry.model_dump(mode="json") for entry in entries])
        elif entries:
            _show(entries, of_one=name is not None)
        elif name:
            out.print(f"{name} was never released here; `slipway release {name}` does that.")
        else:
            out.print("nothing was released here yet; `slipway release NAME` does that, and `slipway models` lists the names.")


def _show(entries: list[LedgerEntry], *, of_one: bool) -> None:
    """Print what belongs together below each other, so that an entry fits a terminal of 80 columns."""
    from rich.markup import escape

    from slipway.catalogue import listings
    from slipway.lifecycle.history import figure, rows
    from slipway.lifecycle.ledger import IN_SERVICE

    models = listings()
    lines = []
    for entry in entries:
        metric = models[entry.model].metric if entry.model in models else None
        shown = figure(entry, metric)
        cells = [
            f"{entry.at[:19].replace('T', ' ')}\n{escape(entry.who)}",
            entry.event,
            f"{entry.previous or 'none'} -> {entry.version}" if entry.event in IN_SERVICE else str(entry.version),
            f"{metric} {shown}\n{rows(entry)}" if shown else rows(entry),
            escape(entry.why) + (f"\n{entry.run_url}" if entry.run_url else ""),
        ]
        lines.append(cells if of_one else [entry.model, *cells])
    columns = ("when, who", "event", "version", "figure, rows", "why, run")
    show_table(columns if of_one else ("model", *columns), lines)
