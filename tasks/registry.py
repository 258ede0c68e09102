"""MLflow: the run, the version, and who is champion."""

from __future__ import annotations

import logging

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.transactions import Transaction, get_transaction

from slipway import promotion
from slipway.records import Candidate, Promotion, Snapshot, Tuned
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import registration
from slipway.training.splitting import Rows

logger = logging.getLogger("slipway.tasks.registry")

PROMOTION, SETTINGS = "promotion", "settings"


@task(task_run_name="recover-{spec.name}", cache_policy=NO_CACHE)
def recover(spec: ModelSpec, settings: Settings) -> bool:
    """Undo what a release that was killed between promotion and smoke test left behind."""
    undone = promotion.recover(spec, settings)
    if not undone:
        logger.info("%s: no release was cut short, nothing is to be put back", spec.name)
    return undone


@task(task_run_name="register-{spec.name}", cache_policy=NO_CACHE)
def register(spec: ModelSpec, snapshot: Snapshot, rows: Rows, tuned: Tuned, settings: Settings, dry_run: bool = False) -> Candidate:
    """Refit, score the test rows once, log, compile, prove and register; see `slipway.tracking.registration`."""
    return registration.register(spec, snapshot, rows, tuned, settings, dry_run=dry_run)


@task(task_run_name="promote-{spec.name}", cache_policy=NO_CACHE)
def promote(spec: ModelSpec, candidate: Candidate, settings: Settings) -> Promotion:
    """Move the alias and the stage; announced in the ledger first, so that even a killed process can be undone."""
    begun = promotion.begin(spec, candidate, settings)
    if transaction := get_transaction():
        transaction.set(PROMOTION, begun)
        transaction.set(SETTINGS, settings)
    return begun


@promote.on_rollback
def restore(transaction: Transaction) -> None:
    """Put alias, stage and service back where they were."""
    promotion.undo(transaction.get(PROMOTION), transaction.get(SETTINGS), why="serving or the smoke test failed; see the run")


@task(task_run_name="confirm-{begun.candidate.model}", cache_policy=NO_CACHE)
def confirm(begun: Promotion, why: str, settings: Settings) -> None:
    """Write the promotion into the ledger: from here on it is history."""
    promotion.finish(begun, settings, why)


@task(task_run_name="refuse-{candidate.model}", cache_policy=NO_CACHE)
def refuse(candidate: Candidate, why: str, settings: Settings) -> None:
    """Write the refusal into the ledger."""
    promotion.refuse(candidate, settings, why)
