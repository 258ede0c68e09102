"""`slipway watch`: whether the version in service still fits, judged now; and the switch that holds alarms back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from deployments.terminal.command import AsJson, ModelArgument, command
from deployments.terminal.output import follow_slipway, say, show, show_json, show_outcome, show_table

if TYPE_CHECKING:
    from slipway.monitoring.findings import WatchReport
    from slipway.settings import Settings

NEEDED = ("flows.watch", "mlflow", "matplotlib.figure")
ALARM = 3
COLOURS = {"alarm": "red", "held": "yellow", "suspect": "yellow", "unjudged": "yellow", "steady": "green"}
LAST = 10


def watch(
    name: ModelArgument,
    latest: Annotated[bool, typer.Option("--show", help="Show the latest windows and alarms, and judge nothing.")] = False,
    freeze: Annotated[bool, typer.Option("--freeze", help="Hold alarms back from now on; windows are judged as before.")] = False,
    thaw: Annotated[bool, typer.Option("--thaw", help="Let alarms through again.")] = False,
    because: Annotated[str | None, typer.Option("--because", metavar="WHY", help="Why; with --freeze and --thaw.")] = None,
    as_json: AsJson = False,
) -> None:
    """Judge the requests, answers and outcomes of a model since the last watch.

    Drift, or outcomes below the floor, in several windows raise an alarm: an event, after which the platform releases the model anew.

    Exit status: 0 no alarm, 1 failed, 3 an alarm was raised.

    For example: slipway watch heart-failure
    """
    if latest + freeze + thaw > 1:
        raise typer.BadParameter("give one of --show, --freeze and --thaw.", param_hint="--show")
    if (freeze or thaw) != (because is not None):
        raise typer.BadParameter("it goes with --freeze or --thaw, which are written down with their reason.", param_hint="--because")
    with command(as_json) as settings:
        from slipway.catalogue import listings

        listings().served(name)
        if because is not None:
            _switch(name, freeze, because, settings, as_json)
        elif latest:
            _show(name, settings, as_json)
        else:
            _judge(name, settings, as_json)


def _judge(name: str, settings: Settings, as_json: bool) -> None:
    say(f"watch of {name}: what came since the last watch")

    from deployments.terminal.session import session
    from slipway.errors import NotInServiceError

    follow_slipway()
    with session(settings, say, NEEDED, gateway=False):
        from deployments.terminal.flow_run import run
        from flows.watch import watch as flow

        state = run(flow, name, name=name)
        report = cast("WatchReport | None", state.result())
    if report is None:
        raise NotInServiceError(state.message)
    if as_json:
        show_json(report.model_dump(mode="json"))
    else:
        _print(report)
    if report.state == "alarm":
        raise typer.Exit(ALARM)


def _print(report: WatchReport) -> None:
    from slipway.monitoring.summary import window_rows

    show_outcome(f"{report.model}: {report.state}", COLOURS[report.state], f" (version {report.version})")
    show(report.reason)
    if report.windows:
        show_table(("window", "of", "from", "to", "rows", "bad", "found"), window_rows(report.windows))
    if report.paired:
        show(f"challenger, version {report.challenger}: {report.paired.reason}")
    if report.proposal:
        show(f"promote it with: slipway promote {report.model} --because ...")
    show(f"until the next window: {report.waiting:,} served rows and {report.waiting_outcomes:,} outcomes wait")


def _show(name: str, settings: Settings, as_json: bool) -> None:
    from slipway.monitoring.journal import Journal
    from slipway.monitoring.summary import window_rows

    journal = Journal(settings.ledger)
    windows, alarms, switch = journal.windows(name)[-LAST:], journal.alarms(name)[-LAST:], journal.switch(name)
    if as_json:
        show_json(
            {
                "windows": [window.model_dump(mode="json") for window in windows],
                "alarms": [alarm.model_dump(mode="json") for alarm in alarms],
                "switch": switch and switch.model_dump(mode="json"),
            }
        )
        return
    show_table(("window", "of", "from", "to", "rows", "bad", "found"), window_rows(windows))
    for alarm in reversed(alarms):
        show(f"{alarm.at:%Y-%m-%d %H:%M} {alarm.kind} alarm, version {alarm.version}: {alarm.reason}")
    if switch:
        word = "held back" if switch.frozen else "let through"
        show(f"alarms are {word} since {switch.at:%Y-%m-%d %H:%M}, by {switch.who}: {switch.why}")


def _switch(name: str, frozen: bool, because: str, settings: Settings, as_json: bool) -> None:
    from deployments.operations.acts import freeze

    switch = freeze(settings, name, frozen, because)
    if as_json:
        show_json(switch.model_dump(mode="json"))
    else:
        say(f"{name}: alarms are {'held back' if frozen else 'let through again'}: {because}")
