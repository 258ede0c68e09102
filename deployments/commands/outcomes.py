"""`slipway outcomes`: what became of whom was predicted, from a file into the log; and what the log says of one prediction."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from deployments.terminal.failing import told
from deployments.terminal.printing import out, show_json, show_table, tell
from slipway.settings import Settings

SOME_REJECTED = 3
EVERY = 2.0  # seconds between two lines of progress


def outcomes(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model in service; `slipway models` lists the catalogue.")],
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="A CSV file with outcome, prediction_id or subject, and perhaps observed_at.", show_default=False
        ),
    ] = None,
    history: Annotated[
        str | None, typer.Option(metavar="PREDICTION_ID", help="Show all outcomes of this prediction, instead.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts, and nothing else to the standard output.")] = False,
) -> None:
    """Tell what became of whom was predicted, through the endpoint; FILE.rejected.csv says what is wrong with rows that are refused.

    To tell a file twice does no harm. Exit status: 0 every row is in the log, 1 failed, 3 some rows were rejected.

    For example: slipway outcomes heart-failure outcomes.csv
    """
    if (source is None) == (history is None):
        raise typer.BadParameter("give a file of outcomes, or --history with the id of a prediction.", param_hint="FILE")
    with told(as_json) as settings:
        if source:
            _tell(name, source.expanduser(), settings, as_json)
        elif history:
            _history(name, history, settings, as_json)


def _tell(name: str, source: Path, settings: Settings, as_json: bool) -> None:
    from slipway.scoring.outcome_files import send

    report = send(name, source, settings, _Progress())
    if as_json:
        show_json({"model": name, "source": source, **asdict(report)})
    else:
        kinds = {**asdict(report.done), "rejected": report.rejected}
        show_table(("outcomes", "rows"), [(kind, f"{number:,}") for kind, number in kinds.items()])
        if report.rejected_to:
            out.print(f"rejected, with reasons: {report.rejected_to}", markup=False, highlight=False)
    if report.rejected:
        raise typer.Exit(SOME_REJECTED)


def _history(name: str, prediction_id: str, settings: Settings, as_json: bool) -> None:
    from slipway.audit import history

    found = [line for line in history(settings.audit_url or settings.home, prediction_id) if line.model == name]
    if as_json:
        show_json([asdict(line) for line in found])
    elif not found:
        out.print(f"the log has no outcome of {prediction_id}, or no such prediction of {name}.", markup=False, highlight=False)
    else:
        rows = [(line.time[:23].replace("T", " "), line.label, escape(line.key), line.observed_at or "") for line in found]
        show_table(("told", "outcome", "by", "observed"), rows)


class _Progress:
    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, rows: int, of: int, rejected: int) -> None:
        if time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            tell(f"{rows:,} of {of:,} rows, {rejected:,} rejected")
