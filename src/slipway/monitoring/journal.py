"""The journal of the watch: windows, alarms, proposals, and the switch that holds alarms back. Append-only, in the ledger's database."""

from __future__ import annotations

import getpass
import socket
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import Field
from sqlalchemy import JSON, Column, Integer, MetaData, String, Table, insert, select

from slipway.lifecycle.append_only import database, guard
from slipway.monitoring.findings import Alarm, Proposal, Window
from slipway.records import Record

AnyRecord = TypeVar("AnyRecord", bound=Record)

_METADATA = MetaData()


def _table(name: str) -> Table:
    return Table(
        name,
        _METADATA,
        Column("id", Integer, primary_key=True, autoincrement=True),
        Column("model", String, nullable=False, index=True),
        Column("record", JSON, nullable=False),
    )


_WINDOWS, _ALARMS, _PROPOSALS, _SWITCHES = (_table(name) for name in ("watch_windows", "watch_alarms", "watch_proposals", "watch_switches"))


class Switch(Record):
    """Alarms of a model are held back from now on, or raised again: who decided it, when and why."""

    model: str
    frozen: bool
    why: str
    who: str = Field(default_factory=lambda: f"{getpass.getuser()}@{socket.gethostname()}")
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))


class Journal:
    """The journal in the database at `url`, which is the ledger's."""

    def __init__(self, url: str) -> None:
        self._engine = database(url, _METADATA)
        for table in _METADATA.tables:
            guard(self._engine, table)

    def add(self, record: Window | Alarm | Proposal | Switch) -> None:
        """Append a record."""
        table = {Window: _WINDOWS, Alarm: _ALARMS, Proposal: _PROPOSALS, Switch: _SWITCHES}[type(record)]
        with self._engine.begin() as connection:
            connection.execute(insert(table).values(model=record.model, record=record.model_dump(mode="json")))

    def windows(self, model: str, version: int | None = None) -> list[Window]:
        """Return the windows of a model, or of one version, oldest first."""
        return [window for window in self._read(_WINDOWS, Window, model) if version in (None, window.version)]

    def alarms(self, model: str) -> list[Alarm]:
        """Return the alarms of a model, oldest first."""
        return self._read(_ALARMS, Alarm, model)

    def proposals(self, model: str) -> list[Proposal]:
        """Return the challengers that were proposed, oldest first."""
        return self._read(_PROPOSALS, Proposal, model)

    def switch(self, model: str) -> Switch | None:
        """Return the latest setting of the switch; None if it was never set."""
        return next(iter(self._read(_SWITCHES, Switch, model)[-1:]), None)

    def frozen(self, model: str) -> str:
        """Return why alarms of a model are held back; "" if they are not."""
        switch = self.switch(model)
        return switch.why if switch and switch.frozen else ""

    def _read(self, table: Table, kind: type[AnyRecord], model: str) -> list[AnyRecord]:
        query = select(table.c.record).where(table.c.model == model).order_by(table.c.id)
        with self._engine.begin() as connection:
            return [kind.model_validate(row[0]) for row in connection.execute(query)]
