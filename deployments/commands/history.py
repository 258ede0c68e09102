"""`slipway history`, `slipway data` and `slipway reconcile`: what was released, from which rows, and whether MLflow follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from deployments.terminal.command import AsJson, ModelArgument, command, complete_model
from deployments.terminal.output import say, show, show_json, show_table

if TYPE_CHECKING:
    from slipway.data.admission.listing import SnapshotLine
    from slipway.lifecycle.ledger import LedgerEntry
    from slipway.records import SnapshotDifference
    from slipway.settings import Settings


def history(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A model of the catalogue; all models if left out.", autocompletion=complete_model),
    ] = None,
    last: Annotated[int | None, typer.Option("--last", min=1, metavar="N", help="Only the newest N entries.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show promotions, challengers, refusals, approvals, rollbacks and undone steps, oldest first.

    The figure is the model's metric on the test rows; `rows` are the first digits of the data set's sha256. --json has all of it.

    For example: slipway history heart-failure --last 5
    """
    with command(as_json) as settings:
        from slipway.catalogue import listings

        if name is not None:
            name = listings().lookup(name).service  # a challenger's versions are written down with those of the model it challenges

        from slipway.lifecycle.ledger import Ledger

        entries = Ledger(settings.ledger).history(name, last)
        if as_json:
            show_json([entry.model_dump(mode="json") for entry in entries])
        elif entries:
            _show(entries, of_one=name is not None)
        elif name:
            show(f"{name} was never released here; `slipway release {name}` does that.")
        else:
            show("nothing was released here yet; `slipway release NAME` does that, and `slipway models` lists the names.")


def data(
    name: ModelArgument,
    diff: Annotated[
        tuple[str, str] | None, typer.Option("--diff", metavar="A B", help="Compare two snapshots, by the first digits of their sha256.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the snapshots of a model's rows, oldest first: how each differs from the one before it, and which versions learnt from it.

    Rows are compared by the columns that the model uses. --json has the whole comparison.

    For example: slipway data heart-failure --diff 948420b0 77ab01c2
    """
    with command(as_json) as settings:
        from slipway.catalogue import listings

        listings().lookup(name)
        say(f"{name}: {'two snapshots are' if diff else 'the snapshots in the home folder are'} compared")

        from slipway.catalogue import lookup
        from slipway.data.admission import listing

        spec = lookup(name)
        if diff:
            from slipway.data.admission.gate import compare

            found = compare(spec, *(listing.named(spec, settings.snapshots, digits) for digits in diff))
            show_json(found.model_dump(mode="json")) if as_json else _show_difference(found)
            return
        lines = listing.lines(spec, settings.snapshots, _learnt(spec.service, settings))
        if as_json:
            show_json([line.model_dump(mode="json") for line in lines])
        elif lines:
            _show_snapshots(lines)
        else:
            show(f"{name} has no snapshot here yet; `slipway release {name}` makes one.")


def reconcile(
    name: ModelArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what disagrees, and change nothing.")] = False,
    started_by: Annotated[str, typer.Option(hidden=True)] = "shell",
    as_json: AsJson = False,
) -> None:
    """Have alias and stage in MLflow say what is in service. A promotion that a killed run left half-done is undone first.

    Exit status: 0 they agree, now or already; 3 something disagrees that this command cannot put in line, or it was a dry run.

    For example: slipway reconcile heart-failure --dry-run
    """
    with command(as_json) as settings:
        from slipway.catalogue import listings

        model = listings().served(name).name
        say(f"records of {model}: the gateway's, the ledger's and MLflow's are compared")

        from slipway.catalogue import served
        from slipway.lifecycle import mirroring
        from slipway.lifecycle.locking import exclusive
        from slipway.records import Origin

        spec = served(model)
        with exclusive(model, settings):
            mended, left = mirroring.reconcile(spec, settings, Origin(started_by=started_by), dry_run=dry_run)
        if as_json:
            show_json({"model": model, "mended": mended, "left": left})
        else:
            for what in mended:
                show(f"put in line: {what}")
            for what in left:
                show(f"disagrees: {what}")
            show(f"{model}: the records {'disagree' if left else 'agree'}")
        if left:
            raise typer.Exit(3)


def _started_by(entry: LedgerEntry) -> list[str]:
    """Return what started the run, unless that is the usual: a person at the shell, or nothing in an entry of an earlier Slipway."""
    return [entry.started_by] if entry.started_by not in ("", "shell") else []


def _show(entries: list[LedgerEntry], *, of_one: bool) -> None:
    """Print what belongs together below each other, so that an entry fits a terminal of 80 columns."""
    from slipway.catalogue import listings
    from slipway.lifecycle.history import figure, rows
    from slipway.lifecycle.ledger import IN_SERVICE

    models = listings()
    lines = []
    for entry in entries:
        metric = models[entry.model].metric if entry.model in models else None
        shown = figure(entry, metric)
        cells = [
            "\n".join([entry.at[:19].replace("T", " "), entry.who, *_started_by(entry)]),
            entry.event,
            f"{entry.previous or 'none'} -> {entry.version}" if entry.event in IN_SERVICE else str(entry.version),
            f"{metric} {shown}\n{rows(entry)}" if shown else rows(entry),
            entry.why,
            entry.run_url,
        ]
        lines.append(cells if of_one else [entry.model, *cells])
    columns = ("when, who, started by", "event", "version", "figure, rows", "why", "run")
    show_table(columns if of_one else ("model", *columns), lines)


def _learnt(model: str, settings: Settings) -> dict[str, list[int]]:
    """Return the versions that learnt from rows, by the checksum of these."""
    from slipway.lifecycle.ledger import Ledger

    found: dict[str, list[int]] = {}
    for entry in Ledger(settings.ledger).history(model):
        if entry.version not in (versions := found.setdefault(entry.data_sha256, [])):
            versions.append(entry.version)
    return found


def _show_snapshots(lines: list[SnapshotLine]) -> None:
    """Print a line for each snapshot."""
    rows = []
    for line in lines:
        found, learnt = line.difference, next((part.learnt for part in line.parts if part.learnt), None)
        kinds = ", ".join(part.kind for part in line.parts) or ("sample" if line.sample else "")
        rows.append(
            [
                line.sha256[:12] if line.whole else f"{line.file.name} is damaged",
                kinds,
                None if line.rows is None else f"{line.rows:,}",
                f"{found.added:,}" if found else f"{learnt.new:,}" if learnt else None,
                f"{found.gone:,}" if found else None,
                None if found is None or found.changed is None else f"{found.changed:,}",
                line.read[:16].replace("T", " "),
                ", ".join(map(str, line.versions)),
            ]
        )
    show_table(("snapshot", "kind", "rows", "added", "gone", "changed", "read", "versions"), rows)


def _show_difference(found: SnapshotDifference) -> None:
    """Print two snapshots beside each other: the counts, then the columns that differ."""
    from slipway.data.admission import words

    show(f"{found.later[:12]} beside the earlier {found.earlier[:12]}")
    show_table(("", "before", "now"), words.counts(found))
    if columns := words.columns(found):
        show()
        show_table(words.COLUMNS, columns)
