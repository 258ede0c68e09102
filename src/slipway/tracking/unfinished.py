"""What a registration that did not end left in MLflow, and clearing it up.

A version is made with the tag `UNFINISHED`, in one request, and loses it when it became the candidate. So one whose maker was
killed, or whose maker never got the answer and asked again, is known by its tag.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from slipway.spec import ModelSpec

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

UNFINISHED = "slipway.unfinished"
MODEL_TAG = "slipway.model"


def run_name(spec: ModelSpec) -> str:
    """Return the name of the MLflow runs that releases of a model make."""
    return f"release-{spec.name}"


def clear_up(client: MlflowClient, spec: ModelSpec) -> None:
    """Delete versions that never became the candidate, and close the runs they were to come from. Safe to repeat.

    The caller holds the model's lock, so nobody is at work on them.
    """
    name = spec.registered_as
    for version in client.search_model_versions(f"name = '{name}' and tag.`{UNFINISHED}` = 'true'"):
        client.delete_model_version(name, version.version)
        logger.warning("%s: deleted version %s, whose registration did not end", spec.name, version.version)
    experiment = client.get_experiment_by_name(spec.name)
    if experiment is None:
        return
    abandoned = f"attributes.status = 'RUNNING' and attributes.run_name = '{run_name(spec)}' and tags.`{MODEL_TAG}` = '{spec.name}'"
    for run in client.search_runs([experiment.experiment_id], abandoned):
        client.set_terminated(run.info.run_id, status="KILLED")
        logger.warning("%s: closed run %s, which did not end", spec.name, run.info.run_id)
