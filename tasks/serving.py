"""The endpoint: a bundle goes into service, and is proven to answer as measured."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE

from slipway.errors import SmokeTestError
from slipway.lifecycle import record, rehearsal, serving, smoke
from slipway.records import Candidate, Endpoint, SmokeReport
from slipway.settings import Settings
from slipway.spec import ModelSpec
from tasks import events
from tasks.origin import require_leave
from tasks.patience import FOR_MLFLOW, MINUTE, patiently


@task(task_run_name="rehearse-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=5 * MINUTE, **FOR_MLFLOW)
def rehearse(spec: ModelSpec, candidate: Candidate, settings: Settings) -> SmokeReport:
    """Load the bundle in a gateway of its own beside the running one, and smoke-test it there."""
    with record.bundle_of(candidate.model, candidate.version or 0, candidate.run_id, settings) as bundle:
        return rehearsal.rehearse(spec, bundle.trusting(candidate.trusted))


@task(task_run_name="serve-{spec.name}", cache_policy=NO_CACHE, timeout_seconds=5 * MINUTE)
def serve(spec: ModelSpec, candidate: Candidate, settings: Settings) -> Endpoint:
    """Install the candidate's bundle, and wait until the gateway answers from it. A failure takes it back."""

    require_leave(spec.service, settings)

    def install() -> Endpoint:
        with record.bundle_of(candidate.model, candidate.version or 0, candidate.run_id, settings) as bundle:
            return serving.deploy(spec, bundle.trusting(candidate.trusted), settings)

    return patiently(install)


@task(task_run_name="smoke-test-{endpoint.model}", cache_policy=NO_CACHE, timeout_seconds=5 * MINUTE)
def smoke_test(endpoint: Endpoint, candidate: Candidate, settings: Settings) -> SmokeReport:
    """Send the endpoint the rows measured at registration, as a caller would, and compare the answers."""

    def ask() -> SmokeReport:
        with record.bundle_of(candidate.model, candidate.version or 0, candidate.run_id, settings) as bundle:
            return smoke.smoke_test(endpoint, bundle, settings)

    try:
        report = patiently(ask)
    except SmokeTestError as error:
        events.emit(events.SMOKE_TEST_FAILED, endpoint.model, endpoint.version, str(error))
        raise
    usage = f"version {endpoint.version}: POST, with an API key; see {settings.gateway_url}/models/{endpoint.model}/openapi.json"
    create_link_artifact(endpoint.url, link_text=endpoint.url, key=f"endpoint-{endpoint.model}", description=usage)
    return report
