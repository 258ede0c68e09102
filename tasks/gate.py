"""The verdict on a candidate."""

from __future__ import annotations

import logging

from prefect import task
from prefect.cache_policies import NO_CACHE

from slipway import gate
from slipway.records import Candidate, Verdict
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import registry
from slipway.tracking.connection import connect
from slipway.training.splitting import Rows

logger = logging.getLogger("slipway.tasks.gate")


@task(task_run_name="judge-{spec.name}", cache_policy=NO_CACHE)
def judge(spec: ModelSpec, candidate: Candidate, rows: Rows, settings: Settings) -> Verdict:
    """Let the champion answer the same test rows, and apply every rule of the gate; see `slipway.gate`."""
    client = connect(settings)
    held = registry.champion(client, spec.registered_as)
    champion = None
    if held is not None:
        with registry.downloaded_bundle(client, held.run_id) as bundle:
            champion = gate.score_champion(spec, rows, bundle)
    verdict = gate.judge(spec, candidate, champion)
    for rule in verdict.rules:
        logger.log(logging.INFO if rule.passed else logging.WARNING, "%s: gate, %s: %s", spec.name, rule.name, rule.reason)
    return verdict
