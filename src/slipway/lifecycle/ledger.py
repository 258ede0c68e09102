"""The promotion ledger: what happened to each model's service, in order, never changed afterwards.

A promotion is announced before it begins and removed from the announcements when it ends. So the next release finds one that a killed
process cut short, and restores the registry and the service.
"""

from __future__ import annotations

import getpass
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field
from sqlalchemy import JSON, Column, Connection, Integer, MetaData, String, Table, delete, insert, select
from sqlalchemy.exc import IntegrityError

from slipway.errors import ReleaseInProgressError
from slipway.lifecycle.append_only import database, guard
from slipway.records import Candidate, Decision, Metrics, Origin, Promotion, Record

logger = logging.getLogger(__name__)

LedgerEvent = Literal[
    "promoted",
    "refused",
    "rows refused",
    "undone",
    "rolled back",
    "challenging",
    "approved",
    "rejected",
    "resumed",
    "reconciled",
    "nothing new",
]
DecisionEvent = Literal["approved", "rejected"]
IN_SERVICE: frozenset[LedgerEvent] = frozenset({"promoted", "rolled back"})  # after these, the entry's version is in service
ENDS_A_PROMOTION: frozenset[LedgerEvent] = IN_SERVICE | {"undone"}  # the others happen without one

_METADATA = MetaData()
_ENTRIES = Table(
    "ledger",
    _METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("model", String, nullable=False, index=True),
    Column("entry", JSON, nullable=False),
)
_DECISIONS = Table(
    "approval_decisions",
    _METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run", String, nullable=False, unique=True),
    Column("decision", JSON, nullable=False),
)
_INTENTS = Table("promotions_in_progress", _METADATA, Column("model", String, primary_key=True), Column("promotion", JSON, nullable=False))


def _myself() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"


class LedgerEntry(Record):
    """One event. `previous` is the version in service just before it; `aliases` and `stage` are the version's right after it.

    `metrics` are of the test rows, named as scikit-learn's scorers. `run_url` is the page of the Prefect run; None without one.
    `started_by` and `because` are those of `slipway.records.Origin`, `trusted` those of the candidate.
    """

    event: LedgerEvent
    model: str
    version: int
    previous: int | None
    aliases: list[str]
    stage: str
    metrics: Metrics
    confusion_matrix: list[list[int]]
    data_sha256: str
    sample: bool
    run_id: str
    why: str
    run_url: str | None = None
    started_by: str = ""
    because: str = ""
    trusted: list[str] = Field(default_factory=list)
    who: str = Field(default_factory=_myself)
    at: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))


def entry(
    event: LedgerEvent,
    candidate: Candidate,
    *,
    previous: int | None,
    aliases: list[str],
    stage: str,
    why: str,
    run_url: str | None = None,
    origin: Origin | None = None,
) -> LedgerEntry:
    """Return the entry of an event of a candidate, dated now."""
    origin = origin or Origin()
    if candidate.version is None:
        raise ValueError("a dry run registers no version, so there is nothing to enter in the ledger.")
    return LedgerEntry(
        event=event,
        model=candidate.model,
        version=candidate.version,
        previous=previous,
        aliases=aliases,
        stage=stage,
        metrics=candidate.metrics,
        confusion_matrix=candidate.confusion_matrix,
        data_sha256=candidate.data_sha256,
        sample=candidate.sample,
        run_id=candidate.run_id,
        why=why,
        run_url=run_url,
        started_by=origin.started_by,
        because=origin.because,
        trusted=candidate.trusted,
        who=origin.who or _myself(),
    )


class Ledger:
    """The ledger in one database: SQLite in the home folder, or any that SQLAlchemy reaches."""

    def __init__(self, url: str) -> None:
        self._engine = database(url, _METADATA)
        for table in (_ENTRIES, _DECISIONS):
            guard(self._engine, table.name)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection

    def append(self, record: LedgerEntry) -> None:
        """Write an entry. If it ends a promotion, the same transaction removes the announcement."""
        with self._transaction() as connection:
            connection.execute(insert(_ENTRIES).values(model=record.model, entry=record.model_dump(mode="json")))
            if record.event in ENDS_A_PROMOTION:
                connection.execute(delete(_INTENTS).where(_INTENTS.c.model == record.model))
        logger.info("%s: written into the ledger: version %d %s, by %s", record.model, record.version, record.event, record.who)

    def announce(self, promotion: Promotion) -> None:
        """Write that a promotion begins, with the state before it.

        Raises:
            ReleaseInProgressError: Another one was announced and has not ended.
        """
        model = promotion.candidate.model
        try:
            with self._transaction() as connection:
                connection.execute(insert(_INTENTS).values(model=model, promotion=promotion.model_dump(mode="json")))
        except IntegrityError:
            raise ReleaseInProgressError(
                f"{model}: another promotion of this model has begun and not ended; wait, then try again."
            ) from None

    def unfinished(self, model: str) -> Promotion | None:
        """Return the promotion that was announced and has not ended, or None."""
        with self._transaction() as connection:
            row = connection.execute(select(_INTENTS.c.promotion).where(_INTENTS.c.model == model)).first()
        return None if row is None else Promotion.model_validate(row[0])

    def all_unfinished(self) -> list[str]:
        """Return the models whose promotion was announced and has not ended."""
        with self._transaction() as connection:
            return list(connection.execute(select(_INTENTS.c.model).order_by(_INTENTS.c.model)).scalars())

    def decide(self, run: str, decision: Decision) -> Decision:
        """Hand a person's decision to the approval run that waits for it. Return the one that counts, which is the first."""
        try:
            with self._transaction() as connection:
                connection.execute(insert(_DECISIONS).values(run=run, decision=decision.model_dump(mode="json")))
        except IntegrityError:
            return self.decision(run) or decision
        return decision

    def decision(self, run: str) -> Decision | None:
        """Return the decision that was handed to an approval run, or None."""
        with self._transaction() as connection:
            row = connection.execute(select(_DECISIONS.c.decision).where(_DECISIONS.c.run == run)).first()
        return None if row is None else Decision.model_validate(row[0])

    def history(self, model: str | None = None, last: int | None = None) -> list[LedgerEntry]:
        """Return the entries of one model, or of all, oldest first.

        Args:
            last: The number of newest entries; all if None.
        """
        wanted = select(_ENTRIES.c.entry).order_by(_ENTRIES.c.id.desc())
        if model is not None:
            wanted = wanted.where(_ENTRIES.c.model == model)
        with self._transaction() as connection:
            rows = connection.execute(wanted.limit(last)).all()
        return [LedgerEntry.model_validate(row[0]) for row in reversed(rows)]
