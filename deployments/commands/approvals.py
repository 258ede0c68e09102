"""`slipway approvals`, `slipway approve` and `slipway reject`: a release waits for a person, and hears from one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from deployments.server.approvals import Waiting, answer, waiting
from deployments.terminal.failing import told
from deployments.terminal.printing import err, out, show_json, show_table
from slipway.errors import ApprovalError
from slipway.settings import Settings

ModelName = Annotated[str, typer.Argument(metavar="NAME", help="A model whose release waits; `slipway approvals` lists them.")]
Because = Annotated[str, typer.Option("--because", metavar="REASON", help="Why; it is kept in the ledger, with your name.")]
Version = Annotated[int | None, typer.Option(min=1, metavar="N", help="Decide only if it is this version that waits.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts, and nothing else to the standard output.")]


def approvals(as_json: AsJson = False) -> None:
    """List the releases that wait for approval, oldest first.

    For example: slipway approvals --json
    """
    with told(as_json) as settings:
        found = waiting(settings)
        if as_json:
            show_json([asdict(one) for one in found])
        elif not found:
            out.print("no release waits for approval")
        else:
            show_table(
                ("model", "version", "waits since", "until", "release", "form"),
                [(one.model, one.version, one.since, one.until, escape(one.release), one.page) for one in found],
            )


def approve(name: ModelName, because: Because, version: Version = None, as_json: AsJson = False) -> None:
    """Approve the release that waits: its version is put into service and tested. The form in the run page does the same.

    For example: slipway approve heart-failure --because "recall is up, the cardiologists agree"
    """
    _decide(name, because, version, as_json, approved=True)


def reject(name: ModelName, because: Because, version: Version = None, as_json: AsJson = False) -> None:
    """Reject the release that waits: what is in service stays.

    For example: slipway reject heart-failure --because "wait for the new rows"
    """
    _decide(name, because, version, as_json, approved=False)


def _decide(name: str, why: str, version: int | None, as_json: bool, *, approved: bool) -> None:
    if not why.strip():
        raise typer.BadParameter("say why: the ledger keeps it.", param_hint="--because")
    with told(as_json) as settings:
        from slipway.audit.acts import myself
        from slipway.catalogue import listings

        listings().lookup(name)
        asked = _the_one(name, version, settings)
        state = answer(settings, asked, approved=approved, who=myself(), why=why)
        if as_json:
            show_json(asdict(asked) | {"approved": approved, "who": myself(), "why": why, "state": state})
        else:
            said = "approved; it is put into service and tested now" if approved else "rejected; what is in service stays"
            err.print(f"{name}: version {asked.version} was {said}. See {asked.page}", markup=False, highlight=False)


def _the_one(name: str, version: int | None, settings: Settings) -> Waiting:
    found = [one for one in waiting(settings, name) if version in (None, one.version)]
    if not found:
        what = f"version {version} of {name}" if version else f"no release of {name}"
        raise ApprovalError(
            f"{what} {'does not wait' if version else 'waits'} for approval. `slipway approvals` lists what does; "
            f"`slipway history {name}` tells what was decided."
        )
    if len(found) > 1:
        there = ", ".join(f"version {one.version} ({one.page})" for one in found)
        raise ApprovalError(f"{len(found)} releases of {name} wait for approval: {there}. Say which with --version.")
    return found[0]
