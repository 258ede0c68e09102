"""Prefect's server on SQLite, mended, and for its own pages only.

`python -m deployments.local.prefect_server --host HOST --port PORT`, as `prefect server start`.

A statement that SQLite refuses, because the database is locked, leaves its cursor open in SQLAlchemy 2.0. Python frees it in the thread of
the event loop, which then waits for the cursor's connection. If that is in use again, and waits for a lock, the server hangs until SQLite
gives up, after 60 seconds: the holder of the lock waits for the loop.

A cursor of a request that was given up keeps its connection at the state that the database had then. Every write through that connection is
refused from then on, and the pool gives it out again and again. Such a connection is replaced when SQLite says so.
"""

from __future__ import annotations

import importlib
import runpy
import sqlite3
import sys
from collections.abc import Iterable
from typing import Any

import aiosqlite
import uvicorn
from sqlalchemy import Engine, ExceptionContext, event

from deployments.local.own_pages import OwnPagesOnly
from slipway.catalogue.imports import without_collector


class ClosingCursor(aiosqlite.Cursor):
    """A cursor that is closed, in its connection's own thread, when a statement is refused."""

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> aiosqlite.Cursor:
        try:
            return await super().execute(sql, parameters)
        except sqlite3.Error:
            await self.close()
            raise

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> aiosqlite.Cursor:
        try:
            return await super().executemany(sql, parameters)
        except sqlite3.Error:
            await self.close()
            raise


def close_refused_cursors() -> None:
    """Have every connection of this process make such cursors."""
    aiosqlite.core.Cursor = ClosingCursor  # type: ignore[misc]


def replace_stale_connections(engines: type[Engine] | Engine = Engine) -> None:
    """Have pools, by default all of this process, replace a connection that reads an old state, so that a repeated call succeeds."""

    @event.listens_for(engines, "handle_error")
    def replace(context: ExceptionContext) -> None:
        if getattr(context.original_exception, "sqlite_errorname", "") == "SQLITE_BUSY_SNAPSHOT":
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = False


def admit_own_pages_only() -> None:
    """Have the server refuse foreign pages: by itself it obeys any that sends no content type, under any name.

    Only what comes through the network is looked at. Prefect's own services ask the application in this process, under a name of their own.
    """
    serve = uvicorn.run

    def run(app: Any, **options: Any) -> None:
        serve(OwnPagesOnly(app), **options)

    uvicorn.run = run


if __name__ == "__main__":
    close_refused_cursors()
    replace_stale_connections()
    admit_own_pages_only()
    with without_collector():  # a fifth of the start
        importlib.import_module("prefect.server.api.server")
    sys.argv[1:1] = ["server", "start"]
    runpy.run_module("prefect", run_name="__main__")
