"""What is mended in the Prefect server: a refused statement must not make the event loop wait for a lock, nor a connection stay useless."""

from __future__ import annotations

import asyncio
import gc
import time
from pathlib import Path

import aiosqlite
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from deployments.local.prefect_server import close_refused_cursors, replace_stale_connections

PATIENCE = 8.0  # seconds that SQLite waits for a lock here; 60 in Prefect


@pytest.mark.parametrize("mended", [True, False])
def test_a_refused_statement_holds_the_event_loop_up_unless_its_cursor_is_closed(tmp_path, monkeypatch, mended):
    """Should SQLAlchemy close it itself one day, the second of these fails, and the mend is needed no more."""
    monkeypatch.setattr(aiosqlite.core, "Cursor", aiosqlite.core.Cursor)  # put back after the test
    if mended:
        close_refused_cursors()

    seconds = asyncio.run(seconds_to_let_go_of_a_refused_statement(tmp_path / "some.db"))

    assert seconds < PATIENCE / 2 if mended else seconds > PATIENCE / 2


async def seconds_to_let_go_of_a_refused_statement(database: Path) -> float:
    gc.collect()
    gc.freeze()  # what other tests have left is not to be gone through while the clock runs
    engine = create_async_engine(f"sqlite+aiosqlite:///{database}", poolclass=NullPool)
    event.listen(engine.sync_engine, "connect", as_prefect_connects)
    async with engine.connect() as one, engine.connect() as other:
        for statement in ("PRAGMA journal_mode = WAL", "CREATE TABLE lines (number)", "BEGIN", "SELECT * FROM lines"):
            await one.execute(text(statement))
        await other.execute(text("INSERT INTO lines VALUES (1)"))
        refused: OperationalError | None = await refusal(one)
        assert refused is not None
        await one.execute(text("ROLLBACK"))
        await other.execute(text("BEGIN IMMEDIATE"))
        waiting = asyncio.create_task(insert(one))  # for the lock that the other holds
        await asyncio.sleep(0.5)  # until it waits in its own thread; nothing shows it
        began = time.monotonic()
        refused = None
        gc.collect()
        seconds = time.monotonic() - began
        gc.unfreeze()
        await other.execute(text("ROLLBACK"))
        await asyncio.gather(waiting, return_exceptions=True)
    await engine.dispose()
    return seconds


def as_prefect_connects(connection, _record) -> None:
    connection.isolation_level = None
    connection.cursor().execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")


async def insert(connection: AsyncConnection) -> None:
    await connection.execute(text("INSERT INTO lines VALUES (2)"))


async def refusal(connection: AsyncConnection) -> OperationalError | None:
    """Return the error, whose traceback holds the cursor, as a log or a web framework does."""
    try:
        await insert(connection)
    except OperationalError as error:
        return error
    return None


@pytest.mark.parametrize("mended", [True, False])
def test_a_connection_with_a_forgotten_cursor_refuses_every_write_unless_it_is_replaced(tmp_path, mended):
    succeeded = asyncio.run(writes_after_a_forgotten_cursor(tmp_path / "some.db", mended))

    assert succeeded == ([False, True, True] if mended else [False] * 3)


async def writes_after_a_forgotten_cursor(database: Path, mended: bool) -> list[bool]:
    """Return which of three writes succeed through the one connection of a pool, in which a cursor was left half read."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{database}", pool_size=1, max_overflow=0)
    event.listen(engine.sync_engine, "connect", as_prefect_connects)
    if mended:
        replace_stale_connections(engine.sync_engine)
    async with engine.begin() as connection:
        for statement in ("PRAGMA journal_mode = WAL", "CREATE TABLE lines (number)", "INSERT INTO lines VALUES (1), (2), (3)"):
            await connection.execute(text(statement))
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        forgotten = await driver.execute("SELECT * FROM lines")
        await forgotten.fetchone()
    async with aiosqlite.connect(database) as other:
        await other.execute("INSERT INTO lines VALUES (4)")
        await other.commit()
    succeeded = []
    for _ in range(3):
        async with engine.connect() as connection:
            succeeded.append(await refusal(connection) is None)
    await engine.dispose()
    return succeeded
