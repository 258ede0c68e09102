"""Prefect's server on SQLite, mended, and for its own pages only.

`python -m deployments.local.prefect_server --host HOST --port PORT`, as `prefect server start`.

A statement that SQLite refuses, because the database is locked, leaves its cursor open in SQLAlchemy 2.0. Python frees it in the thread of
the event loop, which then waits for the cursor's connection. If that is in use again, and waits for a lock, the server hangs until SQLite
gives up, after 60 seconds: the holder of the lock waits for the loop.
"""

from __future__ import annotations

import runpy
import sqlite3
import sys
from collections.abc import Iterable
from typing import Any

import aiosqlite
import uvicorn

from deployments.local.own_pages import OwnPagesOnly


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
    admit_own_pages_only()
    sys.argv[1:1] = ["server", "start"]
    runpy.run_module("prefect", run_name="__main__")
