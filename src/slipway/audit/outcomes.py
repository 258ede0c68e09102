"""The actual outcomes of predictions: lines that are added and never changed. The latest line of a prediction counts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from slipway.audit.by_id import marks, matching, some
from slipway.audit.databases.cells import shown, utc
from slipway.audit.databases.tables import OUTCOMES, Row, Store
from slipway.audit.errors import AuditError
from slipway.audit.lines import clean, iso
from slipway.audit.subjects.key_file import KeyFile
from slipway.audit.subjects.pseudonyms import Ring
from slipway.problems.serving import Answer

SEALED = "SELECT 1 FROM predictions WHERE pseudonym IS NOT NULL LIMIT 1"


@dataclass(frozen=True, slots=True)
class Claim:
    """One row of a request with outcomes: a label, and its prediction, by id or as the latest one of a subject.

    `observed_at` is when the label became known; a later prediction of the subject does not count. The label is None if the row had a wrong
    one: its prediction is still looked up.
    """

    row: int
    label: Answer | None
    prediction_id: str | None = None
    subject: str | None = None
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OutcomeRequest:
    """A request with outcomes: its id, its caller and its model."""

    request_id: str
    key: str
    model: str


@dataclass(frozen=True, slots=True)
class OutcomeCounts:
    """How many outcomes were the first of their prediction, differed from the one before, or repeated it and were not written."""

    recorded: int
    corrected: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Unfit:
    """A claim that cannot be recorded: the model has no such prediction in the log or, with `against`, that row has another label."""

    row: int
    against: int | None = None


class UnfitError(AuditError):
    """Nothing was recorded, because of these claims."""

    def __init__(self, claims: Sequence[Unfit]) -> None:
        super().__init__(f"{len(claims)} outcomes cannot be recorded.")
        self.claims = tuple(claims)


def record(store: Store, keys: KeyFile, sent: OutcomeRequest, claims: Sequence[Claim], *, write: bool = True) -> OutcomeCounts:
    """Write the outcomes of one request, all or none, and return when they are committed.

    Args:
        write: Whether to write them; if not, they are only checked, to report all that is wrong with their request.
    Raises:
        UnfitError: Claims name predictions that are not in the log, or contradict each other. Nothing is written.
        AuditError: The keys of subject ids are missing.
    """
    with store.transaction("outcomes"):  # until the commit, no other outcomes are written and no prediction is deleted
        subjects = _by_subject(store, keys, sent.model, [claim for claim in claims if claim.subject is not None])
        ids = [claim.prediction_id if claim.subject is None else subjects.get(claim.row) for claim in claims]
        known = matching(store, (name for name in ids if name), "model = ?", sent.model)
        news, unfit, recorded = _news(claims, [name if name in known else None for name in ids], current(store, known))
        if unfit:
            raise UnfitError(unfit)
        if write:
            head = (iso(time.time()), sent.request_id, clean(sent.key), sent.model)
            store.insert({OUTCOMES: [(*head, *line) for line in news]} if news else {})
    return recorded


def _news(claims: Sequence[Claim], ids: Sequence[str | None], now: dict[str, Answer]) -> tuple[list[Row], list[Unfit], OutcomeCounts]:
    """Return prediction, label and time of each outcome to write, the claims that cannot be recorded, and the counts."""
    lines: list[Row] = []
    unfit: list[Unfit] = []
    seen: dict[str, Claim] = {}
    corrected = 0
    for claim, name in zip(claims, ids, strict=True):
        if name is None:
            unfit.append(Unfit(claim.row))
        elif claim.label is None:
            continue
        elif before := seen.get(name):
            if before.label != claim.label:
                unfit.append(Unfit(claim.row, before.row))
        else:
            seen[name] = claim
            if now.get(name) != claim.label:
                corrected += name in now
                lines.append((name, claim.label, claim.observed_at and utc(claim.observed_at)))
    return lines, unfit, OutcomeCounts(len(lines) - corrected, corrected, len(claims) - len(lines))


@dataclass(frozen=True, slots=True)
class Recorded:
    """The outcome of a prediction that counts, and the caller who sent it."""

    label: Answer
    key: str


def current(store: Store, ids: Iterable[str]) -> dict[str, Answer]:
    """Return the latest outcomes, by prediction."""
    return {name: found.label for name, found in latest(store, ids).items()}


def latest(store: Store, ids: Iterable[str], until: datetime | None = None) -> dict[str, Recorded]:
    """Return the outcomes that counted at a time (None: now), by prediction; corrections that came later do not count."""
    span, values = ("", ()) if until is None else (" AND time < ?", (utc(until),))
    found: dict[str, Recorded] = {}
    for part in some(ids):
        newest = f"SELECT max(id) FROM outcomes WHERE prediction_id IN ({marks(part)}){span} GROUP BY prediction_id"  # noqa: S608
        statement = f"SELECT prediction_id, label, key FROM outcomes WHERE id IN ({newest})"  # noqa: S608
        lines = store.rows(statement, (*part, *values))
        found |= {line["prediction_id"]: Recorded(line["label"], line["key"]) for line in lines}
    return found


def _by_subject(store: Store, keys: KeyFile, model: str, claims: Sequence[Claim]) -> dict[int, str]:
    """Return the latest prediction about each claim's subject, by the claim's row."""
    ring = _ring(store, keys) if claims else None
    if ring is None:
        return {}
    pseudonyms = {claim.subject or "": ring.pseudonyms(claim.subject or "") for claim in claims}
    lines: dict[str, list[tuple[str, str]]] = {}
    for part in some(sorted({one for several in pseudonyms.values() for one in several})):
        columns = f"pseudonym, time, prediction_id FROM predictions WHERE pseudonym IN ({marks(part)}) AND model = ?"
        for line in store.rows(f"SELECT {columns} ORDER BY {store.number}", (*part, model)):
            lines.setdefault(line["pseudonym"], []).append((shown(line["time"]), line["prediction_id"]))
    found = {}
    for claim in claims:
        theirs = [line for one in pseudonyms[claim.subject or ""] for line in lines.get(one, ())]
        until = utc(claim.observed_at) if claim.observed_at else None
        if may_be := [line for line in theirs if until is None or line[0] <= until]:
            found[claim.row] = sorted(may_be, key=itemgetter(0))[-1][1]  # of rows of one request, the last
    return found


def _ring(store: Store, keys: KeyFile) -> Ring | None:
    ring = keys.ring()
    if ring is None and store.rows(SEALED):
        raise AuditError(f"{keys.path} is missing, but the log has subject ids under its keys: restore the file.")
    return ring
