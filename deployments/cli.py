"""The `slipway` command."""

from __future__ import annotations

import typer

from deployments.commands.access import keys_app, users_app
from deployments.commands.approvals import approvals, approve, reject
from deployments.commands.audit import audit_app
from deployments.commands.backup import backup, restore
from deployments.commands.certs import certs
from deployments.commands.challenge import challenge
from deployments.commands.deploy import deploy
from deployments.commands.history import history
from deployments.commands.models import models
from deployments.commands.notify import notify
from deployments.commands.outcomes import outcomes
from deployments.commands.platform import down, status, up
from deployments.commands.promote import promote
from deployments.commands.release import fleet, release
from deployments.commands.rollback import rollback
from deployments.commands.score import score
from deployments.commands.simulate import simulate
from deployments.commands.tunnel import tunnel
from deployments.commands.watch import watch

COMMANDS = (
    *(models, release, fleet, approvals, approve, reject, rollback, history, challenge, promote, score, outcomes, watch, simulate),
    *(up, status, down, deploy, notify, backup, restore, certs, tunnel),
)

app = typer.Typer(
    name="slipway",
    help="Take a tabular model from its data set's address to a tested endpoint.\n\nFor example: slipway release heart-failure --sample",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(users_app, name="users")
app.add_typer(keys_app, name="keys")
app.add_typer(audit_app, name="audit")


def main() -> None:
    app()


if __name__ == "__main__":
    main()
