"""Hyperparameters, by cross-validation on the training rows."""

from __future__ import annotations

import logging
import math
import os
from typing import cast
from uuid import UUID

from prefect import task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE

from slipway.learning.recalling import of_data_set
from slipway.records import Snapshot, Tuned
from slipway.settings import Settings
from slipway.spec import Adopted, ModelSpec
from slipway.training.first_fit import require_storable_fit
from slipway.training.search import tuning
from slipway.training.splitting import Rows
from tasks.patience import HOUR

logger = logging.getLogger("slipway.tasks.tuning")

AGAIN = 0.15  # of the trials: when rows of the log have come and nothing else has changed, the best points are tried again
REPORTS = 10  # progress lines in the log of a study


@task(task_run_name="tune-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=12 * HOUR)
def tune(spec: ModelSpec, snapshot: Snapshot, rows: Rows, settings: Settings, trials: int | None = None, jobs: int | None = None) -> Tuned:
    """Search, with the progress in the run page and in the log; see `slipway.training.search.tuning`.

    An estimator that could not be stored afterwards is refused before; the log says which engine will answer.
    """
    require_storable_fit(spec, rows)
    if isinstance(spec.estimator, Adopted):
        return tuning.as_it_is(spec, rows, snapshot.sha256)
    spec = tuning.searched(spec, sample=snapshot.sample)
    of_rows, again = of_data_set(snapshot).sha256, math.ceil(spec.trials * AGAIN)
    first = tuning.best_points(spec, snapshot.sha256, of_rows, again, settings.studies) if snapshot.learnt else []
    wanted = trials or (again if first else spec.trials)
    # in synchronous code, Prefect returns the id itself
    bar = cast(UUID, create_progress_artifact(progress=0.0, key=f"tuning-{spec.name}", description=f"{wanted} trials of {spec.name}"))
    step = max(1, wanted // REPORTS)

    def report(finished: int, trials: int, best: float) -> None:
        if finished % step == 0 or finished == trials:
            logger.info("%s: trial %d of %d, best cross-validated %s %.4f", spec.name, finished, trials, spec.metric, best)
            update_progress_artifact(bar, progress=100.0 * finished / trials)

    tuned = tuning.tune(spec, rows, snapshot.sha256, wanted, settings.studies, report, jobs or os.cpu_count() or 1, first, of_rows)
    rule = f" (the simplest as good as the best, by {spec.simplest.parameter})" if spec.simplest else ""
    logger.info("%s: chose %s%s, cross-validated %s %.4f", spec.name, tuned.parameters, rule, tuned.metric, tuned.score)
    return tuned
