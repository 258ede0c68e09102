"""The log in PostgreSQL, in its own schema. Times are `timestamptz`; rows, labels and probabilities are `json`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from slipway.audit.databases.tables import Batch, Lock, Row, Table, insertion
from slipway.audit.errors import AuditError

SCHEMA = "slipway_audit"
MANY = 200  # lines from which COPY is faster than INSERT; at 10,000 it is twice as fast
LABEL = "label"
# Advisory locks of this log, by numbers that no other program is likely to use.
KEYS, MIGRATION, OUTCOMES = 7_238_110_001, 7_238_110_002, 7_238_110_003
LOCK = {
    "shared": f"SELECT pg_advisory_xact_lock_shared({KEYS})",
    "alone": f"SELECT pg_advisory_xact_lock({KEYS})",
    # Outcomes also look up subjects, so the keys must not change.
    "outcomes": f"SELECT pg_advisory_xact_lock({OUTCOMES}), pg_advisory_xact_lock_shared({KEYS})",
}
# For options that the address does not set. Without them, a network that loses packets would keep callers waiting for minutes.
DEFAULTS = {"connect_timeout": 5, "tcp_user_timeout": 10_000, "application_name": "slipway-audit"}
LIMITS = ("SET lock_timeout = '5s'", "SET statement_timeout = '30s'", f"SET search_path = {SCHEMA}")

# Each step is one version of the schema; steps are added, never changed.
STEPS = (
    (
        "CREATE TABLE predictions (id bigint GENERATED ALWAYS AS IDENTITY, prediction_id text PRIMARY KEY, request_id text NOT NULL,"
        " time timestamptz NOT NULL, key text NOT NULL, model text NOT NULL, version integer, run_id text NOT NULL, row json NOT NULL,"
        " label json NOT NULL, probabilities json NOT NULL, latency_ms double precision NOT NULL, address text NOT NULL,"
        " pseudonym text, subject text, subject_key text)",
        "CREATE INDEX predictions_time ON predictions (time, id)",
        "CREATE INDEX predictions_pseudonym ON predictions (pseudonym) WHERE pseudonym IS NOT NULL",
        "CREATE TABLE refusals (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, request_id text NOT NULL,"
        " time timestamptz NOT NULL, key text NOT NULL, address text NOT NULL, method text NOT NULL, path text NOT NULL,"
        " status integer NOT NULL, code text NOT NULL, violations integer NOT NULL)",
        "CREATE INDEX refusals_time ON refusals (time, id)",
        "CREATE TABLE administration (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, time timestamptz NOT NULL,"
        " who text NOT NULL, what text NOT NULL, about text NOT NULL)",
    ),
    (
        "CREATE TABLE shadows (id bigint GENERATED ALWAYS AS IDENTITY, prediction_id text PRIMARY KEY, time timestamptz NOT NULL,"
        " model text NOT NULL, version integer, run_id text NOT NULL, label json NOT NULL, probabilities json NOT NULL,"
        " agrees integer NOT NULL, latency_ms double precision NOT NULL)",
        "CREATE INDEX shadows_time ON shadows (time, id)",
    ),
    (
        "CREATE TABLE batches (id bigint GENERATED ALWAYS AS IDENTITY, request_id text PRIMARY KEY, time timestamptz NOT NULL,"
        " key text NOT NULL, model text NOT NULL, version integer, run_id text NOT NULL, size integer NOT NULL, rows json NOT NULL,"
        " labels json NOT NULL, probabilities json NOT NULL, latency_ms double precision NOT NULL, address text NOT NULL)",
        "CREATE INDEX batches_time ON batches (time, id)",
    ),
    (
        "CREATE TABLE outcomes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, time timestamptz NOT NULL, request_id text NOT NULL,"
        " key text NOT NULL, model text NOT NULL, prediction_id text NOT NULL, label json NOT NULL, observed_at timestamptz)",
        "CREATE INDEX outcomes_prediction ON outcomes (prediction_id)",
        "CREATE INDEX outcomes_time ON outcomes (model, time)",
    ),
    (
        "CREATE TABLE explanations (id bigint GENERATED ALWAYS AS IDENTITY, prediction_id text PRIMARY KEY, time timestamptz NOT NULL,"
        " model text NOT NULL, version integer, run_id text NOT NULL, explanation json NOT NULL)",
        "CREATE INDEX explanations_time ON explanations (time, id)",
    ),
)


class PostgresStore:
    """See `slipway.audit.databases.tables.Store`."""

    newest_first = "time DESC, id DESC"
    number = "id"
    compared = "(time, id) {} (?, ?)"
    wrong_lines: tuple[type[Exception], ...] = (psycopg.IntegrityError, psycopg.DataError, psycopg.ProgrammingError)

    def __init__(self, url: str) -> None:
        given: dict[str, Any] = DEFAULTS | conninfo_to_dict(url)
        self._connection = psycopg.connect(**given, autocommit=True, row_factory=dict_row)
        try:
            for limit in LIMITS:
                self._connection.execute(limit)
            self._migrate()
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def transaction(self, lock: Lock | None = None) -> Iterator[None]:
        with self._connection.transaction():
            if lock:
                self._connection.execute(LOCK[lock])
            yield

    def insert(self, batch: Batch) -> None:
        with self._connection.cursor() as cursor:
            for table, lines in batch.items():
                rows = [_with_json(table, line) for line in lines]
                if len(rows) < MANY:
                    cursor.executemany(_ours(insertion(table)), rows)
                    continue
                with cursor.copy(f"COPY {table.name} ({', '.join(table.columns)}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        return self._connection.execute(_ours(statement), values).fetchall()

    def change(self, statement: str, values: Sequence[Row]) -> int:
        with self._connection.cursor() as cursor:
            cursor.executemany(_ours(statement), values)
            return cursor.rowcount

    def wipe(self) -> None:
        """Do nothing: PostgreSQL's own vacuum reuses the space."""

    def close(self) -> None:
        self._connection.close()

    def _migrate(self) -> None:
        if self._version() == len(STEPS):
            return
        with self._connection.transaction():
            self._connection.execute(f"SELECT pg_advisory_xact_lock({MIGRATION})")
            version = self._version()
            if version > len(STEPS):
                raise AuditError(f"the audit log has schema {version}, expected {len(STEPS)} or less: update Slipway.")
            if not self._connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (SCHEMA,)).fetchone():
                self._connection.execute(f"CREATE SCHEMA {SCHEMA}")
            self._connection.execute("CREATE TABLE IF NOT EXISTS audit_schema (version integer NOT NULL)")
            for number, step in enumerate(STEPS[version:], version + 1):
                for statement in step:
                    self._connection.execute(statement)
                self._connection.execute("INSERT INTO audit_schema VALUES (%s)", (number,))

    def _version(self) -> int:
        if not self.rows("SELECT 1 FROM pg_tables WHERE schemaname = ? AND tablename = 'audit_schema'", (SCHEMA,)):
            return 0
        return int(self.rows("SELECT coalesce(max(version), 0) AS version FROM audit_schema")[0]["version"])


@cache
def _ours(statement: str) -> str:
    return statement.replace("?", "%s")


def _with_json(table: Table, row: Row) -> Row:
    if LABEL not in table.columns:
        return row
    place = table.columns.index(LABEL)
    return *row[:place], msgspec.json.encode(row[place]).decode(), *row[place + 1 :]
