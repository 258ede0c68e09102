"""The `slipway` command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, cast

import typer
from pydantic import ValidationError
from rich.markup import escape

from deployments.access_commands import keys_app, users_app
from deployments.approval_commands import approvals, approve, reject
from deployments.audit_commands import audit_app
from deployments.backup_commands import backup, restore
from deployments.certificate_commands import certs
from deployments.challenge_commands import challenge
from deployments.deploy_commands import deploy, deploy_quietly
from deployments.history_command import history
from deployments.notify_commands import notify
from deployments.printing import err, follow_slipway, show_fleet, show_json, show_release, show_table
from deployments.rollback_command import rollback
from deployments.score_commands import score
from deployments.telling import wrong_settings
from deployments.tunnel_commands import tunnel
from slipway.errors import SlipwayError
from slipway.records import Fleet, Release
from slipway.settings import Settings

app = typer.Typer(
    name="slipway",
    help="Take a tabular model from its data set's address to a tested endpoint.\n\nFor example: slipway release heart-failure --sample",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(users_app, name="users")
app.add_typer(keys_app, name="keys")
app.add_typer(audit_app, name="audit")
app.command()(approvals)
app.command()(approve)
app.command()(reject)
app.command()(backup)
app.command()(restore)
app.command()(certs)
app.command()(challenge)
app.command()(deploy)
app.command()(rollback)
app.command()(history)
app.command()(score)
app.command()(notify)
app.command()(tunnel)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts, and nothing else to the standard output.")]

REFUSED = 3


@app.command()
def models(as_json: AsJson = False) -> None:
    """List the models there are, and where each is served.

    For example: slipway models --json
    """
    with _errors_for_people(as_json):
        from slipway.catalogue import catalogue
        from slipway.serving import port_of

        settings = Settings.load()
        rows = [
            {
                "name": spec.name,
                "registered_as": spec.registered_as,
                "port": port_of(spec, settings),
                "metric": spec.metric,
                "floor": spec.gate.floor,
                "description": spec.description,
            }
            for spec in catalogue().values()
        ]
        if as_json:
            show_json(rows)
        else:
            show_table(
                ("model", "registered as", "port", "gate", "what it says"),
                [
                    (row["name"], row["registered_as"], row["port"], f"{row['metric']} >= {row['floor']}", row["description"])
                    for row in rows
                ],
            )


Sample = Annotated[bool, typer.Option("--sample", help="Use generated rows: for trying out, without the internet.")]
Trials = Annotated[
    int | None, typer.Option(min=1, help="Hyperparameter trials; if left out, the model's own number, or a few on sample rows.")
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes that tune; all cores if left out. The result is the same.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Stop after the gate; change neither registry nor service.")]
Recorded = Annotated[str | None, typer.Option("--snapshot", metavar="SHA", help="Use the rows of an earlier run; see `slipway history`.")]
Approval = Annotated[bool, typer.Option("--approval", help="After the gate, wait until a person approves in the run page.")]


@app.command()
def release(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A model of the catalogue; `slipway models` lists them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every model of the catalogue, as `slipway fleet` does.")] = False,
    sample: Sample = False,
    trials: Trials = None,
    jobs: Jobs = None,
    dry_run: DryRun = False,
    snapshot: Recorded = None,
    approval: Approval = False,
    as_json: AsJson = False,
) -> None:
    """Take one model from its rows to a tested endpoint.

    Exit status: 0 promoted (or a dry run that would be), 1 failed, 3 refused by the gate or rejected by a person.

    For example: slipway release heart-failure --sample --trials 10
    """
    if every == (name is not None):
        raise typer.BadParameter("name one model, or give --all.", param_hint="NAME")
    if snapshot is not None and (name is None or sample):
        raise typer.BadParameter("it names the rows of one model: leave out --all and --sample.", param_hint="--snapshot")
    if approval and (every or dry_run):
        raise typer.BadParameter("it is for one model, and not for a dry run.", param_hint="--approval")
    if name is None:
        fleet(None, sample, trials, jobs, dry_run, as_json)
        return
    with _errors_for_people(as_json):
        from deployments.session import require_run_page, session
        from slipway.catalogue import lookup

        require_run_page(name, Settings.load(), approval=(approval or lookup(name).approval) and not dry_run)
        follow_slipway()
        with session(Settings.load(), _tell):
            from flows.release import release as flow

            state = flow(
                name,
                sample=sample,
                trials=trials,
                jobs=jobs,
                dry_run=dry_run,
                snapshot=snapshot,
                approval=approval,
                return_state=True,
            )
            result = cast(Release, state.result())
        if as_json:
            show_json(result.model_dump(mode="json"))
        else:
            show_release(result)
        if not result.verdict.passed or result.outcome == "rejected":
            raise typer.Exit(REFUSED)


@app.command()
def fleet(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Models of the catalogue; all if left out.")] = None,
    sample: Sample = False,
    trials: Trials = None,
    jobs: Jobs = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Release every model, or those that are named; one that fails does not stop the rest. One that needs approval is left out.

    Exit status: 0 all promoted, 1 one failed, 3 one was refused by the gate or left out, and none failed.

    For example: slipway fleet --sample
    """
    with _errors_for_people(as_json):
        from deployments.session import session
        from slipway.catalogue import lookup

        for name in names or []:
            lookup(name)
        follow_slipway()
        with session(Settings.load(), _tell):
            from flows.fleet import fleet as flow

            state = flow(names or None, sample=sample, trials=trials, jobs=jobs, dry_run=dry_run, return_state=True)
            result = cast(Fleet, state.result(raise_on_failure=False))
        if as_json:
            show_json(result.model_dump(mode="json"))
        else:
            show_fleet(result)
        outcomes = {entry.outcome for entry in result.entries}
        raise typer.Exit(1 if "failed" in outcomes else REFUSED if outcomes & {"refused", "needs approval"} else 0)


