"""What a person decides about a model: an approval, the switch that holds alarms back, leave for automations."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.operations.runs import ORIGIN
from deployments.server import approvals
from slipway.catalogue import listings
from slipway.errors import ApprovalError
from slipway.lifecycle import holds
from slipway.lifecycle.ledger import Ledger, LedgerEntry
from slipway.lifecycle.locking import exclusive
from slipway.lifecycle.reasons import reason
from slipway.monitoring.journal import Journal, Switch
from slipway.records import Decision, Origin
from slipway.settings import Settings


@dataclass(frozen=True, slots=True)
class Resumed:
    """What held automations back until now: a person's decision in the ledger, and why alarms were held back ("": they were not).

    `resumed` is also true if the ledger had lost the line about the version in service.
    """

    resumed: bool
    held: LedgerEntry | None
    frozen: str


def decide(settings: Settings, model: str, approval: str, approved: bool, who: str, why: str) -> str:
    """Approve or reject the version that waits, and return the state in which the approval ended.

    Args:
        approval: The id of the approval's run, which the person saw: another one that began since then is another question.
    Raises:
        ApprovalError: It waits no more, or was decided already; or its release is gone.
    """
    asked = next((one for one in approvals.waiting(settings, model) if one.id == approval), None)
    if asked is None:
        raise ApprovalError(f"this version of {model} waits for approval no more; `slipway history {model}` shows what was decided.")
    return approvals.decide(settings, asked, Decision(approved=approved, who=who, why=reason(why, "decision", "recall is up")))


def freeze(settings: Settings, model: str, frozen: bool, why: str, who: str | None = None) -> Switch:
    """Hold alarms of a model back, or let them through again.

    Args:
        who: None for the user of this process; so for `resume`.
    Raises:
        RollbackError: No reason is given.
    """
    switch = Switch(model=listings().served(model).name, frozen=frozen, why=reason(why, "switch", "the sensors are being calibrated"))
    switch = switch.model_copy(update={"who": who}) if who else switch
    Journal(settings.ledger).add(switch)
    return switch


def resume(settings: Settings, model: str, why: str, who: str | None = None, started_by: str = ORIGIN) -> Resumed:
    """Let automations promote again after a person's rollback, rejection or freeze, and return what held them back.

    Raises:
        RollbackError: No reason is given.
        ReleaseInProgressError: A run changes the model at the moment.
    """
    model, why = listings().served(model).name, reason(why, "resumption", "the cause is found and mended")
    with exclusive(model, settings):
        held = holds.hold(Ledger(settings.ledger).history(model))
        lost = holds.resume(model, why, settings, Origin(started_by=started_by, who=who))
    frozen = Journal(settings.ledger).frozen(model)
    if frozen:
        freeze(settings, model, False, why, who)
    return Resumed(resumed=bool(lost or frozen), held=held, frozen=frozen)
