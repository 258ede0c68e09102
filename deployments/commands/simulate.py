"""`slipway simulate`: rows of a chosen drift through the real endpoint, and their outcomes, for trying the watch and the loop."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from deployments.terminal.command import AsJson, ModelArgument, command
from deployments.terminal.output import say, show, show_json, show_table
from slipway.errors import SimulationError

if TYPE_CHECKING:
    from slipway.monitoring.simulation.course import WindowFigures
    from slipway.monitoring.simulation.drawing import Stream
    from slipway.settings import Settings
    from slipway.spec import ModelSpec

MOST, MOST_WINDOWS = 1_000_000, 200
STEP = 5  # lines of progress
PICTURES = (".png", ".svg")


def simulate(
    name: ModelArgument,
    drift: Annotated[Literal["none", "covariate", "label", "concept"], typer.Option(help="What is to change.")],
    rows: Annotated[
        int | None, typer.Option(min=1, max=MOST, metavar="N", help="How many; if left out, as many windows as an alarm takes, and one.")
    ] = None,
    size: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            help="covariate: standard deviations by which numbers move (1); label: by how much a class's share changes (0.3); "
            "concept: the share of outcomes that turn to another class (0.3).",
            show_default=False,
        ),
    ] = None,
    outcomes: Annotated[
        bool | None,
        typer.Option(
            "--outcomes/--no-outcomes", help="Send outcomes after the rows; if left out, unless rows are moved.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Other rows for another seed.")] = 0,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", help="Start the watch afterwards, if the platform is up.")] = True,
    loop: Annotated[
        Literal["on", "off"] | None,
        typer.Option(help="Window by window, with a watch after each; on: an alarm leads to a release that learns.", show_default=False),
    ] = None,
    windows: Annotated[int, typer.Option(min=1, max=MOST_WINDOWS, help="With --loop: how many windows.")] = 12,
    begins: Annotated[int, typer.Option("--from", min=1, metavar="N", help="With --loop: the window at which the drift begins.")] = 4,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --loop: the picture, .png or .svg; NAME-loop.png if left out.", show_default=False),
    ] = None,
    really: Annotated[bool, typer.Option("--really", help="Also through a gateway that other machines reach.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send rows of a chosen drift through the real endpoint, drawn from the test rows of the version in service.

    The rows enter the audit log, and count for the watch as any others do: they may raise an alarm, upon which the model is released
    anew. They are sent under a key of their own, called simulation, which the log shows.

    With --loop, each window is followed by a watch. With --loop on, an alarm leads to a release that learns from the outcomes, and a
    picture compares the answers of the endpoint with those of the first version and of an oracle that knows all outcomes.

    For example: slipway simulate heart-failure --drift covariate

    For example: slipway simulate heart-failure --drift concept --windows 12 --loop on
    """
    if loop and (rows is not None or outcomes is not None or not watch):
        raise typer.BadParameter("it sends whole windows with their outcomes, and watches: leave out --rows, --outcomes and --watch.")
    with command(as_json) as settings:
        from slipway.catalogue import listings

        listings().served(name)
        _refuse_reachable(settings, really)
        say(f"simulation of {name}: drift {drift}")

        from slipway.catalogue import served
        from slipway.monitoring.simulation import drawing, sending

        spec = served(name)
        size = drawing.USUAL[drift] if size is None else size
        if loop:
            _drive(spec, {"drift": drift, "windows": windows, "begins": begins, "size": size, "seed": seed}, loop == "on", to, as_json)
            return
        stream = _drawn(spec, drift, rows or (spec.watch.needed + 1) * spec.watch.rows, size, seed, settings)
        with_outcomes = drift != "covariate" if outcomes is None else outcomes
        sent = sending.send(spec, stream, with_outcomes, settings, _SimulationProgress())
        run = _started(name, settings) if watch else None
        if as_json:
            asked = {"model": name, "drift": drift, "size": size, "seed": seed}
            found = {"rows": sent.rows, "versions": sent.versions, "outcomes": asdict(sent.outcomes)}
            show_json(asked | found | {"watch": run})
        else:
            _show(name, sent.rows, asdict(sent.outcomes), run)


