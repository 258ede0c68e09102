"""A new or earlier version becomes champion, or everything is put back."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

import msgspec

from slipway.bundle.store.active import Pointer, active
from slipway.bundle.store.challenger import end_promoted
from slipway.errors import RegistryUnavailableError, ReleaseInProgressError
from slipway.lifecycle import record, version_tags
from slipway.lifecycle.ledger import Ledger, LedgerEntry, LedgerEvent, entry
from slipway.lifecycle.serving import revert
from slipway.records import Action, Candidate, Origin, Promotion
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import registry
from slipway.tracking.connection import connect

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)


def begin(
    spec: ModelSpec,
    candidate: Candidate,
    settings: Settings,
    *,
    action: Action = "release",
    because: str = "",
    origin: Origin | None = None,
) -> Promotion:
    """Announce the promotion in the ledger, with all that an undo needs. Nothing else is changed.

    Args:
        action: `release` for a new version, `promotion` for a challenger, `rollback` for an earlier version.
        because: The reason of a promotion or a rollback.
        origin: What started the run.
    """
    if candidate.version is None:
        raise ValueError(f"{spec.name}: a dry run registers no version, so there is nothing to promote.")
    now, pointer = record.in_service(spec, settings), active(settings.bundles, spec.service)
    promotion = Promotion(
        candidate=candidate,
        host=socket.gethostname(),
        pointer=None if pointer is None else msgspec.to_builtins(pointer),
        previous=now.version if now else None,
        action=action,
        because=because,
        origin=origin or Origin(),
    )
    Ledger(settings.ledger).announce(promotion)
    return promotion


def finish(promotion: Promotion, settings: Settings, why: str, run_url: str | None = None) -> None:
    """Write the ledger line of a promotion that passed the smoke test, and end the challenge of that version.

    From that line on, alias and stage in MLflow follow; see `slipway.lifecycle.mirroring`. The challenge ends last, so that an undone
    promotion leaves it as it was.
    """
    event: LedgerEvent = "rolled back" if promotion.action == "rollback" else "promoted"
    _write(
        event, promotion.candidate, settings, promotion.previous, [registry.CHAMPION], registry.PRODUCTION, why, run_url, promotion.origin
    )
    end_promoted(settings.bundles, promotion.candidate.model)


def note(
    event: LedgerEvent, candidate: Candidate, settings: Settings, why: str, run_url: str | None = None, origin: Origin | None = None
) -> None:
    """Write the ledger line of an event that leaves service and registry alone: refused, challenging, or a person's decision.

    Args:
        origin: What started the run; its `who` is the name that a person gave who decided.
    """
    client = connect(settings)
    now = record.of_entries(candidate.model, Ledger(settings.ledger).history(candidate.model), settings)
    aliases, stage = _registered(client, candidate)
    entered = _write(event, candidate, settings, now.version if now else None, aliases, stage, why, run_url, origin)
    version_tags.mirror(client, candidate.registered_as, entered)


def undo(promotion: Promotion, settings: Settings, why: str, run_url: str | None = None) -> None:
    """Restore the service to its state before, and write that into the ledger. Safe to repeat. It works without MLflow."""
    candidate = promotion.candidate
    pointer = None if promotion.pointer is None else msgspec.convert(promotion.pointer, Pointer)
    revert(candidate.model, pointer, settings)
    if promotion.because:
        why = f"{why} (it was {'rolled back to' if promotion.action == 'rollback' else 'promoted'} because: {promotion.because})"
    previous = promotion.previous
    try:
        client = connect(settings)
        if promotion.registry:  # announced by an earlier release of Slipway, which moved alias and stage first
            registry.restore(client, promotion.registry)
            previous = promotion.registry.aliases.get(registry.CHAMPION)
        aliases, stage = _registered(client, candidate)
    except RegistryUnavailableError as error:
        if promotion.registry:
            raise
        logger.warning("%s: the ledger's line has no alias and no stage: %s", candidate.model, error)
        client, aliases, stage = None, [], ""
    entered = _write("undone", candidate, settings, previous, aliases, stage, why, run_url, promotion.origin)
    if client:
        version_tags.mirror(client, candidate.registered_as, entered)
    logger.warning("%s: version %s was not put into service: %s", candidate.model, candidate.version, why)


def cut_short(model: str, settings: Settings) -> str:
    """Return in words which promotion of this host a killed process left half-done; "" if none. The caller holds the model's lock."""
    left = Ledger(settings.ledger).unfinished(model)
    if left is None or left.host != socket.gethostname():
        return ""
    return f"{_named(left)} was cut short"


def recover(spec: ModelSpec, settings: Settings) -> bool:
    """Undo a promotion that a killed process left half-done. Return whether there was one. The caller holds the model's lock.

    If the process was killed later, between the ledger's line and the end of the version's own challenge, the challenge is ended.

    Raises:
        ReleaseInProgressError: It began on another host.
    """
    left = Ledger(settings.ledger).unfinished(spec.service)
    if left is None:
        end_promoted(settings.bundles, spec.service)
        return False
    if left.host != socket.gethostname():
        # only that host can restore its gateway and bundles, and the release may still be running there
        raise ReleaseInProgressError(
            f"{spec.service}: {_named(left)} from host {left.host} has not ended. "
            f"Wait until it ends; if it was killed, release or roll back on {left.host}, which restores the state before."
        )
    undo(left, settings, why=f"the {left.action} was cut short between promotion and smoke test")
    return True


def _named(left: Promotion) -> str:
    return f"a {'rollback to' if left.action == 'rollback' else 'promotion of'} version {left.candidate.version}"


def _registered(client: MlflowClient, candidate: Candidate) -> tuple[list[str], str]:
    """Return the present aliases and the stage of a version; none and "" if MLflow has lost it."""
    now = registry.state(client, candidate.registered_as)
    aliases = sorted(alias for alias, version in now.aliases.items() if version == candidate.version)
    return aliases, now.stages.get(candidate.version or 0, "")


def _write(
    event: LedgerEvent,
    candidate: Candidate,
    settings: Settings,
    previous: int | None,
    aliases: list[str],
    stage: str,
    why: str,
    run_url: str | None,
    origin: Origin | None,
) -> LedgerEntry:
    entered = entry(event, candidate, previous=previous, aliases=aliases, stage=stage, why=why, run_url=run_url, origin=origin)
    Ledger(settings.ledger).append(entered)
    return entered
