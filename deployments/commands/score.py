"""`slipway score`: a file of rows into a file of predictions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from deployments.terminal.command import AsJson, ModelArgument, command
from deployments.terminal.output import follow_slipway, say, show, show_json, show_table

if TYPE_CHECKING:
    from slipway.records import Scored

SOME_REJECTED = 3
NEEDED = ("flows.score",)


def score(
    name: ModelArgument,
    source: Annotated[str, typer.Argument(metavar="IN", help="A CSV or Parquet file, or the http(s) address of one.")],
    to: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Where the predictions go, .csv or .parquet; if left out, beside IN.")
    ] = None,
    through: Annotated[
        Literal["bundle", "endpoint"], typer.Option(help="The bundle in this process, or the endpoint, which logs each answer.")
    ] = "bundle",
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN", help="A column to copy beside the answers, once for each; if left out, those the model does not take."
        ),
    ] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column with the person's id, for the endpoint's audit log.")
    ] = None,
    chunk: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows that are scored at a time.")] = 20_000,
    as_json: AsJson = False,
) -> None:
    """Score a file of rows by the version in service, and write the predictions; OUT.rejected.csv says what is wrong with other rows.

    Exit status: 0 every row was scored, 1 failed and nothing was written, 3 some rows were rejected.

    For example: slipway score heart-failure patients.csv --to predictions.csv
    """
    with command(as_json) as settings:
        from slipway.catalogue import listings
        from slipway.scoring.job import job

        listings().served(name)
        asked = job(name, source, to, through, keep, chunk, subject)  # an impossible job is refused before Prefect is started
        say(f"scoring by {name}: {asked.shown_source} into {asked.destination}")

        from deployments.terminal.session import session

        follow_slipway()
        with session(settings, say, needed=NEEDED, gateway=through == "endpoint"):
            from deployments.terminal.flow_run import run
            from flows.score import score as flow

            state = run(
                flow,
                name,
                name=name,
                source=asked.source,
                destination=str(asked.destination),
                through=through,
                keep=keep,
                subject=subject,
                chunk=chunk,
            )
            scored = cast("Scored", state.result())
        if as_json:
            show_json(scored.model_dump(mode="json"))
        else:
            _show(scored)
        if scored.rejected:
            raise typer.Exit(SOME_REJECTED)


def _show(scored: Scored) -> None:
    show_table(
        ("answer", "rows"),
        [(meaning, f"{rows:,}") for meaning, rows in sorted(scored.labels.items())] + [("rejected", f"{scored.rejected:,}")],
    )
    if scored.sample:
        show("the model was trained on sample rows: not for use on patients or customers")
    show(f"predictions: {scored.destination}")
    if scored.rejected_to:
        show(f"rejected, with reasons: {scored.rejected_to}")
