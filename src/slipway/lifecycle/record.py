"""The record of what is in service: what the gateway of this host serves, with the ledger's line about it.

Every decision starts here: the gate, a rollback, a challenge, a promotion, the watch. Alias and stage in MLflow only mirror the record; see
`slipway.lifecycle.mirroring`. So a version that was deleted, renamed or moved in MLflow stays what it is: in service.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slipway.bundle.contract import Contract
from slipway.bundle.reading import Bundle, read
from slipway.bundle.store import challenger
from slipway.bundle.store.active import active
from slipway.errors import BundleError, RegistryError, RegistryUnavailableError
from slipway.lifecycle.ledger import IN_SERVICE, Ledger, LedgerEntry, LedgerEvent
from slipway.records import Metrics, Origin
from slipway.settings import Settings
from slipway.spec import ModelSpec

logger = logging.getLogger(__name__)

RUN_DIGITS = 8  # of the run's id in the name of a bundle


@dataclass(frozen=True, slots=True)
class InService:
    """The version in service. `served` is False if only the ledger says so: the gateway's pointer is missing or cannot be read.

    `contract` is None if this host has no whole copy of the bundle, `entry` if no line of this ledger put the version into service.
    """

    model: str
    version: int
    run_id: str
    served: bool
    contract: Contract | None
    entry: LedgerEntry | None

    @property
    def sample(self) -> bool:
        """Whether it was trained on sample rows. If nothing says so, it was not: real rows are the ones to protect."""
        return self.contract.sample if self.contract else self.entry.sample if self.entry else False

    @property
    def metrics(self) -> Metrics:
        """Its figures on the test rows of its own release."""
        return self.contract.metrics if self.contract else self.entry.metrics if self.entry else {}

    @property
    def trusted(self) -> list[str]:
        """The further types that its model's file trusted; none if no line of this ledger says so."""
        return self.entry.trusted if self.entry else []

    @property
    def data_sha256(self) -> str:
        return self.contract.data_sha256 if self.contract else self.entry.data_sha256 if self.entry else ""

    @property
    def since(self) -> datetime:
        """When it went into service; the beginning of time if this ledger does not say."""
        return datetime.fromisoformat(self.entry.at) if self.entry else datetime.fromtimestamp(0, UTC)


def in_service(spec: ModelSpec, settings: Settings) -> InService | None:
    """Return what is in service: what the gateway's pointer names, or if there is none, what the ledger last put into service.

    None if neither has a version: this host has released none.
    """
    return of_entries(spec.service, Ledger(settings.ledger).history(spec.service), settings)


def of_entries(model: str, entries: Sequence[LedgerEntry], settings: Settings) -> InService | None:
    """Do the same with the ledger's entries of the model, oldest first."""
    if (pointer := _pointer(model, settings)) is None:
        last = next((entry for entry in reversed(entries) if entry.event in IN_SERVICE), None)
        if last is None:
            return None
        contract = _contract(model, last.version, last.run_id, settings)
        return InService(model, last.version, last.run_id, served=False, contract=contract, entry=last)
    version, digits = pointer
    contract = _contract(model, version, digits, settings)
    known = [entry for entry in entries if entry.version == version and entry.run_id.startswith(digits)]
    entry = next((entry for entry in reversed(known) if entry.event in IN_SERVICE), None)
    run_id = contract.run_id if contract else known[-1].run_id if known else digits
    return InService(model, version, run_id, served=True, contract=contract, entry=entry)


def _contract(model: str, version: int, run_id: str, settings: Settings) -> Contract | None:
    bundle = _whole(folder_of(model, version, run_id, settings))
    return bundle.contract if bundle else None


def before(entries: Sequence[LedgerEntry], now: InService) -> LedgerEntry | None:
    """Return the entry of the version that was in service before this one; None if there was none, or this ledger does not know.

    Args:
        entries: The ledger's entries of the model, oldest first.
    """
    lines = [entry for entry in entries if entry.event in IN_SERVICE]
    places = [place for place, entry in enumerate(lines) if same(entry, now)]
    earlier = [entry for entry in lines[: places[-1]] if not same(entry, now)] if places else []
    return earlier[-1] if earlier else None


