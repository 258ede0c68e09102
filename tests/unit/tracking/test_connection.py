"""MLflow's database in the home folder, when another program is in its way."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from slipway.errors import RegistryUnavailableError
from slipway.tracking.connection import connect

pytestmark = pytest.mark.slow  # it makes MLflow's tables


def test_a_busy_database_of_mlflow_is_one_sentence_without_sql(settings, caplog):
    connect(settings)
    with closing(sqlite3.connect(settings.home / "mlflow" / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RegistryUnavailableError, match="the database is busy: another program has been writing to it") as busy:
            connect(settings)

    assert "SELECT" not in f"{busy.value} {caplog.text}"
