"""Events that automations may listen for; each is about one model."""

from __future__ import annotations

from prefect.events import emit_event


def emit(event: str, model: str, **payload: object) -> None:
    """Tell Prefect that something happened to a model, named as `slipway.<what>.<how>`; the resource is `slipway.model.<name>`."""
    emit_event(event, resource={"prefect.resource.id": f"slipway.model.{model}", "prefect.resource.name": model}, payload=payload)