def line(event: LedgerEvent, now: InService, why: str, origin: Origin) -> LedgerEntry:
    """Return the ledger's entry of an event that is about the version in service and leaves it there, dated now."""
    who = {"who": origin.who} if origin.who else {}
    return LedgerEntry(
        event=event,
        model=now.model,
        version=now.version,
        previous=now.version,
        aliases=[],
        stage="",
        metrics=now.metrics,
        confusion_matrix=now.entry.confusion_matrix if now.entry else [],
        data_sha256=now.data_sha256,
        sample=now.sample,
        run_id=now.run_id,
        why=why,
        started_by=origin.started_by,
        because=origin.because,
        **who,
    )


def same(entry: LedgerEntry, now: InService) -> bool:
    """Return whether an entry is about the version in service. A new registry gives the same numbers again, to other runs."""
    return entry.version == now.version and entry.run_id.startswith(now.run_id)


def challenger_of(model: str, settings: Settings) -> Contract | None:
    """Return the contract of the version that the gateway tries beside the one in service; None if there is none that can be read."""
    try:
        challenge = challenger.challenged(settings.bundles, model)
    except BundleError as error:
        logger.warning("%s: the challenge cannot be read: %s", model, error)
        return None
    bundle = None if challenge is None else _whole(settings.bundles / model / challenge.bundle)
    return bundle.contract if bundle else None


def folder_of(model: str, version: int, run_id: str, settings: Settings) -> Path:
    """Return where this host keeps the bundle of a version, once it was in service or on trial here."""
    return settings.bundles / model / f"{version}-{run_id[:RUN_DIGITS]}"


@contextmanager
def bundle_of(model: str, version: int, run_id: str, settings: Settings) -> Iterator[Bundle]:
    """Yield the verified bundle of a version: this host's copy, or MLflow's if this host has none that is whole.

    Its folder lasts as long as the block.

    Raises:
        BundleError: MLflow's bundle is damaged, or is another version's.
        RegistryError: MLflow has lost it.
        RegistryUnavailableError: MLflow does not answer.
    """
    folder = folder_of(model, version, run_id, settings)
    if copy := _whole(folder):
        yield copy
        return
    from slipway.tracking import registry
    from slipway.tracking.connection import connect

    with registry.downloaded_bundle(connect(settings), run_id) as bundle:
        contract = bundle.contract
        if (contract.model, contract.version, contract.run_id) != (model, version, run_id):
            raise BundleError(
                f"{model} version {version}: expected the bundle of {model}, version {version}, run {run_id}; "
                f"received one of {contract.model}, version {contract.version}, run {contract.run_id}. Name another version."
            )
        yield bundle


@contextmanager
def bundle_in_service(now: InService, settings: Settings) -> Iterator[Bundle | None]:
    """Yield the bundle of the version in service; None, with a warning, if neither this host nor MLflow has it whole."""
    with ExitStack() as stack:
        try:
            bundle = stack.enter_context(bundle_of(now.model, now.version, now.run_id, settings))
        except (BundleError, RegistryError, RegistryUnavailableError) as error:
            logger.warning("%s: the bundle of version %d, which is in service, cannot be read: %s", now.model, now.version, error)
            bundle = None
        yield bundle


def _pointer(model: str, settings: Settings) -> tuple[int, str] | None:
    """Return the version and the first digits of the run that the gateway's pointer names."""
    try:
        pointer = active(settings.bundles, model)
    except BundleError as error:
        logger.warning("%s: %s", model, error)
        return None
    named = re.fullmatch(r"(\d+)-([0-9a-f]+)", pointer.bundle) if pointer else None
    return (int(named[1]), named[2]) if named else None


def _whole(folder: Path) -> Bundle | None:
    try:
        return read(folder) if folder.exists() else None
    except (BundleError, OSError) as error:
        logger.warning("the copy of a bundle on this host is damaged: %s", error)
        return None
