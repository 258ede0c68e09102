"""The `slipway` command."""

from __future__ import annotations

import typer

from deployments.access_commands import keys_app, users_app
from deployments.approval_commands import approvals, approve, reject
from deployments.audit_commands import audit_app
from deployments.backup_commands import backup, restore
from deployments.certificate_commands import certs
from deployments.challenge_commands import challenge
from deployments.deploy_commands import deploy
from deployments.history_command import history
from deployments.models_command import models
from deployments.notify_commands import notify
from deployments.outcome_commands import outcomes
from deployments.platform_commands import down, status, up
from deployments.promote_command import promote
from deployments.release_commands import fleet, release
from deployments.rollback_command import rollback
from deployments.score_commands import score
from deployments.simulate_command import simulate
from deployments.tunnel_commands import tunnel
from deployments.watch_commands import watch

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
