"""The ledger's line about rows that the data gate refused, so that no version was made of them."""

from __future__ import annotations

import logging

from slipway.lifecycle import record
from slipway.lifecycle.ledger import Ledger
from slipway.records import Admission, Origin
from slipway.settings import Settings
from slipway.spec import ModelSpec

logger = logging.getLogger(__name__)


def why(spec: ModelSpec, admission: Admission) -> str:
    """Return the reasons, and what a person does who finds the rows right."""
    digits = admission.sha256[:12]
    return (
        f"the data gate refused the rows {digits}: {admission.reasons}. If they are right, release them with "
        f"`slipway release {spec.name} --snapshot {digits}`, or change data_gate in the model's file, {spec.model_file}"
    )


def note(spec: ModelSpec, admission: Admission, settings: Settings, run_url: str | None, origin: Origin) -> None:
    """Write the line about the version in service, which stays. Without one there is no line: the run has all of it."""
    if (now := record.in_service(spec, settings)) is None:
        logger.warning("%s: no version is in service, so the ledger has no line about the rows that were refused", spec.name)
        return
    entry = record.line("rows refused", now, why(spec, admission), origin)
    Ledger(settings.ledger).append(entry.model_copy(update={"run_url": run_url}))
