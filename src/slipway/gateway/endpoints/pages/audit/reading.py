"""Reading the log for a page: in a thread, few at once, each with a connection of its own, so that nobody waits for an answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import msgspec

from slipway.access.callers import NAME
from slipway.audit import AuditError, Line, Place
from slipway.audit.databases.excerpts import Spot
from slipway.audit.databases.sqlite import PATIENCE
from slipway.audit.databases.tables import Store
from slipway.audit.places import missing, opened
from slipway.bundle.contents import content_of
from slipway.bundle.contract import CONTRACT, Contract, decode
from slipway.bundle.wording import NO_WORDS, WORDING, WordsByLanguage, decoded
from slipway.errors import BundleError
from slipway.gateway.parts import Parts
from slipway.gateway.replies import BAD_REQUEST, RequestError, unavailable
from slipway.pages.languages import Language
from slipway.pages.prediction.words import Vocabulary

LARGEST = 2**63 - 1
UNREAD = "the audit log cannot be read. Try again later."  # for readers: the gateway's own log says what is wrong, and where
Version = tuple[str, int | None, str]  # model, version, run
T = TypeVar("T")

logger = logging.getLogger(__name__)


async def read_log(parts: Parts, read: Callable[[Store], T]) -> T:
    """Return what a function reads in the log.

    Raises:
        RequestError: 503, the log cannot be read, or too many read it.
    """
    place = log_place(parts)

    def reading() -> T:
        if missing(place):  # somebody is signed in, which is logged: so it was removed
            raise AuditError("the audit log is not in its place.")
        with opened(place, PATIENCE) as store:
            return read(store)

    return await in_thread(parts, reading)


async def in_thread(parts: Parts, work: Callable[[], T]) -> T:
    """Return what a function returns that reads the log, and perhaps writes an act. Raises RequestError: 503, as `read_log`."""
    async with parts.reading:
        try:
            return await asyncio.to_thread(work)
        except AuditError as error:
            logger.error("a page cannot read the audit log: %s", error)
            raise unavailable(UNREAD, retry_after=5) from None


def log_place(parts: Parts) -> Place:
    return parts.configuration.audit_url or Path(parts.configuration.home)


async def vocabularies(parts: Parts, lines: Iterable[Line], language: Language) -> dict[str, Vocabulary | None]:
    """Return the words of the version that answered each line, by prediction id; None if its bundle is no longer there."""
    versions = {line.prediction_id: (line.model, line.version, line.run_id) for line in lines}
    known = {version: _in_service(parts, version) for version in set(versions.values())}
    if unknown := [version for version, words in known.items() if words is None]:
        store = Path(parts.configuration.bundles)
        known |= await asyncio.to_thread(lambda: {version: _stored(store, version) for version in unknown})
    return {id: Vocabulary(*found, language) if (found := known[version]) else None for id, version in versions.items()}


def _in_service(parts: Parts, version: Version) -> tuple[Contract, WordsByLanguage] | None:
    deployment = parts.fleet.find(version[0])
    if deployment is None or (deployment.contract.version, deployment.contract.run_id) != version[1:]:
        return None
    return deployment.contract, deployment.words


@lru_cache(maxsize=256)
def _stored(store: Path, version: Version) -> tuple[Contract, WordsByLanguage] | None:
    """Return contract and words of a version that is not in service any more, from the bundle store."""
    model, number, run = version
    if not (NAME.fullmatch(model) and run[:8].isalnum()):
        return None
    folder = store / model / f"{number}-{run[:8]}"  # as `slipway.bundle.store.active.name_of`
    try:
        contract = decode(folder / CONTRACT, Contract, store)
        words = decoded(content_of(path, store), path) if (path := folder / WORDING).exists() else NO_WORDS
    except (BundleError, OSError):
        return None
    return (contract, words) if (contract.model, contract.version, contract.run_id) == version else None


def spot_of(text: str) -> Spot | None:
    """Return where an earlier page stopped, None for the newest lines.

    Raises:
        RequestError: 400, it is no such place.
    """
    if not text:
        return None
    try:
        number, time = msgspec.json.decode(bytes.fromhex(text), type=tuple[int, str])
        if 0 <= number <= LARGEST and datetime.fromisoformat(time).tzinfo:
            return Spot(number, time)
    except ValueError:
        pass
    raise RequestError(400, BAD_REQUEST, "expected a place that an earlier page has named; begin with the newest lines.")


def text_of(spot: Spot | None) -> str:
    """Return a place for an address or a form, "" for none."""
    return msgspec.json.encode(spot).hex() if spot else ""
