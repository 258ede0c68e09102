"""The endpoint: a bundle into service, and the proof that it answers as measured."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE

from slipway import serving, smoke
from slipway.records import Candidate, Endpoint, SmokeReport
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import registry
from slipway.tracking.connection import connect


@task(task_run_name="serve-{spec.name}", cache_policy=NO_CACHE)
def serve(spec: ModelSpec, candidate: Candidate, settings: Settings) -> Endpoint:
    """Install the candidate's bundle, as MLflow holds it, and wait until the gateway answers from it."""
    with registry.downloaded_bundle(connect(settings), candidate.run_id) as bundle:
        return serving.deploy(spec, bundle, settings)


@task(task_run_name="smoke-test-{endpoint.model}", cache_policy=NO_CACHE)
def smoke_test(endpoint: Endpoint, candidate: Candidate, settings: Settings) -> SmokeReport:
    """Ask the endpoint, as a caller would, what was measured at registration."""
    with registry.downloaded_bundle(connect(settings), candidate.run_id) as bundle:
        report = smoke.smoke_test(endpoint, bundle, settings)
    told = f"version {endpoint.version}: POST, with an API key; see {settings.gateway_url}/models/{endpoint.model}/openapi.json"
    create_link_artifact(endpoint.url, link_text=endpoint.url, key=f"endpoint-{endpoint.model}", description=told)
    return report
