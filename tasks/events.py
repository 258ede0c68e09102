"""The events that Slipway emits to Prefect, so that automations can act on them. Tasks emit them; a lost event undoes nothing.

| event | when | `reason` |
|---|---|---|
| `slipway.model.promoted` | a release or a promotion put a version into service, and its smoke test passed | the gate's or a person's |
| `slipway.model.challenging` | a challenger passed the gate and is tried beside the version in service | how the two compare |
| `slipway.model.rolled-back` | an earlier version is back in service, and its smoke test passed | the operator's |
| `slipway.release.refused` | the gate refused a candidate; service and champion are unchanged | every failed rule |
| `slipway.approval.waiting` | a release waits for a person's decision on the page of `run` | until when |
| `slipway.smoke-test.failed` | the endpoint did not answer as measured; the earlier version is put back | what was wrong |
| `slipway.drift.detected` | the watch raised an alarm: rows or answers drifted, or answers are less right | which windows |
| `slipway.outcomes.below-floor` | the watch raised an alarm: by their outcomes, answers fell below the gate's floor | which windows |
| `slipway.challenger.better` | the watch found a challenger better than the version in service | the comparison |

The resource is `slipway.model.<name>`; Prefect adds the run and its deployment as related resources. The payload has `model`, `version`,
`reason`, `run` (its name) and `run_url` (its page, or "" without one). An alarm's payload also has its `kind`, and `sample`: whether the
version was trained on sample rows.
"""

from __future__ import annotations

from prefect.events import emit_event
from prefect.runtime import flow_run
from prefect.settings import PREFECT_UI_URL
from prefect.utilities.urls import url_for

PROMOTED = "slipway.model.promoted"
CHALLENGING = "slipway.model.challenging"
ROLLED_BACK = "slipway.model.rolled-back"
REFUSED = "slipway.release.refused"
APPROVAL_WAITING = "slipway.approval.waiting"
SMOKE_TEST_FAILED = "slipway.smoke-test.failed"
CHALLENGER_BETTER = "slipway.challenger.better"
DRIFT = "slipway.drift.detected"
BELOW_FLOOR = "slipway.outcomes.below-floor"

LONGEST = 2_000  # characters of the reason


def emit(event: str, model: str, version: int | None, reason: str, **more: str | bool) -> None:
    """Emit one of the events above, with `more` in its payload. Prefect sends it in the background, and logs what it cannot send."""
    emit_event(
        event,
        resource={"prefect.resource.id": f"slipway.model.{model}", "prefect.resource.name": model},
        payload={
            "model": model,
            "version": version,
            "reason": reason[:LONGEST],
            "run": flow_run.name or "",
            "run_url": run_url() or "",
            **more,
        },
    )


def run_url() -> str | None:
    """Return the page of the current flow run; None outside of one, or where the server ends with the run."""
    # flow_run.ui_url is the address that the page had in an earlier version of Prefect
    return url_for("flow-run", obj_id=flow_run.id, url_type="ui") if PREFECT_UI_URL.value() and flow_run.id else None
