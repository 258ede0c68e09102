"""MLflow's database in the home folder, when another program is in its way."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import pytest

from slipway.errors import RegistryUnavailableError
from slipway.tracking.connection import connect
from tasks.patience import patiently

pytestmark = pytest.mark.slow  # it makes MLflow's tables


def test_a_busy_database_of_mlflow_is_one_sentence_without_sql(settings, caplog):
    connect(settings)
    with closing(sqlite3.connect(settings.home / "mlflow" / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        with pytest.raises(RegistryUnavailableError, match="the database is busy: another program has been writing to it") as busy:
            connect(settings)

    assert 4.5 < time.monotonic() - started < 30  # 5 s, as docs/faults.md says, and what the machine needs beside
    assert "SELECT" not in f"{busy.value} {caplog.text}"


def test_a_server_whose_disk_is_full_is_not_tried_again_and_one_that_restarts_is():
    from mlflow.exceptions import RestException

    def answers(message: str) -> int:
        attempts = []

        def step() -> None:
            attempts.append(message)
            raise RestException({"error_code": "INTERNAL_ERROR", "message": message})

        with pytest.raises(RestException):
            patiently(step, delays=(0, 0))
        return len(attempts)

    assert answers("(sqlite3.OperationalError) database or disk is full [SQL: INSERT INTO runs ...]") == 1
    assert answers("the server is starting") == 3
