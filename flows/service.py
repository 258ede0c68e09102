"""The way into service, the same for a release, a promotion and a rollback."""

from __future__ import annotations

from prefect.transactions import transaction

from slipway.records import Action, Candidate, SmokeReport
from slipway.settings import Settings
from slipway.spec import ModelSpec
from tasks.registry import confirm, promote
from tasks.serving import serve, smoke_test


def put_into_service(
    spec: ModelSpec, candidate: Candidate, settings: Settings, *, why: str, action: Action = "release", because: str = ""
) -> SmokeReport:
    """Put the version into service, and smoke-test the endpoint. A step that fails puts all of it back. Alias and stage follow.

    Args:
        why: The reason in the ledger's line.
        because: A person's reason, which the ledger has also when the promotion or the rollback is undone.
    """
    with transaction():
        begun = promote(spec, candidate, settings, action=action, because=because)
        endpoint = serve(spec, candidate, settings)
        tested = smoke_test(endpoint, candidate, settings)
        confirm(begun, why, settings)
    return tested