@app.command()
def up(as_json: AsJson = False) -> None:
    """Start Prefect, MLflow, a worker, the gateway and a watchman on this machine, and return when all answer.

    For example: SLIPWAY_MIRROR=/path/to/rows slipway up
    """
    with _errors_for_people(as_json):
        from deployments import automations, channels, local
        from deployments.session import model_ports

        settings = Settings.load()
        local.up(settings, model_ports=model_ports(settings), on_progress=_tell)
        deploy_quietly(settings, _tell)
        for line in automations.apply(settings):
            _tell(line)
        if not channels.configured(settings):
            _tell(f"nobody is notified when a person is needed: none of {', '.join(channels.SETTINGS)} is set")
        _show_status(settings, as_json)


@app.command()
def down() -> None:
    """Stop what `slipway up` started. Nothing is lost: the state stays in the home folder.

    For example: slipway down
    """
    with _errors_for_people():
        from deployments import local

        settings = Settings.load()
        err.print(f"stopped the platform of {settings.home}" if local.down(settings) else f"nothing of {settings.home} was running")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show which services run and answer. Exit status 1 when one that was started does not.

    For example: slipway status --json
    """
    with _errors_for_people(as_json):
        if not _show_status(Settings.load(), as_json):
            raise typer.Exit(1)


def main() -> None:
    app()


def _tell(line: str) -> None:
    err.print(escape(line), highlight=False)


def _show_status(settings: Settings, as_json: bool) -> bool:
    from deployments import local

    found = local.status(settings)
    if as_json:
        show_json([asdict(service) for service in found])
    else:
        show_table(
            ("service", "state", "answers", "pid", "address", ""),
            [(s.name, s.state, "yes" if s.answering else "no", s.pid, s.url, escape(s.reason)) for s in found],
        )
    return all(service.answering for service in found)


@contextmanager
def _errors_for_people(as_json: bool = False) -> Iterator[None]:
    """Turn an error that a person is meant to read into its message and exit status 1; anything else is a bug and shows where."""
    try:
        yield
    except ValidationError as error:
        _fail(SlipwayError(wrong_settings(error)), as_json)
    except SlipwayError as error:
        _fail(error, as_json)


def _fail(error: SlipwayError, as_json: bool) -> None:
    if as_json:
        show_json({"error": type(error).__name__, "message": str(error)})
    err.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False)
    sys.exit(1)


if __name__ == "__main__":
    main()
