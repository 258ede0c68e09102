"""The steps of the watch: judge what was served, conclude, report, raise an alarm, propose a challenger."""

from __future__ import annotations

import logging
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from slipway.audit import SETTLED
from slipway.learning.news import prospect
from slipway.lifecycle import record
from slipway.monitoring import in_service, observing, policy, published, watch_run
from slipway.monitoring.distributions import shares
from slipway.monitoring.drift.drift import compared
from slipway.monitoring.findings import Alarm, Proposal, WatchReport, Window
from slipway.monitoring.in_service import Watched
from slipway.monitoring.journal import Journal
from slipway.monitoring.observing import Observed
from slipway.monitoring.report import report as evidently_report
from slipway.monitoring.summary import watch_report
from slipway.monitoring.trend import trend
from slipway.pages.service.report import report_page
from slipway.records import Paired
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking.connection import connect, run_page
from tasks import events
from tasks.patience import FOR_MLFLOW, FOR_ORIGIN, HOUR, MINUTE

logger = logging.getLogger("slipway.tasks.monitoring")


@task(task_run_name="recall-training-rows-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=HOUR, **FOR_ORIGIN)
def recall(spec: ModelSpec, settings: Settings) -> Watched:
    """Return the version in service with its training rows; see `slipway.monitoring.in_service`."""
    return in_service.watched(spec, settings)


@task(task_run_name="judge-windows-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=HOUR)
def judge_windows(spec: ModelSpec, version: Watched, settings: Settings) -> Observed:
    """Judge the rows served and the outcomes recorded since the last watch. Each window is written into the journal at once."""
    place = settings.audit_url or settings.home
    found = observing.observe(spec, version, Journal(settings.ledger), place, datetime.now(UTC))
    waiting = f"{found.waiting:,} rows and {found.waiting_outcomes:,} outcomes wait for the next one"
    logger.info("%s: %d windows judged; %s", spec.name, len(found.windows), waiting)
    return found


@task(task_run_name="compare-challenger-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=HOUR)
def compare_challenger(spec: ModelSpec, version: Watched, settings: Settings) -> Paired | None:
    """Compare the version in service with its challenger, on the rows with outcomes that both answered."""
    paired = observing.compare(spec, version, settings.audit_url or settings.home, datetime.now(UTC))
    if paired:
        logger.info("%s: version %s against challenger %s: %s", spec.name, version.version, version.challenger, paired.reason)
    return paired


def conclude(spec: ModelSpec, version: Watched, observed: Observed, paired: Paired | None, settings: Settings) -> WatchReport:
    """Return the verdict on the windows of the journal, and the alarm or the proposal to make. Nothing is written here."""
    journal, now = Journal(settings.ledger), datetime.now(UTC)
    alarms, frozen = journal.alarms(spec.name), journal.frozen(spec.name)
    windows = journal.windows(spec.name, version.version)
    verdict = policy.judge(windows, spec.watch, now=now, last_alarm=alarms[-1] if alarms else None, frozen=frozen)
    return WatchReport(
        model=spec.name,
        version=version.version,
        sample=version.contract.sample,
        state=verdict.state,
        reason=verdict.reason,
        kind=verdict.kind,
        alarm=verdict.alarm,
        frozen=frozen,
        windows=observed.windows,
        waiting=observed.waiting,
        waiting_outcomes=observed.waiting_outcomes,
        challenger=version.challenger,
        paired=paired,
        proposal=observing.propose(version, paired, journal.proposals(spec.name), now),
    )


@task(task_run_name="report-watch-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=30 * MINUTE, **FOR_MLFLOW)
def report_watch(spec: ModelSpec, version: Watched, observed: Observed, report: WatchReport, settings: Settings) -> str | None:
    """Show verdict, windows and trend in the run page; log figures and Evidently's report to MLflow; publish verdict and figures for the
    gateway, with the report that its page shows.

    Returns:
        The MLflow run; None when no window was judged.
    """
    windows = Journal(settings.ledger).windows(spec.name, version.version)
    client, run_id, links = connect(settings), None, []
    with tempfile.TemporaryDirectory() as folder:
        page = _evidently(spec, version, observed, Path(folder))
        if observed.windows:
            latest = max((window.number for window in observed.windows if window.kind == "served"), default=0)
            run_id = watch_run.log(client, spec, version.contract, observed.windows, {latest: page} if page else {}, settings)
            if url := run_page(client, settings, run_id):
                links.append(f"[Figures by window, and Evidently's reports]({url})")
                create_link_artifact(url, link_text=f"MLflow run of the watch of {spec.name}", key=f"mlflow-watch-{spec.name}")
    published.publish(settings.home, spec.name, _page(spec, version, observed, report, windows, settings), _latest(spec, report, windows))
    links.append(f"[The report of this watch]({settings.gateway_url}/service/{spec.name}/report), for the role `operate`")
    create_markdown_artifact(
        watch_report(spec, report, windows, trend(windows, spec) if windows else None, links),
        key=f"watch-{spec.name}",
        description=f"{spec.name}: windows, trend and verdict",
    )
    return run_id


@task(task_run_name="raise-alarm-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=5 * MINUTE)
def raise_alarm(spec: ModelSpec, alarm: Alarm, sample: bool, settings: Settings) -> None:
    """Write the alarm into the journal, then emit it: automations notify, and start a release. Nothing is promoted here.

    The journal comes first: an alarm that was emitted and not written would be emitted again at every watch.
    """
    if now := record.in_service(spec, settings):
        outlook = prospect(spec, now, settings.audit_url or settings.home, datetime.now(UTC) - SETTLED)
        alarm = alarm.model_copy(update={"reason": f"{alarm.reason}; {outlook}"})
    Journal(settings.ledger).add(alarm)
    logger.warning("%s: %s alarm: %s", spec.name, alarm.kind, alarm.reason)
    event = events.BELOW_FLOOR if alarm.kind == "outcomes" else events.DRIFT
    events.emit(event, spec.name, alarm.version, alarm.reason, kind=alarm.kind, sample=sample)


@task(task_run_name="propose-challenger-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=5 * MINUTE)
def propose(spec: ModelSpec, proposal: Proposal, settings: Settings) -> None:
    """Write the proposal into the journal, then emit it. The gate and a person decide about the promotion."""
    Journal(settings.ledger).add(proposal)
    logger.warning("%s: version %d should be promoted: %s", spec.name, proposal.challenger, proposal.reason)
    events.emit(events.CHALLENGER_BETTER, spec.name, proposal.challenger, proposal.reason)


def _evidently(spec: ModelSpec, version: Watched, observed: Observed, folder: Path) -> Path | None:
    """Write Evidently's page about the latest new window of served rows; None without one that has enough rows."""
    judged = [window for window in observed.windows if window.drift]
    if observed.latest is None or not judged or judged[-1].drift is None:
        return None
    rows, path = observed.latest, folder / "report.html"
    evidently_report(spec, version.reference, rows.features, rows.labels, judged[-1].drift, path)
    return path


def _page(spec: ModelSpec, version: Watched, observed: Observed, report: WatchReport, windows: list[Window], settings: Settings) -> bytes:
    """Return the report of the watch, with pictures of the latest judged window, also if an earlier watch judged it."""
    window = next((window for window in reversed(windows) if window.drift), None)
    served = [one for one in observed.windows if one.kind == "served"]
    if served and served[-1] == window:
        rows = observed.latest
    else:
        rows = observing.rows_of(spec, window, settings.audit_url or settings.home) if window else None
    columns = compared(spec, version.reference, rows.features, rows.labels) if rows else []
    return report_page(spec.name, report, windows, shares(columns), datetime.now(UTC))


def _latest(spec: ModelSpec, report: WatchReport, windows: list[Window]) -> published.Latest:
    served = next((window for window in reversed(windows) if window.drift), None)
    known = next((window for window in reversed(windows) if window.performance), None)
    finding, figures = served.drift if served else None, known.performance if known else None
    return published.Latest(
        model=spec.name,
        version=report.version,
        windows=len(windows),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        rows=served.rows if served else 0,
        distances={found.column: found.distance for found in finding.columns} if finding else {},
        drifted=finding.drifted if finding else [],
        prediction_distance=finding.prediction.distance if finding and finding.prediction else None,
        metric=figures.metric if figures else None,
        figure=figures.figure if figures else None,
        low=figures.low if figures else None,
        high=figures.high if figures else None,
        registered=figures.registered if figures else None,
        outcomes=known.rows if known else None,
        alarm=report.kind or "",
        frozen=bool(report.frozen),
    )
