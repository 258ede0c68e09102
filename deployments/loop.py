"""The loop in service, simulated: rows, outcomes, watch, alarm, release, and again, window by window through the real endpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from deployments import local
from deployments.server.prefect_api import PrefectServer
from deployments.terminal.flow_run import run
from slipway.audit import SETTLED
from slipway.errors import SimulationError
from slipway.lifecycle import record
from slipway.monitoring import in_service, policy
from slipway.monitoring.journal import Journal
from slipway.monitoring.simulation import course, sending
from slipway.monitoring.simulation.course import Course, Plan, WindowFigures
from slipway.pages.runs import ENDED
from slipway.retries import wait_until
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking.connection import connect
from slipway.tracking.recorded_rows import study_of

if TYPE_CHECKING:
    from prefect.client.schemas import State

    from slipway.monitoring.findings import WatchReport

LOOK, BEGINS_WITHIN, ENDS_WITHIN = 0.5, 180.0, 3 * 3600.0  # seconds; a worker looks for runs every few seconds
MOMENT = 0.1  # seconds
SayProgress = Callable[[str], None]


def drive(spec: ModelSpec, plan: Plan, loop: bool, settings: Settings, progress: SayProgress) -> Iterator[WindowFigures]:
    """Send each window and its outcomes, watch, and release where the watch asks for it; yield the figures of each window.

    The windows stand for as many days as an alarm needs to cool down, so an alarm that is only held back for that counts. Where the
    platform is up, the release is that of its automation; else it is run here, under the automation's name.

    Args:
        loop: Whether an alarm leads to a release.
    Raises:
        NotInServiceError: No version is in service.
        SimulationError: The loop is on, and the model cannot learn from simulated rows; or the gateway refuses.
    """
    with in_service.bundle_and_rows(spec, settings) as (bundle, held_out):
        if loop:
            _require_learning(spec, bundle.contract.sample, bundle.contract.version)
        progress(f"{spec.name}: drawing {plan.windows} windows of {spec.watch.rows:,} rows, and fitting the oracle")
        drawn = course.draw(spec, held_out, plan, spec.watch.rows)
        oracles = _oracles(spec, held_out, drawn, plan, bundle.contract.threshold, settings)
        for number, window in enumerate(drawn.windows, start=1):
            drifts = plan.drifts(number)
            sent = sending.send(spec, window, True, settings, lambda *_: None)
            time.sleep(SETTLED.total_seconds() + MOMENT)  # younger lines are not read, because others may still be committed before them
            progress(f"window {number} of {plan.windows}: answered; the watch judges it")
            report = cast("WatchReport", run(_watch(), spec.name, name=spec.name).result())
            alarm = _alarm(spec, report, settings)
            release, because = _released(spec, report, alarm, settings, progress) if loop and alarm else (None, "")
            yield WindowFigures(
                number=number,
                drifts=drifts,
                versions=sent.versions,
                answered=course.figure_of_answers(spec, window, sent.answers),
                first=course.figure_of_bundle(spec, window, bundle),
                oracle=course.figure_of_model(spec, window, oracles[drifts]),
                state=report.state,
                alarm=alarm,
                release=release,
                because=because,
            )


def _require_learning(spec: ModelSpec, sample: bool, version: int | None) -> None:
    if spec.learns is None:
        raise SimulationError(f"{spec.name} learns from no outcomes: add learns=Outcomes(...) to its file, or use --loop off.")
    if not sample:
        raise SimulationError(
            f"{spec.name}: version {version} was trained on real rows, and simulated rows are learnt from only beside sample rows. Use a "
            f"home folder for trying out (SLIPWAY_HOME), and `slipway release {spec.name} --sample` there; or use --loop off."
        )


def _oracles(spec: ModelSpec, held_out: Any, drawn: Course, plan: Plan, threshold: float | None, settings: Settings) -> Mapping[bool, Any]:
    """Return the oracle of the world before the drift, and that after it, by whether it drifts."""
    from slipway.training.search.tuning import chosen_parameters, searched

    now = record.in_service(spec, settings)
    study = study_of(connect(settings), now.run_id) if now else None
    parameters = chosen_parameters(searched(spec, sample=bool(now and now.sample)), study, settings.studies) if study else {}
    worlds = {plan.drifts(number) for number in range(1, plan.windows + 1)}
    return {drifts: course.oracle(spec, held_out, drawn.world(drifts), parameters, threshold) for drifts in worlds}


def _alarm(spec: ModelSpec, report: WatchReport, settings: Settings) -> str:
    """Return the reason of the alarm, also of one that is held back for cooling down: the windows stand for that many days."""
    if report.alarm:
        return report.alarm.reason
    journal = Journal(settings.ledger)
    alarms = journal.alarms(spec.name)
    later = datetime.now(UTC) + timedelta(days=spec.watch.cooldown_days)
    windows = journal.windows(spec.name, report.version)
    found = policy.judge(windows, spec.watch, now=later, last_alarm=alarms[-1] if alarms else None, frozen=journal.frozen(spec.name))
    return found.reason if found.alarm else ""


def _released(spec: ModelSpec, report: WatchReport, alarm: str, settings: Settings, progress: SayProgress) -> tuple[str, str]:
    """Return how the release ended that an alarm asks for, and why: the platform's own, or one in this process."""
    if report.alarm and local.is_up(settings, (local.PREFECT, local.WORKER)):
        progress("an alarm: the automation of the platform releases")
        return _of_automation(spec.name, report.alarm.at, settings)
    progress("an alarm: a release learns from the outcomes")
    because = f"{report.kind} alarm: {alarm}"
    from flows.release import release

    by = f"automation {retraining(spec.name)}"
    state: State[Any] = run(release, spec.name, started_by=by, name=spec.name, sample=report.sample, because=because)
    return _word(state.name or ""), state.message or ""


def retraining(model: str) -> str:
    """Return the name of the automation that releases a model after an alarm; see deployments/server/automations.yaml."""
    return f"slipway: retrain {model}"


def _of_automation(model: str, since: datetime, settings: Settings) -> tuple[str, str]:
    with PrefectServer(f"{settings.prefect_url}/api") as server:
        deployment = server.call("GET", f"/deployments/name/release/{model}")
        made = {"deployment_id": {"any_": [deployment["id"]]}, "expected_start_time": {"after_": since.isoformat()}}

        def begun() -> list[dict[str, Any]]:
            found = server.call("POST", "/flow_runs/filter", {"flow_runs": made, "sort": "EXPECTED_START_TIME_ASC"})
            return [one for one in found if (one["created_by"] or {}).get("display_value") == retraining(model)]

        if not (runs := wait_until(begun, every=LOOK, within=BEGINS_WITHIN)):
            raise SimulationError(
                f"{model}: an alarm was raised, and within {BEGINS_WITHIN:.0f} s the automation '{retraining(model)}' started no release. "
                "Is it enabled in Prefect's page?"
            )
        run_id = runs[0]["id"]

        def ended() -> dict[str, Any] | None:
            state: dict[str, Any] = server.call("GET", f"/flow_runs/{run_id}")["state"]
            return state if state["type"] in ENDED else None

        state = wait_until(ended, every=LOOK, within=ENDS_WITHIN)
    if state is None:
        raise SimulationError(
            f"{model}: the release {run_id} did not end within {ENDS_WITHIN / 3600:.0f} hours. Does it wait for approval?"
        )
    return _word(state["name"]), state["message"] or ""


def _word(state: str) -> str:
    """Return the name of a state in words: NothingNew is "nothing new"."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in state).strip()


def _watch() -> Any:
    from flows.watch import watch

    return watch
