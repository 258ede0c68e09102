"""`slipway outcomes`: actual outcomes from a file into the log, and the outcomes of one prediction."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.terminal.command import AsJson, command, complete_model
from deployments.terminal.output import say, show, show_json, show_table

if TYPE_CHECKING:
    from slipway.settings import Settings

SOME_REJECTED = 3
EVERY = 2.0  # seconds between two lines of progress


def outcomes(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A model in service; `slipway models` lists the catalogue.", autocompletion=complete_model),
    ],
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="A CSV file, or a table as the model's file declares it, with outcome, prediction_id or subject, and perhaps observed_at.",
            show_default=False,
        ),
    ] = None,
    history: Annotated[
        str | None, typer.Option(metavar="PREDICTION_ID", help="Show all outcomes of this prediction, instead.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send actual outcomes to the endpoint; FILE.rejected.csv says what is wrong with rows that are refused.

    Sending a file twice does no harm. Exit status: 0 every row is in the log, 1 failed, 3 some rows were rejected.

    For example: slipway outcomes heart-failure outcomes.csv
    """
    if (source is None) == (history is None):
        raise typer.BadParameter("give a file of outcomes, or --history with the id of a prediction.", param_hint="FILE")
    with command(as_json) as settings:
        if source:
            _send(name, source.expanduser(), settings, as_json)
        elif history:
            _history(name, history, settings, as_json)


def _send(name: str, source: Path, settings: Settings, as_json: bool) -> None:
    say(f"outcomes of {name}: {source}")

    from slipway.scoring.outcome_files import send

    report = send(name, source, settings, _OutcomeProgress())
    if as_json:
        show_json({"model": name, "source": source, **asdict(report)})
    else:
        kinds = {**asdict(report.done), "rejected": report.rejected}
        show_table(("outcomes", "rows"), [(kind, f"{number:,}") for kind, number in kinds.items()])
        if report.rejected_to:
            show(f"rejected, with reasons: {report.rejected_to}")
    if report.rejected:
        raise typer.Exit(SOME_REJECTED)


def _history(name: str, prediction_id: str, settings: Settings, as_json: bool) -> None:
    from slipway.audit import history

    found = [line for line in history(settings.audit_url or settings.home, prediction_id) if line.model == name]
    if as_json:
        show_json([asdict(line) for line in found])
    elif not found:
        show(f"the log has no outcome of {prediction_id}, or no such prediction of {name}.")
    else:
        rows = [(line.time[:23].replace("T", " "), line.label, line.key, line.observed_at or "") for line in found]
        show_table(("reported", "outcome", "by", "observed"), rows)


class _OutcomeProgress:
    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, rows: int, of: int, rejected: int) -> None:
        if time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            say(f"{rows:,} of {of:,} rows, {rejected:,} rejected")
