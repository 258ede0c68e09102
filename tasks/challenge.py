"""The challenger: tried beside the version in service, and chosen for promotion."""

from __future__ import annotations

import logging

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from slipway.lifecycle import challenge, promotion
from slipway.lifecycle.challenge import Chosen
from slipway.lifecycle.report import verdict_and_figures
from slipway.records import Candidate, Verdict
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import registry
from slipway.tracking.connection import connect
from tasks import events
from tasks.origin import require_leave
from tasks.patience import FOR_MLFLOW, MINUTE, patiently

logger = logging.getLogger("slipway.tasks.challenge")


@task(task_run_name="challenge-{spec.service}", cache_policy=NO_CACHE, timeout_seconds=10 * MINUTE)
def begin_challenge(spec: ModelSpec, candidate: Candidate, why: str, settings: Settings, share: float = 0.0) -> None:
    """Have the gateway try the candidate, give it the alias `challenger`, and write that into the ledger.

    Args:
        share: The fraction of requests that it answers; 0: none, in shadow.
    """

    origin = require_leave(spec.service, settings)

    def begin() -> None:
        with registry.downloaded_bundle(connect(settings), candidate.run_id) as bundle:
            challenge.begin(spec, bundle.trusting(candidate.trusted), share, settings)

    patiently(begin)
    patiently(lambda: promotion.note("challenging", candidate, settings, why, events.run_url(), origin))
    events.emit(events.CHALLENGING, candidate.model, candidate.version, why)


@task(task_run_name="end-challenge-{spec.service}", cache_policy=NO_CACHE, timeout_seconds=5 * MINUTE, **FOR_MLFLOW)
def end_challenge(spec: ModelSpec, why: str, settings: Settings) -> bool:
    """End the trial in gateway and registry; return whether there was one."""
    require_leave(spec.service, settings)
    ended = challenge.end(spec, settings)
    logger.info("%s: %s", spec.service, f"the challenge is ended: {why}" if ended else "there is no challenger")
    return ended


@task(task_run_name="choose-challenger-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=5 * MINUTE, **FOR_MLFLOW)
def choose_challenger(spec: ModelSpec, settings: Settings, version: int | None) -> Chosen:
    """Find the version to promote, and every objection to it, before anything is moved; see `slipway.lifecycle.challenge`."""
    return challenge.choose(spec, settings, version)


@task(task_run_name="report-{spec.name}", cache_policy=NO_CACHE)
def report_challenger(spec: ModelSpec, candidate: Candidate, verdict: Verdict) -> None:
    """Show in the run page what the gate found, and how champion and challenger compare row by row."""
    champion = f"version {verdict.champion}" if verdict.champion else "none"
    lines = [
        f"# {spec.service}: version {candidate.version} {'passed' if verdict.passed else 'refused'}, in the place of {champion}\n",
        *verdict_and_figures(candidate, verdict),
    ]
    create_markdown_artifact("\n".join(lines), key=f"promotion-{spec.service}", description=f"{spec.service}: champion and challenger")
