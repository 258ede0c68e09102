"""Rows from a database: the result of a query, as JSON lines in a fixed order, so that the same rows always have the same checksum.

The lines are sorted, because a database may return rows in any order. The transaction only reads, where the database can promise it, and
is rolled back.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from slipway.data.extras import require
from slipway.errors import DatasetNotFoundError, MissingExtraError, OriginUnreachableError, SlipwayError
from slipway.files.addresses import SQL, WAY_OUT, Login, masked
from slipway.spec.tables import Query

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
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
    from sqlalchemy.exc import DBAPIError

    engine = _engine(model, address, login)
    try:
        with engine.connect() as connection:
            return b"".join(sorted(_lines(model, connection, query)))
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


def _lines(model: str, connection: Connection, query: Query) -> Iterator[bytes]:
    # no_parameters: a % in the query is a %
    connection = connection.execution_options(stream_results=True, no_parameters=True)
    if connection.dialect.name == "postgresql":
        connection = connection.execution_options(postgresql_readonly=True)
    result = connection.exec_driver_sql(query.sql)
    if not result.returns_rows:
        raise DatasetNotFoundError(f"{model}: the query returns no rows; write a SELECT.")
    names = list(result.keys())
    if len(set(names)) < len(names):
        raise DatasetNotFoundError(f"{model}: the query returns a column name twice: {names}. Name each with AS.")
    for part in result.partitions(PART):
        for row in part:
            cells = {name: _cell(model, name, value) for name, value in zip(names, row, strict=True)}
            yield json.dumps(cells, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _cell(model: str, name: str, value: Any) -> Any:
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
