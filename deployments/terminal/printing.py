"""What commands print: tables and lines for people, JSON for programs."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from slipway.records import Fleet, Release

PIPE_WIDTH = 200  # a table in a pipe or a file must not wrap at the 80 columns a missing terminal is taken for

out = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
err = Console(stderr=True, soft_wrap=True)


def show_json(value: Any) -> None:
    """Print one JSON document, and nothing else, to the standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def tell(line: str) -> None:
    """Print a line about what goes on, to the standard error."""
    err.print(escape(line), highlight=False)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    # a word that is too long goes on in the next line: an address or an id that is cut off is of no use
    table = Table(*[Column(name, overflow="fold") for name in columns], box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*["" if cell is None else str(cell) for cell in row])
    out.print(table)


def follow_slipway() -> None:
    """Show Slipway's own log lines on the terminal, each with the seconds since the start."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_SinceStart("%(since)6.1f s  %(message)s"))
    logger = logging.getLogger("slipway")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


class _SinceStart(logging.Formatter):
    started = time.time()

    def format(self, record: logging.LogRecord) -> str:
        record.since = record.created - self.started
        return super().format(record)


def show_release(release: Release) -> None:
    """Print how a release ended, with the figures and the address."""
    candidate, verdict = release.candidate, release.verdict
    colour = {"promoted": "green", "challenging": "green", "refused": "red", "rejected": "red"}.get(release.outcome, "yellow")
    version = f"version {candidate.version}" if candidate.version else "not registered"
    out.print(f"[bold {colour}]{candidate.model}: {release.outcome}[/] ({candidate.registered_as} {version}, run {candidate.run_id})")
    if candidate.sample:
        out.print("trained on sample rows: not for use on patients or customers")
    for rule in verdict.rules:
        out.print(f"  {'passed' if rule.passed else 'failed'}  {rule.name}: {rule.reason}", highlight=False)
    show_table(
        ("figure", "test rows", "champion before"),
        [(name, f"{value:.4f}", f"{verdict.champion_metrics[name]:.4f}" if name in verdict.champion_metrics else None)
         for name, value in sorted(candidate.metrics.items())],
    )  # fmt: skip
    if verdict.paired:
        out.print(f"row by row: {verdict.paired.reason}", markup=False, highlight=False)
    if release.decision:
        said = "approved" if release.decision.approved else "rejected"
        out.print(f"{said} by {release.decision.who}: {release.decision.why}", markup=False, highlight=False)
    if release.smoke_test:
        report = release.smoke_test
        out.print(f"smoke test: {report.probes} probe rows came back as measured, median {report.latency_ms:.1f} ms a row")
        if release.outcome == "challenging":
            out.print(f"in shadow beside version {verdict.champion}; `slipway promote {candidate.model}` puts it into service")
        else:
            out.print(f"endpoint: {report.endpoint.url}")


def show_fleet(fleet: Fleet) -> None:
    """Print how each model's release ended."""
    show_table(
        ("model", "outcome", "version", "metric", "test rows", "why"),
        [
            (
                entry.model,
                entry.outcome,
                entry.version,
                entry.metric,
                None if entry.figure is None else f"{entry.figure:.4f}",
                escape(entry.message),
            )
            for entry in fleet.entries
        ],
    )
