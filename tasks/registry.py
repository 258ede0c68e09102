"""MLflow: the run, the version, and which version is champion."""

from __future__ import annotations

import logging
import sys

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.transactions import Transaction, get_transaction

from slipway.errors import RegistryUnavailableError
from slipway.lifecycle import mirroring, promotion, record, rollback
from slipway.lifecycle.ports import require_model_port
from slipway.lifecycle.rollback import RollbackPlan
from slipway.records import Action, Candidate, Promotion, Snapshot, Tuned
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import registration, unfinished
from slipway.tracking.connection import connect
from slipway.training.splitting import Rows
from tasks import events
from tasks.origin import require_leave
from tasks.patience import FOR_MLFLOW, FOR_MLFLOW_AT_FIRST, HOUR, MINUTE, patiently

logger = logging.getLogger("slipway.tasks.registry")

PROMOTION, SETTINGS = "promotion", "settings"


@task(task_run_name="recover-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=10 * MINUTE, **FOR_MLFLOW_AT_FIRST)
def recover(spec: ModelSpec, settings: Settings, without_mlflow: bool = False, replaces: bool = True) -> bool:
    """Undo the work of a release that was killed while it registered, or between promotion and smoke test.

    What is in service is put back even if MLflow is away; what a registration left there is cleared up when it answers again. A run that
    replaces what is in service ends here, before it searches, if another program has the model's port.
    """
    undone = promotion.recover(spec, settings)
    try:
        client = connect(settings)
        unfinished.clear_up(client, spec)
        mirroring.catch_up(spec, settings)
        if not without_mlflow:
            now = record.in_service(spec, settings)
            registration.require_registry(client, spec, now.run_id if now else None)
    except RegistryUnavailableError as error:
        if not without_mlflow:
            raise
        logger.warning("%s: this goes on without MLflow: %s", spec.name, error)
    if replaces:
        require_model_port(spec.service, settings)
    if not undone:
        logger.debug("%s: no earlier run was cut short; nothing to put back", spec.name)
    return undone


@task(task_run_name="register-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=HOUR, **FOR_MLFLOW)
def register(spec: ModelSpec, snapshot: Snapshot, rows: Rows, tuned: Tuned, settings: Settings, dry_run: bool = False) -> Candidate:
    """Refit, score the test rows once, log, compile, prove and register. A failed attempt removes its version."""
    require_leave(spec.service, settings)
    return registration.register(spec, snapshot, rows, tuned, settings, dry_run=dry_run)


@task(task_run_name="choose-version-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=5 * MINUTE, **FOR_MLFLOW)
def choose_version(spec: ModelSpec, settings: Settings, to: int | None) -> RollbackPlan:
    """Find the version to roll back to, and every objection to it, before anything is moved; see `slipway.lifecycle.rollback`."""
    return rollback.plan(spec, settings, to)


@task(task_run_name="promote-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=10 * MINUTE)
def promote(spec: ModelSpec, candidate: Candidate, settings: Settings, action: Action = "release", because: str = "") -> Promotion:
    """Announce the promotion in the ledger, so that it can be undone even after a kill.

    No step of this transaction has retries, because Prefect rolls the transaction back when an attempt fails. Each step tries again
    within its attempt.
    """

    origin = require_leave(spec.service, settings)

    def begin() -> Promotion:
        promotion.recover(spec, settings)  # an earlier attempt may have announced it and, without MLflow, not undone it
        return promotion.begin(spec, candidate, settings, action=action, because=because, origin=origin)

    begun = patiently(begin)
    if transaction := get_transaction():
        transaction.set(PROMOTION, begun)
        transaction.set(SETTINGS, settings)
    return begun


@promote.on_rollback
def restore(transaction: Transaction) -> None:
    """Put the service back where it was."""
    begun, error = transaction.get(PROMOTION), sys.exception()  # Prefect rolls a transaction back while its error propagates
    why = f"{type(error).__name__}: {error}".removesuffix(": ") if error else "the run ended before the smoke test passed"
    promotion.undo(begun, transaction.get(SETTINGS), why=f"the {begun.action} failed: {why}", run_url=events.run_url())


@task(task_run_name="confirm-{begun.candidate.model}", cache_policy=NO_CACHE, timeout_seconds=10 * MINUTE)
def confirm(begun: Promotion, why: str, settings: Settings) -> None:
    """Write the promotion into the ledger: it is complete, and alias and stage in MLflow may follow."""
    require_leave(begun.candidate.model, settings)
    patiently(lambda: promotion.finish(begun, settings, why, events.run_url()))
    event = events.ROLLED_BACK if begun.action == "rollback" else events.PROMOTED
    events.emit(event, begun.candidate.model, begun.candidate.version, why)


@task(task_run_name="mirror-{spec.service}", cache_policy=NO_CACHE, timeout_seconds=10 * MINUTE)
def mirror(spec: ModelSpec, settings: Settings) -> None:
    """Have alias and stage in MLflow say what is in service; see `slipway.lifecycle.mirroring`."""
    mirroring.follow(spec, settings)


@task(task_run_name="refuse-{candidate.model}", cache_policy=NO_CACHE, timeout_seconds=10 * MINUTE, **FOR_MLFLOW)
def refuse(candidate: Candidate, why: str, settings: Settings) -> None:
    """Write the refusal into the ledger."""
    promotion.note("refused", candidate, settings, why, events.run_url(), require_leave(candidate.model, settings))
    events.emit(events.REFUSED, candidate.model, candidate.version, why)
