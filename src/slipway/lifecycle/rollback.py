"""The version that a rollback goes back to, and every objection to it, before anything is moved."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from slipway.bundle.contract import Contract
from slipway.bundle.reading import read
from slipway.errors import BundleError, RollbackError
from slipway.lifecycle import record
from slipway.lifecycle.ledger import IN_SERVICE, Ledger, LedgerEntry
from slipway.lifecycle.record import InService
from slipway.records import Candidate, Record, RegistryState
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import registry
from slipway.tracking.connection import connect

logger = logging.getLogger(__name__)

ARCHIVED = "Archived"


class RollbackPlan(Record):
    """The version that a rollback goes back to, and the one it replaces. `done` says why there is nothing to do, else ""."""

    candidate: Candidate
    replaced: int
    done: str = ""


def plan(spec: ModelSpec, settings: Settings, to: int | None = None) -> RollbackPlan:
    """Choose the version to go back to, and verify its bundle. The caller holds the model's lock. Nothing is changed.

    What was in service is what ledger and gateway say, also when MLflow says otherwise, has lost it, or is away.

    Args:
        to: A version that was in service before; None for the one before the version in service.
    Raises:
        RollbackError: No version is in service, none was before, this one never was, or it was trained on sample rows and the one in
            service on real ones.
        RegistryError: There is no such version, or it has no bundle.
        RegistryUnavailableError: The version's bundle is not on this host, and MLflow does not answer.
        BundleError: Its bundle is altered, or is another version's.
    """
    entries = Ledger(settings.ledger).history(spec.name)
    now = record.of_entries(spec.name, entries, settings)
    if now is None:
        raise RollbackError(
            f"{spec.name} has no version in service, so there is nothing to roll back. `slipway release {spec.name}` puts one into service."
        )
    returned = _returned(entries, now) if to is None and now.served else None
    version, run_id = _target(spec, settings, entries, now, to, returned)
    require_service(spec.name, version, run_id, entries, _registered(spec, settings, entries))
    _require_whole_copy(record.folder_of(spec.name, version, run_id, settings), now.version)
    with record.bundle_of(spec.name, version, run_id, settings) as bundle:
        candidate = candidate_of(spec, version, bundle.contract, run_id, entries)
    if now.served and (version, run_id) == (now.version, now.run_id):
        return RollbackPlan(candidate=candidate, replaced=now.version, done=_done(version, returned))
    if candidate.sample and not now.sample and version != now.version:
        raise RollbackError(
            f"{spec.name}: version {version} was trained on sample rows, and version {now.version}, which is in service, on real ones. "
            "Sample rows never replace real ones, not even in a rollback. Name a version that was trained on real rows."
        )
    logger.info("%s: from version %d back to version %d", spec.name, now.version, version)
    return RollbackPlan(candidate=candidate, replaced=now.version)


def _target(
    spec: ModelSpec, settings: Settings, entries: Sequence[LedgerEntry], now: InService, to: int | None, returned: LedgerEntry | None
) -> tuple[int, str]:
    """Return the version to go back to, and its run."""
    if to is None and (returned or not now.served):  # what the ledger says is in service answers no callers: it comes back first
        return now.version, now.run_id
    if to is None and (earlier := record.before(entries, now)):
        return earlier.version, earlier.run_id
    if to is not None and to == now.version:
        return now.version, now.run_id
    if known := [entry for entry in entries if entry.version == to]:
        was = [entry for entry in known if entry.event in IN_SERVICE]
        return (was or known)[-1].version, (was or known)[-1].run_id
    client = connect(settings)
    if to is None:
        to = _previous(spec.name, now, registry.state(client, spec.registered_as), entries)
    return to, registry.run_of(client, spec.registered_as, to)


def _previous(model: str, now: InService, state: RegistryState, entries: Sequence[LedgerEntry]) -> int:
    """Return MLflow's alias `previous`, for a ledger that knows nothing of the model: another host promoted it.

    Raises:
        RollbackError: There is none.
    """
    previous = state.aliases.get(registry.PREVIOUS)
    if previous is None or previous == now.version or _knows(entries):
        raise RollbackError(
            f"{model}: no version was in service before version {now.version}, according to the ledger. "
            f"`slipway history {model}` shows the versions; --to names one that was in service."
        )
    return previous


def _registered(spec: ModelSpec, settings: Settings, entries: Sequence[LedgerEntry]) -> RegistryState:
    """Return the registry's state, which counts only for a ledger that knows nothing of the model."""
    if _knows(entries):
        return RegistryState(registered_as=spec.registered_as, aliases={}, stages={})
    return registry.state(connect(settings), spec.registered_as)


def _knows(entries: Sequence[LedgerEntry]) -> bool:
    return any(entry.event in IN_SERVICE for entry in entries)


def require_service(model: str, version: int, run_id: str, entries: Sequence[LedgerEntry], state: RegistryState) -> None:
    """Refuse a version that was never in service: a rollback is no way around the gate.

    Args:
        state: The registry's, for a version that another host promoted, whose ledger is not this one; else an empty one.
    Raises:
        RollbackError: Neither ledger nor registry has it in service at any time.
    """
    known = [entry for entry in entries if (entry.version, entry.run_id) == (version, run_id)]
    if any(entry.event in IN_SERVICE for entry in known):
        return
    if state.stages.get(version) == ARCHIVED or version in (state.aliases.get(registry.PREVIOUS), state.aliases.get(registry.CHAMPION)):
        return
    last = f"; the ledger says: {known[-1].event}, {known[-1].why}" if known else ""
    raise RollbackError(
        f"{model}: version {version} was never in service, so a rollback cannot restore it{last}. "
        f"`slipway history {model}` shows which versions were; a release puts a new version into service, through the gate."
    )


def _returned(entries: Sequence[LedgerEntry], now: InService) -> LedgerEntry | None:
    """Return the entry of the rollback that put this version into service; None if a release did.

    Without this, the same command given twice would restore the version that the first one removed.
    """
    latest = next((entry for entry in reversed(entries) if entry.event in IN_SERVICE), None)
    return latest if latest and latest.event == "rolled back" and record.same(latest, now) else None


def _done(version: int, returned: LedgerEntry | None) -> str:
    if returned is None:
        return f"version {version} is in service already"
    return (
        f"version {version} is in service already, by the rollback from version {returned.previous} at {returned.at[:19]}Z "
        f"({returned.why}); to go to another version, name it with --to"
    )


def candidate_of(spec: ModelSpec, version: int, contract: Contract, run_id: str, entries: Sequence[LedgerEntry]) -> Candidate:
    """Return the version as its release described it, with confusion matrix and trusted types from the ledger if it has the version."""
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
        trusted=known.trusted if known else [],
    )


def _require_whole_copy(copy: Path, serving: int) -> None:
    """Refuse a damaged copy on this host now: installing it would fail only later."""
    try:
        if copy.exists():
            read(copy)
    except (BundleError, OSError) as error:
        raise BundleError(
            f"{error}\nThis is the copy on this host; version {serving} still answers. Remove {copy}, and roll back again: "
            "then MLflow's copy is used."
        ) from error