def _refuse_reachable(settings: Settings, really: bool) -> None:
    from slipway.settings.gateway import is_loopback

    if not is_loopback(settings.gateway_address) and not really:
        raise SimulationError(
            f"the gateway listens on {settings.gateway_address}, where other machines reach it, so its log holds the rows of real people. "
            "Simulated rows would be judged together with theirs. Try a platform on loopback, or give --really."
        )


def _drawn(spec: ModelSpec, drift: Any, count: int, size: float, seed: int, settings: Settings) -> Stream:
    from slipway.monitoring import in_service
    from slipway.monitoring.simulation import drawing

    say(f"{spec.name}: drawing {count:,} of the test rows of the version in service; drift: {drift}{f' of {size:g}' if size else ''}")
    with in_service.bundle_and_rows(spec, settings) as (_, held_out):
        return drawing.simulate(spec, held_out, drift, count, size=size, seed=seed, fresh=spec.learns is not None)


def _drive(spec: ModelSpec, asked: dict[str, Any], learn: bool, to: Path | None, as_json: bool) -> None:
    """Run the loop window by window, and draw its picture, also of the windows until then if it is cancelled or fails."""
    from deployments.terminal.session import session
    from slipway.monitoring.simulation.course import Plan
    from slipway.settings import Settings

    plan, path, found = Plan(**asked), to or Path(f"{spec.name}-loop.png"), []
    if path.suffix not in PICTURES or not path.resolve().parent.is_dir():
        raise SimulationError(f"{path}: expected a file whose name ends in {' or '.join(PICTURES)}, in a folder that exists.")
    with session(Settings.load(), say, model=spec.name) as settings:
        from deployments.loop import drive
        from slipway.monitoring.simulation.lines import draw_lines

        try:
            for window in drive(spec, plan, learn, settings, say):
                found.append(window)
                say(_line(window, plan.windows, spec.metric, learn))
        finally:
            if found:
                draw_lines(path, spec, plan, found, loop=learn)
    if as_json:
        show_json({"model": spec.name, **asked, "metric": spec.metric, "picture": path, "course": [asdict(window) for window in found]})
    else:
        show_table(
            ("window", "drift", "version", "answered", "first version", "oracle", "watch", "release"),
            [
                [
                    one.number,
                    "yes" if one.drifts else "",
                    ", ".join(map(str, one.versions)),
                    *(f"{figure:.4f}" for figure in (one.answered, one.first, one.oracle)),
                    one.state,
                    one.release or "",
                ]
                for one in found
            ],
        )
        show(f"the picture: {path}")


def _line(window: WindowFigures, of: int, metric: str, learn: bool) -> str:
    off = f", the first version {window.first:.4f}" if learn else ""
    ended = f"; release: {window.release} ({window.because})" if window.release else f"; an alarm: {window.alarm}" if window.alarm else ""
    return (
        f"window {window.number} of {of}: {metric} {window.answered:.4f} by version {', '.join(map(str, window.versions))}{off}, "
        f"the oracle {window.oracle:.4f}{ended}"
    )


def _started(name: str, settings: Settings) -> dict[str, str] | None:
    """Start the model's deployment of the watch, where there is a worker to run it."""
    from deployments import local
    from deployments.server.prefect_api import PrefectServer

    if not local.is_up(settings, (local.PREFECT, local.WORKER)):
        return None
    with PrefectServer(f"{settings.prefect_url}/api") as server:
        deployment = server.call("GET", f"/deployments/name/watch/{name}")
        run = server.call("POST", f"/deployments/{deployment['id']}/create_flow_run", {"state": {"type": "SCHEDULED"}})
    return {"run": run["id"], "page": f"{settings.prefect_url}/runs/flow-run/{run['id']}"}


def _show(name: str, rows: int, outcomes: dict[str, int], run: dict[str, str] | None) -> None:
    show(f"{name}: {rows:,} rows were answered, and {sum(outcomes.values()):,} outcomes were recorded")
    if run:
        show(f"the watch is started: {run['page']}")
    else:
        show(f"the watch is not started; `slipway watch {name}` judges the rows")


class _SimulationProgress:
    """A line for every fifth of the rows or outcomes."""

    def __init__(self) -> None:
        self._said = ("", 0)

    def __call__(self, what: str, done: int, of: int) -> None:
        if (what, done * STEP // of) != self._said:
            self._said = (what, done * STEP // of)
            say(f"{done:,} of {of:,} {what} sent")
