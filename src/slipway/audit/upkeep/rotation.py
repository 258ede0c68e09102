"""New keys for subject ids: new lines use them at once, and the lines in the log are re-encrypted one by one."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.audit.acts import record_act
from slipway.audit.databases.tables import Row, Store
from slipway.audit.errors import AuditError
from slipway.audit.places import Place, missing, opened
from slipway.audit.subjects.key_file import KeyFile
from slipway.audit.subjects.pseudonyms import Ring, generation

AT_ONCE = 500
PAUSE = 0.02  # seconds between two transactions, for the gateway to write
NEXT = (
    "SELECT prediction_id, subject, subject_key FROM predictions"
    " WHERE pseudonym IS NOT NULL AND subject_key <> ? AND prediction_id > ? ORDER BY prediction_id LIMIT ?"
)
UPDATE = "UPDATE predictions SET pseudonym = ?, subject = ?, subject_key = ? WHERE prediction_id = ? AND subject_key = ?"
BEGAN, ENDED, NEW_PSEUDONYMS = "began to replace the keys of subject ids", "replaced the keys of subject ids", "with new pseudonyms"
ACTS = "SELECT what, about FROM administration WHERE what IN (?, ?) ORDER BY id"
LEFT = "SELECT 1 FROM predictions WHERE pseudonym IS NOT NULL AND subject_key <> ? LIMIT 1"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rotated:
    """`resumed`: an unfinished rotation was continued, with its keys. `unreadable` lines stay as they are, and so does their key."""

    lines: int
    unreadable: int
    resumed: bool


def rotate(home: Path, place: Place, who: str, *, pseudonyms: bool = False) -> Rotated:
    """Make a new key, re-encrypt every subject id with it, and delete the old key.

    With `pseudonyms`, the key of the pseudonyms is replaced too, so that they differ from those in earlier reports. If this is killed,
    each line can be decrypted by a key in the ring: run it again, and it continues with the newest key.

    Raises:
        AuditError: There is no key yet, or the log cannot be written.
    """
    keys = KeyFile(home)
    if not keys.ring() or missing(place):
        raise AuditError(f"{keys.path}: there are no keys yet; the first subject id that is logged makes them.")
    record_act(place, who, BEGAN, NEW_PSEUDONYMS if pseudonyms else "")
    with opened(place) as store:
        ring, resumed = _new_ring(keys, store, pseudonyms)
        lines, unreadable = _reseal(store, ring)
        _forget_old_keys(keys, store, ring)
        store.wipe()
    record_act(place, who, ENDED, f"{lines} lines re-encrypted, {unreadable} unreadable")
    return Rotated(lines, unreadable, resumed)


@dataclass(frozen=True, slots=True)
class PseudonymChanges:
    """How often the pseudonyms of subjects were replaced, and whether this goes on: then one subject may have two of them."""

    begun: int = 0
    goes_on: bool = False


def pseudonym_changes(place: Place) -> PseudonymChanges:
    """Return what the log says of its pseudonyms. They stand for the same subjects between two looks that find the same.

    Raises:
        AuditError: The log cannot be read.
    """
    if missing(place):
        return PseudonymChanges()
    with opened(place) as store:
        acts = store.rows(ACTS, (BEGAN, ENDED))
    begun = [number for number, act in enumerate(acts) if act["what"] == BEGAN and act["about"] == NEW_PSEUDONYMS]
    return PseudonymChanges(len(begun), bool(begun) and all(act["what"] == BEGAN for act in acts[begun[-1] :]))


def _new_ring(keys: KeyFile, store: Store, pseudonyms: bool) -> tuple[Ring, bool]:
    # "alone" runs between the transactions of all writers, so that those after it see the new keys.
    with keys.locked(), store.transaction("alone"):
        ring = keys.ring()
        if ring is None:
            raise AuditError(f"{keys.path} has just been removed.")
        if len(ring.generations) > 1:
            return ring, True
        return keys.write((*ring.generations, generation(None if pseudonyms else ring.newest.pseudonym))), False


def _reseal(store: Store, ring: Ring) -> tuple[int, int]:
    """Return how many lines were re-encrypted, and how many could not be decrypted."""
    done = unreadable = 0
    last = ""
    while lines := store.rows(NEXT, (ring.newest.id, last, AT_ONCE)):
        last = lines[-1]["prediction_id"]
        changes = [change for line in lines if (change := _resealed(line, ring))]
        unreadable += len(lines) - len(changes)
        if changes:
            with store.transaction():
                done += store.change(UPDATE, changes)
        time.sleep(PAUSE)
    return done, unreadable


def _resealed(line: dict[str, Any], ring: Ring) -> Row | None:
    name, old = line["prediction_id"], line["subject_key"]
    try:
        return (*ring.seal(ring.open(line["subject"], old, name), name), name, old)
    except AuditError as error:
        logger.error("left as it is: %s", error)
        return None


def _forget_old_keys(keys: KeyFile, store: Store, ring: Ring) -> None:
    with keys.locked(), store.transaction("alone"):
        if not store.rows(LEFT, (ring.newest.id,)):
            keys.write((ring.newest,))
