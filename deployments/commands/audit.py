"""`slipway audit`: what was answered and refused, who administered what, deleting old lines, replacing keys.

At the command line the operating system decides who can read the files. Subject ids take the role `audit` as well.
"""

from __future__ import annotations

import os
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.terminal.command import AsJson, command, fail
from deployments.terminal.groups import group
from deployments.terminal.output import say, show_json, show_table
from deployments.terminal.output import show as show_line

if TYPE_CHECKING:
    from slipway.access.callers import Caller
    from slipway.audit import Line, Place
    from slipway.settings import Settings

audit_app = group("audit", "The audit log: show it, delete old lines, replace its keys.")

Moment = Annotated[str | None, typer.Option(metavar="TIME", help="2026-11-01, 2026-11-01T08:00 (UTC), or 30m, 24h, 7d ago.")]
SHOWN = 60  # characters of a text in a table
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@audit_app.command()
def show(
    model: Annotated[str | None, typer.Option(help="Lines of this model only.")] = None,
    caller: Annotated[str | None, typer.Option(help="Lines of this caller only.")] = None,
    prediction: Annotated[str | None, typer.Option(metavar="ID", help="The line of this prediction.")] = None,
    subject: Annotated[str | None, typer.Option(metavar="ID", help="Lines about this person; - asks for the id. It is logged.")] = None,
    since: Moment = None,
    until: Moment = None,
    refused: Annotated[bool, typer.Option("--refused", help="Requests that were refused, instead of answers.")] = False,
    shadowed: Annotated[
        bool, typer.Option("--shadows", help="What the version that did not answer says, beside a challenger, instead.")
    ] = False,
    explained: Annotated[bool, typer.Option("--explanations", help="What each column added to an answer, instead.")] = False,
    acts: Annotated[bool, typer.Option("--administration", help="What was done to users, keys, models and the log, instead.")] = False,
    with_subjects: Annotated[bool, typer.Option("--reveal", help="Show subject ids: takes the role audit, and is logged.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Most lines.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show lines of the audit log, newest first.

    With --reveal, the API key or session token comes from SLIPWAY_API_KEY, or is asked for.

    For example: slipway audit show --model heart-failure --since 24h
    """
    if refused + acts + shadowed + explained > 1 or ((refused or acts) and (subject or prediction or with_subjects)):
        raise typer.BadParameter("--refused and --administration go with --model, --caller, --since, --until and --limit only.")
    if (shadowed or explained) and (subject or caller or with_subjects):
        name = "--shadows" if shadowed else "--explanations"
        raise typer.BadParameter(f"{name} goes with --model, --prediction, --since, --until and --limit only.")
    with command(as_json) as settings:
        from slipway.audit import Wanted, administration, explanations, predictions, refusals, shadows
        from slipway.audit.acts import myself
        from slipway.audit.disclosure import pseudonyms

        place = _place(settings)
        if subject == "-":  # the command line is in the shell's history and the list of processes
            subject = typer.prompt("Subject id", hide_input=True, err=True)
        found = None if subject is None else pseudonyms(settings.home, place, myself(), subject)
        wanted = Wanted(
            model=model, caller=caller, prediction_id=prediction, pseudonyms=found, since=_moment(since), until=_moment(until), limit=limit
        )
        if refused:
            _show([asdict(line) for line in refusals(place, wanted)], as_json, hidden=("request_id",))
        elif shadowed:
            _show([asdict(line) for line in shadows(place, wanted)], as_json, hidden=("run_id", "probabilities"))
        elif explained:
            _show([asdict(line) for line in explanations(place, wanted)], as_json, hidden=("run_id",))
        elif acts:
            _show([asdict(act) for act in administration(place, wanted)], as_json)
        else:
            lines = predictions(place, wanted)
            opened = _revealed(settings, lines) if with_subjects else None
            _show([_row(line, opened) for line in lines], as_json, hidden=("request_id", "run_id", "probabilities", "address"))


@audit_app.command("prune")
def prune_lines(
    older_than: Annotated[
        str | None, typer.Option(metavar="DAYS", help="As 400d. If left out, SLIPWAY_AUDIT_RETENTION_DAYS.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Delete predictions and refused requests that are older than so many days. They are gone; that they were deleted is logged.

    For example: slipway audit prune --older-than 400d
    """
    with command(as_json) as settings:
        from slipway.audit.acts import myself
        from slipway.audit.upkeep.retention import days_ago, prune

        deleted = prune(_place(settings), days_ago(_days(older_than, settings)), myself())
        if as_json:
            show_json(deleted)
        else:
            beside = f", and {deleted['shadows']} answers that were kept for comparison" if deleted["shadows"] else ""
            beside = (f", {deleted['explanations']} explanations" if deleted["explanations"] else "") + beside
            beside = (f", {deleted['outcomes']} outcomes" if deleted["outcomes"] else "") + beside
            beside = (f", {deleted['batches']} requests of many" if deleted["batches"] else "") + beside
            say(f"deleted {deleted['predictions']} predictions and {deleted['refusals']} refused requests{beside}")


@audit_app.command("rotate-keys")
def rotate_keys(
    new_pseudonyms: Annotated[
        bool, typer.Option("--pseudonyms", help="Replace the key of pseudonyms too: they then differ from those in earlier reports.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Encrypt subject ids with a new key, those in the log too, and delete the old key. If it is stopped, run it again.

    For example: slipway audit rotate-keys
    """
    with command(as_json) as settings:
        from slipway.audit.acts import myself
        from slipway.audit.upkeep.rotation import rotate

        done = rotate(settings.home, _place(settings), myself(), pseudonyms=new_pseudonyms)
        if as_json:
            show_json(asdict(done))
        else:
            begun = " (a rotation that was stopped has been finished)" if done.resumed else ""
            say(f"{done.lines} subject ids are encrypted with the new key{begun}")
        if done.unreadable:
            fail("AuditError", f"{done.unreadable} lines could not be opened and were left as they are, so the old keys are kept.")


def _place(settings: Settings) -> Place:
    return settings.audit_url or settings.home


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    if ago := re.fullmatch(r"(\d{1,6})([mhd])", text):
        return datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"expected a time as 2026-11-01, 2026-11-01T08:00, 30m, 24h or 7d, received {text!r}.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _days(text: str | None, settings: Settings) -> int:
    if text is None and settings.audit_retention_days:
        return settings.audit_retention_days
    if not (found := re.fullmatch(r"([1-9]\d{0,4})d", text or "")):
        received = f"received {text!r}" if text else "and SLIPWAY_AUDIT_RETENTION_DAYS is not set"
        raise typer.BadParameter(f"expected a number of days as 400d, {received}.", param_hint="--older-than")
    return int(found[1])


def _revealed(settings: Settings, lines: list[Line]) -> dict[str, str]:
    """Return the subject ids, when the caller may see those of every model that occurs."""
    from slipway.audit import record_act
    from slipway.audit.disclosure import reveal

    caller = _caller(settings)
    for model in sorted({line.model for line in lines}):
        if not caller.may("audit", model):
            record_act(_place(settings), str(caller), "was refused subject ids", model)
        caller.require("audit", model)
    return reveal(settings.home, _place(settings), str(caller), lines)


def _caller(settings: Settings) -> Caller:
    import asyncio

    from slipway.access.gatekeeper import Gatekeeper

    # From the environment only: the key that `slipway up` keeps is the platform's own, and sees no subject.
    key = os.environ.get("SLIPWAY_API_KEY") or typer.prompt("API key or session token", hide_input=True, err=True)

    async def authenticated() -> Caller:
        gatekeeper = Gatekeeper(settings.home)
        try:
            return await gatekeeper.authenticate(b"Bearer " + key.strip().encode())
        finally:
            gatekeeper.close()

    return asyncio.run(authenticated())


def _row(line: Line, opened: dict[str, str] | None) -> dict[str, Any]:
    """Return a line as it is shown, without the encrypted id."""
    row = asdict(line)
    row["subject"] = None if opened is None else opened.get(line.prediction_id)
    del row["subject_key"]
    return row


def _show(rows: list[dict[str, Any]], as_json: bool, hidden: tuple[str, ...] = ()) -> None:
    if as_json:
        show_json(rows)
    elif not rows:
        show_line("the log has no such lines.")
    else:
        columns = [name for name in rows[0] if name not in hidden and any(row[name] not in (None, "") for row in rows)]
        show_table(columns, [[_cell(name, row[name]) for name in columns] for row in rows])


def _cell(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if name == "time":
        return str(value)[:23].replace("T", " ")
    if name == "pseudonym":
        return str(value)[:12]
    if name == "row" and isinstance(value, list | tuple):
        return str([_shortened(cell) for cell in value])
    if name == "explanation":
        added = ", ".join(f"{one:+.3g}" for one in value["contributions"])
        return f"{value['scale']}: {value['base']:.3g} [{added}] = {value['margin']:.3g}"
    return f"{value:.1f}" if name == "latency_ms" else str(value)


def _shortened(cell: Any) -> Any:
    """Return the beginning of a long text; --json shows all of it."""
    return f"{cell[: SHOWN - 3]}..." if isinstance(cell, str) and len(cell) > SHOWN else cell
