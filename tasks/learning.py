"""Rows of the log: what a release learns from beside its data set, and whether there is anything new in it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from slipway.audit import SETTLED
from slipway.data import manifests
from slipway.learning.evidence import Learning, code_of_join
from slipway.learning.evidence import learn as learn_from
from slipway.learning.news import nothing_new
from slipway.learning.recalling import columns_by_version, learnt_again, predecessor_of
from slipway.learning.report import learning_report
from slipway.lifecycle import record
from slipway.lifecycle.ledger import Ledger
from slipway.records import Snapshot
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking.connection import connect
from slipway.training.splitting import Rows
from tasks import events
from tasks.origin import origin, require_leave
from tasks.patience import FOR_MLFLOW, HOUR, MINUTE

logger = logging.getLogger("slipway.tasks.learning")


@task(task_run_name="learn-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=HOUR, **FOR_MLFLOW)
def learn(spec: ModelSpec, snapshot: Snapshot, rows: Rows, settings: Settings) -> Learning:
    """Join answered rows with outcomes to those of the data set, or join them again as an earlier release did; see `slipway.learning`."""
    if spec.learns is None:
        return Learning(snapshot, rows, [])
    if snapshot.learnt is not None:
        return learnt_again(spec, snapshot, rows, settings)
    champion = predecessor_of(spec, connect(settings), record.in_service(spec, settings))
    place, until = settings.audit_url or settings.home, datetime.now(UTC) - SETTLED
    found = learn_from(spec, snapshot, rows, place, until, columns_by_version(spec, settings), champion)
    if learnt := found.snapshot.learnt:
        logger.info("%s: learns from %d answered rows with outcomes; %d are set apart to judge", spec.name, learnt.learnt, learnt.apart)
        if learnt.learnt or learnt.apart:
            manifests.note_learnt(found.snapshot, code_of_join(spec))
        report = learning_report(spec, learnt, found.findings)
        create_markdown_artifact(report, key=f"learning-{spec.name}", description=f"{spec.name}: what it learns from")
    return found


@task(task_run_name="look-for-news-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=5 * MINUTE, **FOR_MLFLOW)
def why_nothing_new(spec: ModelSpec, snapshot: Snapshot, settings: Settings) -> str:
    """Return why a run that no person started has nothing to learn from; "" if it has, or if a person wants a release anyway."""
    now = record.in_service(spec, settings)
    if now is None or origin().person or spec.challenges:
        return ""
    return nothing_new(spec, snapshot, now, connect(settings))


@task(task_run_name="nothing-new-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=10 * MINUTE)
def note_nothing_new(spec: ModelSpec, why: str, settings: Settings) -> None:
    """Write into the ledger that a release found nothing new; nothing else is changed."""
    if now := record.in_service(spec, settings):
        line = record.line("nothing new", now, why, require_leave(spec.service, settings))
        Ledger(settings.ledger).append(line.model_copy(update={"run_url": events.run_url()}))
