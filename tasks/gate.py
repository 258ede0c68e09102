"""The verdict on a candidate."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE

from slipway import gate
from slipway.learning.evidence import Learning
from slipway.lifecycle import record
from slipway.monitoring.journal import Journal
from slipway.monitoring.policy import standing
from slipway.records import Candidate, Verdict
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import registry
from slipway.tracking.connection import connect
from tasks.origin import origin
from tasks.patience import FOR_MLFLOW, MINUTE

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger("slipway.tasks.gate")


@task(task_run_name="judge-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=30 * MINUTE, **FOR_MLFLOW)
def judge(spec: ModelSpec, candidate: Candidate, learning: Learning, settings: Settings, to_try: bool = False) -> Verdict:
    """Compare candidate and champion on the same rows, and apply every rule of the gate; see `slipway.gate`.

    Args:
        to_try: Whether it will be tried beside the champion instead of replacing it.
    """
    client = connect(settings)
    with registry.downloaded_bundle(client, candidate.run_id) as bundle, _in_service(client, spec, settings) as stored:
        bundle, occasion = bundle.trusting(candidate.trusted), _occasion(spec, learning, settings, to_try)
        verdict = gate.decide(spec, candidate, bundle, learning.rows, stored, occasion)
    for rule in verdict.rules:
        logger.log(logging.INFO if rule.passed else logging.WARNING, "%s: gate, %s: %s", spec.name, rule.name, rule.reason)
    if verdict.paired:
        logger.info("%s: champion and candidate, row by row: %s", spec.name, verdict.paired.reason)
    return verdict


def _occasion(spec: ModelSpec, learning: Learning, settings: Settings, to_try: bool) -> gate.Occasion:
    due, now = "a person started this release" if origin().person else "", record.in_service(spec, settings)
    if now and not due:
        due = standing(Journal(settings.ledger).windows(spec.service, now.version), spec.watch)
    learnt = learning.snapshot.learnt
    return gate.Occasion(to_try, due, learnt.not_judged if learnt else "")


@contextmanager
def _in_service(client: MlflowClient, spec: ModelSpec, settings: Settings) -> Iterator[gate.StoredChampion | gate.Champion | None]:
    """Yield the version in service; without its bundle, if neither this host nor MLflow has that any more."""
    if (now := record.in_service(spec, settings)) is None:
        yield None
        return
    with record.bundle_in_service(now, settings) as bundle:
        if bundle is None:
            yield gate.Champion(now.version, now.metrics, now.sample, not_compared="its bundle is lost")
        else:
            yield gate.StoredChampion(bundle.trusting(now.trusted), registry.training_rows(client, now.run_id))
