"""`slipway approvals`, `slipway approve` and `slipway reject`: the releases that wait for a person, and the person's decision."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.terminal.command import AsJson, command, complete_model
from deployments.terminal.output import say, show, show_json, show_table
from slipway.errors import ApprovalError

if TYPE_CHECKING:
    from deployments.server.approvals import Waiting
    from slipway.settings import Settings

ModelArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A model whose release waits; `slipway approvals` lists them.", autocompletion=complete_model),
]
Because = Annotated[str, typer.Option("--because", metavar="REASON", help="Why; it is kept in the ledger, with your name.")]
Version = Annotated[int | None, typer.Option(min=1, metavar="N", help="Decide only if it is this version that waits.")]


def approvals(as_json: AsJson = False) -> None:
    """List the releases that wait for approval, oldest first.

    For example: slipway approvals --json
    """
    with command(as_json) as settings:
        say("asking Prefect for the releases that wait")

        from deployments.server.approvals import waiting

        found = waiting(settings)
        if as_json:
            show_json([asdict(one) for one in found])
        elif not found:
            show("no release waits for approval")
        else:
            show_table(
                ("model", "version", "waits since", "until", "release", "form"),
                [(one.model, one.version, one.since, one.until, one.release, one.page) for one in found],
            )


def approve(name: ModelArgument, because: Because, version: Version = None, as_json: AsJson = False) -> None:
    """Approve the release that waits: its version is put into service and tested. The form in the run page does the same.

    For example: slipway approve heart-failure --because "recall is up, the cardiologists agree"
    """
    _decide(name, because, version, as_json, approved=True)


def reject(name: ModelArgument, because: Because, version: Version = None, as_json: AsJson = False) -> None:
    """Reject the release that waits: what is in service stays.

    For example: slipway reject heart-failure --because "wait for the new rows"
    """
    _decide(name, because, version, as_json, approved=False)


def _decide(name: str, why: str, version: int | None, as_json: bool, *, approved: bool) -> None:
    if not why.strip():
        raise typer.BadParameter("say why: the ledger keeps it.", param_hint="--because")
    with command(as_json) as settings:
        from slipway.catalogue import listings

        listings().lookup(name)
        say(f"{'approval' if approved else 'rejection'} of {name}: {why}")

        from deployments.server.approvals import answer
        from slipway.audit.acts import myself

        asked = _the_one(name, version, settings)
        state = answer(settings, asked, approved=approved, who=myself(), why=why)
        if as_json:
            show_json(asdict(asked) | {"approved": approved, "who": myself(), "why": why, "state": state})
        else:
            said = "approved; it is put into service and tested now" if approved else "rejected; what is in service stays"
            say(f"{name}: version {asked.version} was {said}. See {asked.page}")


def _the_one(name: str, version: int | None, settings: Settings) -> Waiting:
    from deployments.server.approvals import waiting

    found = [one for one in waiting(settings, name) if version in (None, one.version)]
    if not found:
        what = f"version {version} of {name}" if version else f"no release of {name}"
        raise ApprovalError(
            f"{what} {'does not wait' if version else 'waits'} for approval. `slipway approvals` lists what does; "
            f"`slipway history {name}` shows what was decided."
        )
    if len(found) > 1:
        there = ", ".join(f"version {one.version} ({one.page})" for one in found)
        raise ApprovalError(f"{len(found)} releases of {name} wait for approval: {there}. Say which with --version.")
    return found[0]
