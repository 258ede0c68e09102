"""Rows from a database: the result of a query, as JSON lines in a fixed order, so that the same rows always have the same checksum.

The lines are sorted, because a database may return rows in any order. The transaction only reads, where the database can promise it, and
is rolled back.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from slipway.data.extras import require
from slipway.errors import DatasetNotFoundError, MissingExtraError, OriginUnreachableError, SlipwayError
from slipway.files.addresses import SQL, WAY_OUT, Login, masked
from slipway.spec.tables import Query

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, CursorResult, Engine, TextClause
    from sqlalchemy.exc import DBAPIError

PART = 10_000  # rows that are fetched at a time
CONNECT_SECONDS = 10
POSTGRES = "postgresql+psycopg"

# what a database says of a failure that another attempt will not heal; drivers have one type for these and for a lost connection
FINAL = re.compile(
    r"authentication|password|denied|permission|does not exist|no pg_hba|no such|unknown database"
    r"|syntax|unrecognized|not a database|readonly|unable to open|ambiguous|misuse",
    re.IGNORECASE,
)


def read(model: str, address: str, query: Query, login: Login) -> bytes:
    """Return the rows of a query to the database at `sql+DIALECT://HOST/DATABASE`.

    Raises:
        OriginUnreachableError: The database does not answer, or ended the connection. Another attempt may help.
        DatasetNotFoundError: There is no such database, table or column, the login is refused, or the query is wrong.
        MissingExtraError: The driver of the database is not installed.
    """
    with result(model, address, query.sql, login) as (names, parts):
        return b"".join(sorted(_lines(model, names, parts)))


@contextmanager
def result(
    model: str, address: str, sql: str, login: Login, ordered_by: str | None = None, beyond: Any = None
) -> Iterator[tuple[list[str], Iterator[Sequence[Any]]]]:
    """Yield the names of the columns of a query, and its rows in parts, none of them empty, as long as the block lasts.

    Args:
        ordered_by: A column of the result that decides the order of the rows; None for any order.
        beyond: Only rows whose value in this column is as high or higher, or missing; None for all rows.
    Raises:
        OriginUnreachableError, DatasetNotFoundError, MissingExtraError: See `read`.
    """
    from sqlalchemy.exc import DBAPIError

    engine = _engine(model, address, login)
    try:
        with engine.connect() as connection:
            found = _executed(model, connection, sql, ordered_by, beyond)
            yield list(found.keys()), found.partitions(PART)
    except DBAPIError as error:
        raise _explained(model, address, login, error) from None  # the cause may name the password
    finally:
        engine.dispose()


def _engine(model: str, address: str, login: Login) -> Engine:
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    try:
        url = make_url(address.removeprefix(SQL))
    except ArgumentError:
        raise DatasetNotFoundError(f"{model}: {address} is no address of a database; write sql+postgresql://HOST/DATABASE.") from None
    if url.get_backend_name() == "sqlite":
        return create_engine("sqlite://", creator=lambda: _read_only(model, url), poolclass=NullPool)
    seconds = {}
    if url.drivername in ("postgresql", POSTGRES):
        require("psycopg", "postgres", model, address)
        url, seconds = url.set(drivername=POSTGRES), {"connect_timeout": CONNECT_SECONDS}
    try:
        return create_engine(
            url.set(username=login.user, password=login.password), poolclass=NullPool, hide_parameters=True, connect_args=seconds
        )
    except NoSuchModuleError:
        raise MissingExtraError(f"{model}: {address} needs SQLAlchemy's package for {url.get_backend_name()}; install it.") from None
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{model}: {address} is read with {error.name}, which is not installed. Install it with: pip install {error.name}"
        ) from None


def _read_only(model: str, url: URL) -> sqlite3.Connection:
    path = Path(url.database or "").expanduser().absolute()
    if not path.is_file():  # SQLite would create it
        raise DatasetNotFoundError(f"{model}: there is no file {path}. {WAY_OUT}")
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)


def _executed(model: str, connection: Connection, sql: str, ordered_by: str | None, beyond: Any) -> CursorResult[Any]:
    connection = connection.execution_options(stream_results=True)
    if connection.dialect.name == "postgresql":
        connection = connection.execution_options(postgresql_readonly=True)
    if ordered_by:
        found = connection.execute(_growing(connection, sql, ordered_by, beyond))
    else:
        # no_parameters: a % in the query is a %
        found = connection.execution_options(no_parameters=True).exec_driver_sql(sql)
    if not found.returns_rows:
        raise DatasetNotFoundError(f"{model}: the query returns no rows; write a SELECT.")
    names = list(found.keys())
    if len(set(names)) < len(names):
        raise DatasetNotFoundError(f"{model}: the query returns a column name twice: {names}. Name each with AS.")
    return found


def _growing(connection: Connection, sql: str, column: str, beyond: Any) -> TextClause:
    """Return the query, limited to the rows from a value on, in the order of the database."""
    from sqlalchemy import DateTime, bindparam, text

    name = connection.dialect.identifier_preparer.quote_identifier(column)
    inside = sql.strip().rstrip(";").replace(":", r"\:")  # a colon in the query is a colon
    limit = f"WHERE {name} >= :beyond OR {name} IS NULL" if beyond is not None else ""
    whole = text(f"SELECT * FROM (\n{inside}\n) AS slipway_rows {limit} ORDER BY {name}")  # noqa: S608 - the query is the model's own
    if beyond is None:
        return whole
    kind = DateTime(timezone=True) if isinstance(beyond, datetime) and beyond.tzinfo else None
    return whole.bindparams(bindparam("beyond", beyond, type_=kind))


def _lines(model: str, names: list[str], parts: Iterator[Sequence[Any]]) -> Iterator[bytes]:
    for part in parts:
        for row in part:
            cells = {name: cell(model, name, value) for name, value in zip(names, row, strict=True)}
            yield json.dumps(cells, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def cell(model: str, name: str, value: Any) -> Any:
    """Return a value of a database as JSON has it; what JSON lacks, such as a date, as text."""
    from slipway.data.tables.texts import text

    if isinstance(value, bytes | memoryview):
        raise DatasetNotFoundError(f"{model}: column {name!r} of the query has bytes; select text or numbers.")
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else text(value) or None
    return text(value)


def _explained(model: str, address: str, login: Login, error: DBAPIError) -> SlipwayError:
    from sqlalchemy.exc import OperationalError

    lines = str(error.orig).strip().splitlines()  # PostgreSQL quotes rows in the lines after the first
    reason = masked(lines[0] if lines else type(error.orig).__name__)
    if login.password:
        reason = reason.replace(login.password, "***")
    if not FINAL.search(reason) and (isinstance(error, OperationalError) or error.connection_invalidated):
        return OriginUnreachableError(f"{model}: {address} cannot be reached ({reason}). {WAY_OUT}")
    return DatasetNotFoundError(
        f"{model}: {address} cannot be read ({reason}). Correct the query in the model's file, or set SLIPWAY_SQL_USER and "
        "SLIPWAY_SQL_PASSWORD to a login that may read it."
    )
