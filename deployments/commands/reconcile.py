"""`slipway reconcile`: alias and stage in MLflow say again what is in service."""

from __future__ import annotations

from typing import Annotated

import typer

from deployments.terminal.command import AsJson, ModelArgument, command
from deployments.terminal.output import say, show, show_json


def reconcile(
    name: ModelArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what disagrees, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Have alias and stage in MLflow say what is in service. What answers callers is not changed.

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

        spec = served(model)
        with exclusive(model, settings):
            found = mirroring.disagreements(spec, settings)
            if found and not dry_run:
                mirroring.put_in_line(spec, settings)
            left = mirroring.disagreements(spec, settings) if found else []
        mended = [what for what in found if what not in left]
        if as_json:
            show_json({"model": model, "found": found, "mended": mended, "left": left})
        else:
            for what in mended:
                show(f"put in line: {what}")
            for what in left:
                show(f"disagrees: {what}")
            show(f"{model}: the records {'disagree' if left else 'agree'}")
        if left:
            raise typer.Exit(3)
