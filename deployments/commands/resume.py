"""`slipway resume`: automations may promote again."""

from __future__ import annotations

from typing import Annotated

import typer

from deployments.terminal.command import AsJson, ModelArgument, command
from deployments.terminal.output import say, show_json


def resume(
    name: ModelArgument,
    because: Annotated[str, typer.Option("--because", metavar="WHY", help="Why; it is written into the ledger.")],
    as_json: AsJson = False,
) -> None:
    """Let automations promote again after a person's rollback, rejection or freeze.

    Until then, a release that a schedule or an alarm starts ends as Held, and what is in service stays.

    For example: slipway resume heart-failure --because "the cause was a broken sensor, and it is replaced"
    """
    with command(as_json) as settings:
        from slipway.catalogue import listings
        from slipway.lifecycle.reasons import reason

        model = listings().served(name).name
        because = reason(because, "resumption", "the cause is found and mended")

        from slipway.catalogue import served
        from slipway.lifecycle import holds
        from slipway.lifecycle.locking import exclusive
        from slipway.monitoring.journal import Journal, Switch
        from slipway.records import Origin

        journal = Journal(settings.ledger)
        with exclusive(model, settings):
            held = holds.resume(served(model), because, settings, Origin(started_by="shell"))
        if frozen := journal.frozen(model):
            journal.add(Switch(model=model, frozen=False, why=because))
        if as_json:
            show_json({"model": model, "resumed": bool(held or frozen), "held": held and held.model_dump(mode="json"), "frozen": frozen})
        elif held or frozen:
            say(f"{model}: automations may promote again: {because}")
        else:
            say(f"{model}: nothing holds automations back")
