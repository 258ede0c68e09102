"""A table to which rows are only added: the database itself refuses to change or remove one.

A user who may change the schema can remove that guard; see docs/rollback.md.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, MetaData, create_engine, text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import OperationalError, ProgrammingError

SQLITE = {
    "update": "BEFORE UPDATE ON {table}",
    "delete": "BEFORE DELETE ON {table}",
    # INSERT OR REPLACE removes the row it replaces without a DELETE that a trigger would see
    "replace": "BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)",
}
LOCK = 7_238_110_003  # the number of an advisory lock, unlikely to be anyone else's


def database(url: str, tables: MetaData) -> Engine:
    """Open a database, and create these tables if they are missing; for SQLite also the folder of the file."""
    location = make_url(url)
    if location.get_backend_name() == "sqlite" and location.database:
        Path(location.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)
    for _ in tables.tables:
        try:
            tables.create_all(engine)
        except (OperationalError, ProgrammingError) as error:
            if "already exists" not in str(error):
                raise  # else another process, or a thread of this one, was quicker with one of them
        else:
            break
    return engine


def guard(engine: Engine, table: str) -> None:
    """Have SQLite or PostgreSQL refuse to change or remove a row of a table with the primary key `id`. Safe to repeat."""
    guards = {"sqlite": _guard_sqlite, "postgresql": _guard_postgresql}
    if engine.dialect.name in guards:
        with engine.begin() as connection:
            guards[engine.dialect.name](connection, table)


def _guard_sqlite(connection: Connection, table: str) -> None:
    for name, moment in SQLITE.items():
        connection.execute(
            text(
                f"CREATE TRIGGER IF NOT EXISTS {table}_refuses_{name} {moment.format(table=table)} "
                f"BEGIN SELECT RAISE(ABORT, 'the {table} is append-only'); END"
            )
        )


def _guard_postgresql(connection: Connection, table: str) -> None:
    """Refuse statements instead of rows: TRUNCATE has no rows, and a statement that matches none is a mistake too."""
    name = f"{table}_is_append_only"
    if _guarded(connection, table, name):
        return  # also for a user who may write lines and create no triggers
    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    if _guarded(connection, table, name):
        return
    connection.execute(
        text(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'the {table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    )
    connection.execute(
        text(f"CREATE TRIGGER {name} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {name}()")
    )


def _guarded(connection: Connection, table: str, name: str) -> bool:
    found = text("SELECT 1 FROM pg_trigger WHERE tgrelid = CAST(:table AS regclass) AND tgname = :name")
    return connection.execute(found, {"table": table, "name": name}).first() is not None
