"""The version that a rollback goes back to, and every objection to it, before anything is moved."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.bundle.contract import Contract
from slipway.bundle.reading import read
from slipway.bundle.store.active import active, name_of
from slipway.errors import BundleError, RollbackError
from slipway.lifecycle.ledger import IN_SERVICE, Ledger, LedgerEntry
from slipway.records import Candidate, Record, RegistryState
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import registry
from slipway.tracking.connection import connect

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

ARCHIVED = "Archived"


class RollbackPlan(Record):
    """The version that a rollback goes back to, and the champion it replaces. `done` says why there is nothing to do, else ""."""

    candidate: Candidate
    champion: int
    done: str = ""


def plan(spec: ModelSpec, settings: Settings, to: int | None = None) -> RollbackPlan:
    """Choose the version to go back to, and verify its bundle. The caller holds the model's lock. Nothing is changed.

    Args:
        to: A version that was in service before; None for the one before the champion.
    Raises:
        RollbackError: No version is in service, none was before, this one never was, or it was trained on sample rows and the champion
            on real ones.
        RegistryError: There is no such version, or it has no bundle.
        BundleError: Its bundle is altered, or is another version's.
    """
    client, entries = connect(settings), Ledger(settings.ledger).history(spec.name)
    state = registry.state(client, spec.registered_as)
    if (champion := state.aliases.get(registry.CHAMPION)) is None:
        raise RollbackError(
            f"{spec.name} has no champion, so there is nothing to roll back. `slipway release {spec.name}` puts one into service."
        )
    returned = _returned(entries, champion) if to is None else None
    version = to if to is not None else champion if returned else before(spec.name, state, entries)
    with registry.bundle_of(client, spec.registered_as, version) as bundle:
        contract = bundle.contract
    _require_whole_copy(settings.bundles / spec.name / name_of(contract))
    candidate = candidate_of(spec, version, contract, str(client.get_model_version(spec.registered_as, str(version)).run_id), entries)
    pointer = active(settings.bundles, spec.name)
    if version == champion and pointer is not None and pointer.bundle == name_of(contract):
        return RollbackPlan(candidate=candidate, champion=champion, done=_done(version, returned))
    require_service(candidate, state, entries)
    if contract.sample and _trained_on_sample_rows(client, spec, champion, entries) is not True:
        raise RollbackError(
            f"{spec.name}: version {version} was trained on sample rows, and version {champion}, which is in service, on real ones. "
            "Sample rows never replace real ones, not even in a rollback. Name a version that was trained on real rows."
        )
    logger.info("%s: from version %d back to version %d", spec.name, champion, version)
    return RollbackPlan(candidate=candidate, champion=champion)


def before(model: str, state: RegistryState, entries: Sequence[LedgerEntry]) -> int:
    """Return the version that was in service before the champion: the alias `previous`, or without it the ledger's.

    Args:
        entries: The ledger's entries of the model, oldest first.
    Raises:
        RollbackError: There is none.
    """
    champion, previous = state.aliases[registry.CHAMPION], state.aliases.get(registry.PREVIOUS)
    if previous is not None and previous != champion:
        return previous
    served = [entry.version for entry in entries if entry.event in IN_SERVICE]
    latest = max((place for place, version in enumerate(served) if version == champion), default=0)
    earlier = [version for version in served[:latest] if version != champion]
    if not earlier:
        raise RollbackError(
            f"{model}: no version was in service before version {champion}, according to registry and ledger. "
            f"`slipway history {model}` shows the versions; --to names one that was in service."
        )
    return earlier[-1]


def require_service(candidate: Candidate, state: RegistryState, entries: Sequence[LedgerEntry]) -> None:
    """Refuse a version that was never in service: a rollback is no way around the gate.

    Raises:
        RollbackError: Neither ledger nor registry has it in service at any time.
    """
    model, version = candidate.model, candidate.version or 0
    known = [entry for entry in entries if (entry.version, entry.run_id) == (version, candidate.run_id)]
    if any(entry.event in IN_SERVICE for entry in known):
        return
    if state.stages.get(version) == ARCHIVED or version in (state.aliases.get(registry.PREVIOUS), state.aliases.get(registry.CHAMPION)):
        return  # it was promoted from another host, whose ledger is not this one
    last = f"; the ledger says: {known[-1].event}, {known[-1].why}" if known else ""
    raise RollbackError(
        f"{model}: version {version} was never in service, so a rollback cannot restore it{last}. "
        f"`slipway history {model}` shows which versions were; a release puts a new version into service, through the gate."
    )


def _returned(entries: Sequence[LedgerEntry], champion: int) -> LedgerEntry | None:
    """Return the entry of the rollback that made this version champion; None if a release did.

    Without this, the same command given twice would restore the version that the first one removed.
    """
    latest = next((entry for entry in reversed(entries) if entry.event in IN_SERVICE), None)
    return latest if latest and latest.event == "rolled back" and latest.version == champion else None


def _done(version: int, returned: LedgerEntry | None) -> str:
    if returned is None:
        return f"version {version} is in service already"
    return (
        f"version {version} is in service already, by the rollback from version {returned.previous} at {returned.at[:19]}Z "
        f"({returned.why}); to go to another version, name it with --to"
    )


def candidate_of(spec: ModelSpec, version: int, contract: Contract, run_id: str, entries: Sequence[LedgerEntry]) -> Candidate:
    """Return the version as its release described it, with the confusion matrix from the ledger if it has the version."""
    if (contract.model, contract.version, contract.run_id) != (spec.name, version, run_id):
        raise BundleError(
            f"{spec.registered_as} version {version}: expected the bundle of {spec.name}, version {version}, run {run_id}; "
            f"received one of {contract.model}, version {contract.version}, run {contract.run_id}. Name another version."
        )
    known = next((entry for entry in reversed(entries) if (entry.version, entry.run_id) == (version, run_id)), None)
    return Candidate(
        model=spec.name,
        registered_as=spec.registered_as,
        version=version,
        run_id=run_id,
        bundle=f"runs:/{run_id}/{registry.BUNDLE_PATH}",
        metrics=contract.metrics,
        confusion_matrix=known.confusion_matrix if known else [],
        data_sha256=contract.data_sha256,
        sample=contract.sample,
    )


def _require_whole_copy(copy: Path) -> None:
    """Refuse a damaged copy on this host now: installing it would fail only after the registry has moved."""
    try:
        if copy.exists():
            read(copy)
    except BundleError as error:
        raise BundleError(f"{error}\nThis is the copy on this host; MLflow's is intact. Remove {copy}, and roll back again.") from error


def _trained_on_sample_rows(client: MlflowClient, spec: ModelSpec, version: int, entries: Sequence[LedgerEntry]) -> bool | None:
    """Return whether a version was trained on sample rows; None if no record says so. Its bundle is not read: it may be damaged."""
    tag = client.get_model_version(spec.registered_as, str(version)).tags.get("slipway.sample")
    if tag is not None:
        return str(tag) == "true"
    return next((entry.sample for entry in reversed(entries) if entry.version == version), None)
