"""`slipway watch`: whether what is in service still fits, judged now; and the switch that holds alarms back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.markup import escape

from deployments.terminal.failing import told
from deployments.terminal.printing import err, follow_slipway, out, show_json, show_table, tell

if TYPE_CHECKING:
    from slipway.monitoring.findings import WatchReport
    from slipway.settings import Settings

NEEDED = ("flows.watch", "mlflow", "matplotlib.figure")
ALARM = 3
COLOURS = {"alarm": "red", "held": "yellow", "suspect": "yellow", "unjudged": "yellow", "steady": "green"}
LAST = 10


def watch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model of the catalogue; `slipway models` lists them.")],
    show: Annotated[bool, typer.Option("--show", help="Show the latest windows and alarms, and judge nothing.")] = False,
    freeze: Annotated[bool, typer.Option("--freeze", help="Hold alarms back from now on; windows are judged as ever.")] = False,
    thaw: Annotated[bool, typer.Option("--thaw", help="Let alarms through again.")] = False,
    because: Annotated[str | None, typer.Option("--because", metavar="WHY", help="Why; with --freeze and --thaw.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts, and nothing else to the standard output.")] = False,
) -> None:
    """Judge what a model was sent and answered since the last watch, and the outcomes that came to be known.

    Drift, or outcomes below the floor, in several windows raise an alarm: an event, upon which the platform releases the model anew.

    Exit status: 0 no alarm, 1 failed, 3 an alarm was raised.

    For example: slipway watch heart-failure
    """
    if show + freeze + thaw > 1:
        raise typer.BadParameter("give one of --show, --freeze and --thaw.", param_hint="--show")
    if (freeze or thaw) != (because is not None):
        raise typer.BadParameter("it goes with --freeze or --thaw, which are written down with their reason.", param_hint="--because")
    with told(as_json) as settings:
        from slipway.catalogue import listings

        listings().served(name)
        if because is not None:
            _switch(name, freeze, because, settings, as_json)
        elif show:
            _show(name, settings, as_json)
        else:
            _judge(name, settings, as_json)


def _judge(name: str, settings: Settings, as_json: bool) -> None:
    from deployments.terminal.session import session
    from slipway.errors import NotInServiceError

    follow_slipway()
    with session(settings, tell, NEEDED, gateway=False):
        from flows.watch import watch as flow

        state = flow(name, return_state=True)
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

    out.print(f"[bold {COLOURS[report.state]}]{report.model}: {report.state}[/] (version {report.version})")
    out.print(escape(report.reason), highlight=False)
    if report.windows:
        show_table(("window", "of", "from", "to", "rows", "bad", "found"), window_rows(report.windows))
    if report.paired:
        out.print(escape(f"challenger, version {report.challenger}: {report.paired.reason}"), highlight=False)
    if report.proposal:
        out.print(escape(f"promote it with: slipway promote {report.model} --because ..."), highlight=False)
    out.print(f"until the next window: {report.waiting:,} served rows and {report.waiting_outcomes:,} outcomes wait", highlight=False)


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
        out.print(escape(f"{alarm.at:%Y-%m-%d %H:%M} {alarm.kind} alarm, version {alarm.version}: {alarm.reason}"), highlight=False)
    if switch:
        word = "held back" if switch.frozen else "let through"
        out.print(escape(f"alarms are {word} since {switch.at:%Y-%m-%d %H:%M}, by {switch.who}: {switch.why}"), highlight=False)


def _switch(name: str, frozen: bool, because: str, settings: Settings, as_json: bool) -> None:
    from slipway.monitoring.journal import Journal, Switch

    switch = Switch(model=name, frozen=frozen, why=because)
    Journal(settings.ledger).add(switch)
    if as_json:
        show_json(switch.model_dump(mode="json"))
    else:
        err.print(escape(f"{name}: alarms are {'held back' if frozen else 'let through again'}: {because}"), highlight=False)
