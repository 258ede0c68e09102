"""A model's service in full: the version, where it comes from, how it does, and what happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from deployments.operations.overview import at_a_glance, sources
from deployments.operations.registry import RegisteredVersion, registered
from slipway.audit.places import Place
from slipway.catalogue import listings
from slipway.lifecycle import record
from slipway.lifecycle.ledger import LedgerEntry
from slipway.lifecycle.record import InService
from slipway.monitoring.findings import Alarm
from slipway.monitoring.journal import Journal
from slipway.monitoring.latest import latency_trend, latest_agreement
from slipway.monitoring.published import FOLDER, REPORT
from slipway.pages.service.shapes import LedgerLine, MeasuredFigure, RaisedAlarm, ServiceDetail, TriedVersion
from slipway.pages.service.windows import judged_window
from slipway.settings import Settings

LINES, ALARMS, WINDOWS = 20, 5, 30  # the latest of each


def service(settings: Settings, model: str) -> Any:
    """Return the `ServiceDetail` of a model; one that is not known here has no version and no lines. Nothing is changed."""
    found = sources(settings, model)
    entries, journal, requests = found.entries.get(model, ()), found.journal, found.requests.get(model, ())
    glance, place = at_a_glance(model, found), settings.audit_url or settings.home
    now, listing = record.of_entries(model, entries, settings), listings().get(model)
    mlflow = registered(model, listing.registered_as, now, settings) if now and listing else RegisteredVersion("elsewhere")
    metric = listing.metric if listing else ""
    tried = _tried(glance.challenger, model, now, journal, place) if now and glance.challenger else None
    detail = ServiceDetail(
        known=bool(now or entries or model in listings().services()),
        glance=msgspec.structs.replace(glance, challenger=tried),
        description=listing.description if listing else now.contract.description if now and now.contract else "",
        metric=metric,
        lower_is_better=listing.lower_is_better if listing else False,
        run_id=now.run_id if now else "",
        line=_line(now.entry, metric) if now and now.entry else None,
        data_sha256=now.data_sha256 if now else "",
        figures=_figures(now, metric, mlflow) if now else [],
        test_rows=mlflow.evidence.get("rows"),
        windows=[judged_window(window) for window in journal.windows(model, now.version)[-WINDOWS:]] if now else [],
        alarms=[_alarm(alarm) for alarm in reversed(journal.alarms(model)[-ALARMS:])],
        latency=latency_trend(requests),
        lines=[_line(entry, metric) for entry in reversed(entries[-LINES:])],
        mlflow=mlflow.state,
        mlflow_disagreements=mlflow.disagreements,
        mlflow_run=mlflow.run_page,
        mlflow_version=mlflow.version_page,
        model_card=mlflow.card_page,
        has_report=(settings.home / FOLDER / model / REPORT).exists(),
    )
    return msgspec.to_builtins(detail)


def _tried(tried: TriedVersion, model: str, now: InService, journal: Journal, place: Place) -> TriedVersion:
    """Return the challenger with how it does."""
    rows, agreeing = latest_agreement(place, model, now.version, tried.version)
    pair = (now.version, tried.version)
    proposal = next((made.reason for made in reversed(journal.proposals(model)) if (made.champion, made.challenger) == pair), "")
    return msgspec.structs.replace(tried, rows=rows, agreeing=agreeing, proposal=proposal)


def _figures(now: InService, metric: str, found: RegisteredVersion) -> list[MeasuredFigure]:
    intervals: dict[str, Sequence[float]] = found.evidence.get("intervals", {})
    names = sorted(now.metrics, key=lambda name: (name != metric, name))
    return [MeasuredFigure(name, now.metrics[name], *intervals.get(name, ())) for name in names]


def _line(entry: LedgerEntry, metric: str) -> LedgerLine:
    return LedgerLine(
        event=entry.event,
        version=entry.version,
        previous=entry.previous,
        at=entry.at,
        who=entry.who,
        why=entry.why,
        started_by=entry.started_by,
        because=entry.because,
        figure=entry.metrics.get(metric),
        sample=entry.sample,
        run_url=entry.run_url or "",
    )


def _alarm(alarm: Alarm) -> RaisedAlarm:
    return RaisedAlarm(alarm.kind, alarm.version, alarm.at.isoformat(), alarm.reason)
