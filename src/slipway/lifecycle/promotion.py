"""A new or earlier version becomes champion, or everything is put back."""

from __future__ import annotations

import logging
import socket

import msgspec

from slipway.bundle.store.active import Pointer, active
from slipway.bundle.store.challenger import end_promoted
from slipway.errors import ReleaseInProgressError
from slipway.lifecycle import version_tags
from slipway.lifecycle.ledger import DecisionEvent, Ledger, LedgerEvent, entry
from slipway.lifecycle.serving import revert
from slipway.records import Action, Candidate, Promotion
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import registry
from slipway.tracking.connection import connect

logger = logging.getLogger(__name__)


def begin(spec: ModelSpec, candidate: Candidate, settings: Settings, *, action: Action = "release", because: str = "") -> Promotion:
    """Announce the promotion, then move aliases and stages. If moving them fails, they are put back at once.

    Args:
        action: `release` for a new version, `promotion` for a challenger, `rollback` for an earlier version.
        because: The reason of a promotion or a rollback.
    """
    if candidate.version is None:
        raise ValueError(f"{spec.name}: a dry run registers no version, so there is nothing to promote.")
    client = connect(settings)
    pointer = active(settings.bundles, spec.service)
    promotion = Promotion(
        candidate=candidate,
        host=socket.gethostname(),
        registry=registry.state(client, spec.registered_as),
        pointer=None if pointer is None else msgspec.to_builtins(pointer),
        action=action,
        because=because,
    )
    Ledger(settings.ledger).announce(promotion)
    try:
        registry.promote(client, spec.registered_as, candidate.version)
    except BaseException as error:
        undo(promotion, settings, why=f"the registry could not be changed: {error}")
        raise
    return promotion


def finish(promotion: Promotion, settings: Settings, why: str, run_url: str | None = None) -> None:
    """Write the ledger line of a promotion that passed the smoke test, and end the challenge of that version.

    The challenge ends last, so that an undone promotion leaves it as it was.
    """
    event: LedgerEvent = "rolled back" if promotion.action == "rollback" else "promoted"
    previous = promotion.registry.aliases.get(registry.CHAMPION)
    _record(event, promotion.candidate, settings, previous=previous, why=why, run_url=run_url)
    end_promoted(settings.bundles, promotion.candidate.model)


def refuse(candidate: Candidate, settings: Settings, why: str, run_url: str | None = None) -> None:
    """Write the ledger line of a candidate that the gate refused; it stays in Staging."""
    now = registry.state(connect(settings), candidate.registered_as)
    _record("refused", candidate, settings, previous=now.aliases.get(registry.CHAMPION), why=why, run_url=run_url)


def challenge(candidate: Candidate, settings: Settings, why: str, run_url: str | None = None) -> None:
    """Write the ledger line of a candidate that is now tried beside the champion; it stays in Staging."""
    now = registry.state(connect(settings), candidate.registered_as)
    _record("challenging", candidate, settings, previous=now.aliases.get(registry.CHAMPION), why=why, run_url=run_url)


def decide(candidate: Candidate, settings: Settings, event: DecisionEvent, who: str, why: str, run_url: str | None = None) -> None:
    """Write the ledger line of a person's decision on a candidate. Service and registry are left alone.

    Args:
        who: The name that the person gave.
    """
    now = registry.state(connect(settings), candidate.registered_as)
    _record(event, candidate, settings, previous=now.aliases.get(registry.CHAMPION), why=why, run_url=run_url, who=who)


def undo(promotion: Promotion, settings: Settings, why: str, run_url: str | None = None) -> None:
    """Restore service and registry to their state before, and write that into the ledger. Safe to repeat."""
    candidate, before = promotion.candidate, promotion.registry
    pointer = None if promotion.pointer is None else msgspec.convert(promotion.pointer, Pointer)
    revert(candidate.model, pointer, settings)
    registry.restore(connect(settings), before)
    if promotion.because:
        why = f"{why} (it was {'rolled back to' if promotion.action == 'rollback' else 'promoted'} because: {promotion.because})"
    _record("undone", candidate, settings, previous=before.aliases.get(registry.CHAMPION), why=why, run_url=run_url)
    logger.warning("%s: version %s was not put into service: %s", candidate.model, candidate.version, why)


def recover(spec: ModelSpec, settings: Settings) -> bool:
    """Undo a promotion that a killed process left half-done. Return whether there was one. The caller holds the model's lock.

    Raises:
        ReleaseInProgressError: It began on another host.
    """
    left = Ledger(settings.ledger).unfinished(spec.service)
    if left is None:
        return False
    if left.host != socket.gethostname():
        # only that host can restore its gateway and bundles, and the release may still be running there
        what = "rollback to" if left.action == "rollback" else "promotion of"
        raise ReleaseInProgressError(
            f"{spec.service}: a {what} version {left.candidate.version} from host {left.host} has not ended. "
            f"Wait until it ends; if it was killed, release or roll back on {left.host}, which restores the state before."
        )
    undo(left, settings, why=f"the {left.action} was cut short between promotion and smoke test")
    return True


def _record(
    event: LedgerEvent,
    candidate: Candidate,
    settings: Settings,
    *,
    previous: int | None,
    why: str,
    run_url: str | None = None,
    who: str | None = None,
) -> None:
    """Write the event into the ledger, with the version's present aliases and stage; then tag its page in MLflow with it."""
    client = connect(settings)
    now = registry.state(client, candidate.registered_as)
    aliases = sorted(alias for alias, version in now.aliases.items() if version == candidate.version)
    stage = now.stages[candidate.version or 0]
    entered = entry(event, candidate, previous=previous, aliases=aliases, stage=stage, why=why, run_url=run_url, who=who)
    Ledger(settings.ledger).append(entered)
    version_tags.mirror(client, candidate.registered_as, entered)
