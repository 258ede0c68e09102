"""Alias and stage in MLflow follow the record of what is in service."""

from __future__ import annotations

import logging
from collections.abc import Callable

from slipway.catalogue.index import Listing
from slipway.errors import RegistryUnavailableError
from slipway.lifecycle import promotion, record, version_tags
from slipway.lifecycle.ledger import Ledger
from slipway.lifecycle.record import InService
from slipway.records import Origin, RegistryState
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import mirrors
from slipway.tracking.connection import connect, without_password
from slipway.tracking.mirrors import Mirrors, Version

logger = logging.getLogger(__name__)


Reading = Callable[[str], tuple[RegistryState, dict[int, str]]]


def wanted(model: str, settings: Settings) -> Mirrors | None:
    """Return what alias and stage should say; None if nothing is in service on this host."""
    entries = Ledger(settings.ledger).history(model)
    now = record.of_entries(model, entries, settings)
    if now is None:
        return None
    earlier, trial = record.before(entries, now), record.challenger_of(model, settings)
    return Mirrors(
        champion=Version(now.version, now.run_id),
        previous=Version(earlier.version, earlier.run_id) if earlier else None,
        challenger=Version(trial.version or 0, trial.run_id) if trial else None,
    )


def disagreements(spec: ModelSpec | Listing, settings: Settings, read: Reading | None = None) -> list[str]:
    """Return in words where records about the model disagree; empty if none do. Nothing is changed. The caller holds the model's lock.

    Args:
        read: Reads alias and stage of a registered model, and the run of each version; MLflow's client if None, which imports for seconds.
    Raises:
        RegistryUnavailableError: MLflow does not answer.
    """
    model = spec.service
    if cut_short := promotion.cut_short(model, settings):
        return [cut_short]  # what the others say is half of it, until it is undone
    should = wanted(model, settings)
    now = record.of_entries(model, Ledger(settings.ledger).history(model), settings)
    if now is None or should is None:
        return []
    said = read(spec.registered_as) if read else mirrors.read(connect(settings), spec.registered_as)
    return without_mlflow(now) + mirrors.differences(*said, should)


def without_mlflow(now: InService) -> list[str]:
    """Return in words where gateway, bundle and ledger disagree about what is in service; empty if they agree."""
    found = []
    if not now.served:
        found.append(f"the ledger says that version {now.version} is in service, and the gateway has no pointer to it")
    if now.contract is None:
        found.append(f"the bundle of version {now.version}, which is in service, is not whole on this host")
    if now.entry is None:
        found.append(f"the gateway serves version {now.version}, and the ledger has no line that put it into service")
    return found


def put_in_line(spec: ModelSpec, settings: Settings) -> None:
    """Write alias, stage and the version's tags in MLflow as the record says. Safe to repeat. The caller holds the model's lock.

    Raises:
        RegistryUnavailableError: MLflow does not answer.
    """
    if (should := wanted(spec.service, settings)) is None:
        return
    client = connect(settings)
    mirrors.write(client, spec.registered_as, should)
    now = record.in_service(spec, settings)
    if now and now.entry:
        version_tags.mirror(client, spec.registered_as, now.entry)


def catch_up(spec: ModelSpec, settings: Settings) -> None:
    """Put them in line if a killed process changed what is in service and did not write them. What a person moved is left as it is.

    Raises:
        RegistryUnavailableError: MLflow does not answer.
    """
    should = wanted(spec.service, settings)
    if should and mirrors.is_behind(connect(settings), spec.registered_as, should):
        put_in_line(spec, settings)


def reconcile(spec: ModelSpec, settings: Settings, origin: Origin, *, dry_run: bool = False) -> tuple[list[str], list[str]]:
    """Put them in line, and write into the ledger what was moved. The caller holds the model's lock. A dry run changes nothing.

    A promotion that a killed process left half-done is undone first. If nothing was moved, MLflow still gets the note of what Slipway
    wrote, which a killed process or an earlier release may have left out.

    Returns:
        What was put in line, and what disagrees still, in words.
    Raises:
        RegistryUnavailableError: MLflow does not answer.
        ReleaseInProgressError: A promotion on another host has not ended.
    """
    found = disagreements(spec, settings)
    if dry_run:
        return [], found
    if promotion.recover(spec, settings):
        found += disagreements(spec, settings)
    put_in_line(spec, settings)
    left = disagreements(spec, settings)
    mended = [what for what in found if what not in left]
    if mended and (now := record.in_service(spec, settings)):
        Ledger(settings.ledger).append(record.line("reconciled", now, "; ".join(mended), origin))
    return mended, left


def follow(spec: ModelSpec, settings: Settings, origin: Origin | None = None) -> None:
    """Put them in line after a change of what is in service. A failure of MLflow is only logged: the change has happened.

    Args:
        origin: What started the run, for a line of the ledger about what was moved; None writes no line.
    """
    from mlflow.exceptions import MlflowException

    try:
        if origin:
            reconcile(spec, settings, origin)
        else:
            put_in_line(spec, settings)
    except (RegistryUnavailableError, MlflowException) as error:
        logger.warning(
            "%s: alias and stage in MLflow do not say yet what is in service: %s\nPut them in line later: `slipway reconcile %s`.",
            spec.service,
            without_password(error),
            spec.service,
        )
