"""Rows come from a query to a database: the same rows have the same checksum, and no password is in an address, a record or an error."""

from __future__ import annotations

import hashlib
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import URL, make_url

from slipway.data.databases import read
from slipway.data.fetching import fetch
from slipway.data.recalling import recall
from slipway.data.typed_rows import read as read_rows
from slipway.data.validation import validate
from slipway.errors import DatasetChangedError, DatasetNotFoundError, MissingExtraError, OriginUnreachableError, SpecError
from slipway.files.addresses import NO_LOGIN, Login
from slipway.spec import CSV, Dataset, ModelSpec, Query

SECRET = "correct-horse-battery-staple"
ROWS = [(10, 1.5, "red", 0, "ñ"), (10, 1.5, "red", 1, None), (20, 2.25, "blue", 0, "c"), (20, 2.25, "blue", 1, "d")]
CREATE = "CREATE TABLE toys (size integer, weight double precision, colour text, wanted integer, id text)"
QUERY = Query("SELECT size, weight, colour, wanted, id FROM toys WHERE colour LIKE '%e%'")
# sorted lines; every colour has an e
CANONICAL = (
    '{"size": 10, "weight": 1.5, "colour": "red", "wanted": 0, "id": "ñ"}\n'
    '{"size": 10, "weight": 1.5, "colour": "red", "wanted": 1, "id": null}\n'
    '{"size": 20, "weight": 2.25, "colour": "blue", "wanted": 0, "id": "c"}\n'
    '{"size": 20, "weight": 2.25, "colour": "blue", "wanted": 1, "id": "d"}\n'
).encode()
SHA256 = hashlib.sha256(CANONICAL).hexdigest()


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """The address of a database with the toys, last first."""
    with closing(sqlite3.connect(tmp_path / "toys.db")) as database:
        database.execute(CREATE)
        database.executemany("INSERT INTO toys VALUES (?, ?, ?, ?, ?)", reversed(ROWS))
        database.commit()
    return f"sql+sqlite:///{tmp_path / 'toys.db'}"


@pytest.fixture
def postgres_toys(postgres_url: str) -> Iterator[tuple[str, Login]]:
    """The address of a PostgreSQL database with the toys and values of many types, and who may read it."""
    import psycopg

    url = make_url(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute(CREATE)
        with database.cursor() as cursor:
            cursor.executemany("INSERT INTO toys VALUES (%s, %s, %s, %s, %s)", ROWS)
        database.execute(f"CREATE ROLE reader_{url.database} LOGIN PASSWORD '{SECRET}'")
        database.execute("CREATE SEQUENCE numbers")
        database.execute(f"GRANT USAGE ON numbers TO reader_{url.database}")
        database.execute(f"GRANT SELECT ON toys TO reader_{url.database}")
    login = Login(f"reader_{url.database}", SECRET)
    yield f"sql+{URL.create('postgresql', database=url.database, query=url.query)}", login
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute(f"DROP OWNED BY reader_{url.database}")
        database.execute(f"DROP ROLE reader_{url.database}")


def from_database(toy: ModelSpec, address: str, sha256: str = SHA256, query: Query = QUERY) -> ModelSpec:
    return replace(toy, dataset=Dataset(origin=address, sha256=sha256, file="toys.jsonl", table=query))


def test_the_result_of_a_query_is_kept_as_sorted_json_lines(toy: ModelSpec, sqlite: str, tmp_path: Path) -> None:
    spec = from_database(toy, sqlite)

    snapshot = fetch(spec, None, tmp_path / "snapshots")

    assert snapshot.path == tmp_path / "snapshots" / f"toy-{SHA256[:12]}.jsonl"
    assert snapshot.path.read_bytes() == CANONICAL
    assert (snapshot.rows, snapshot.origin, snapshot.sample) == (4, sqlite, False)


def test_a_database_in_a_file_is_read_where_it_is_whatever_the_mirror(toy: ModelSpec, sqlite: str, dead_url: str, tmp_path: Path) -> None:
    snapshot = fetch(from_database(toy, sqlite), dead_url, tmp_path / "snapshots")

    assert (snapshot.origin, snapshot.rows) == (sqlite, 4)


def test_rows_of_a_query_are_those_of_the_csv(toy: ModelSpec, sqlite: str, tmp_path: Path) -> None:
    pd.DataFrame(ROWS, columns=["size", "weight", "colour", "wanted", "id"]).to_csv(tmp_path / "toys.csv", index=False)
    spec = from_database(toy, sqlite)

    found = read_rows(spec, fetch(spec, None, tmp_path / "snapshots"))

    pd.testing.assert_frame_equal(found, validate(toy, tmp_path / "toys.csv"))


def test_a_table_that_has_changed_since_is_refused(toy: ModelSpec, sqlite: str, tmp_path: Path) -> None:
    spec = from_database(toy, sqlite, sha256="0" * 64)

    with pytest.raises(DatasetChangedError, match=f"has changed.*\n.*received sha256 {SHA256}"):
        fetch(spec, None, tmp_path / "snapshots")


def test_a_snapshot_of_a_query_is_recalled_without_the_database(toy: ModelSpec, sqlite: str, tmp_path: Path) -> None:
    spec = from_database(toy, sqlite)
    snapshot = fetch(spec, None, tmp_path / "snapshots")
    (tmp_path / "toys.db").unlink()

    assert recall(spec, SHA256[:8], lambda digits: [], None, tmp_path / "snapshots") == snapshot


def test_a_mirror_may_have_the_result(toy: ModelSpec, tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "toys.jsonl").write_bytes(CANONICAL)
    spec = from_database(toy, "sql+postgresql://127.0.0.1:1/toys")

    assert fetch(spec, str(tmp_path / "mirror"), tmp_path / "snapshots").rows == 4


def test_a_query_cannot_change_a_database(toy: ModelSpec, sqlite: str) -> None:
    with pytest.raises(DatasetNotFoundError, match="attempt to write a readonly database"):
        read("toy", sqlite, Query("WITH x AS (SELECT 1) INSERT INTO toys (size) SELECT 7"), NO_LOGIN)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT size FROM dolls", "no such table: dolls"),
        ("SELECT length FROM toys", "no such column: length"),
        ("SELECT FROM toys", "syntax error"),
        ("SELECT size, size FROM toys", r"returns a column name twice: \['size', 'size'\]. Name each with AS"),
        ("SELECT x'00' AS photo", "column 'photo' of the query has bytes"),
    ],
)
def test_a_query_that_cannot_be_answered_is_explained(sqlite: str, query: str, reason: str) -> None:
    with pytest.raises(DatasetNotFoundError, match=reason):
        read("toy", sqlite, Query(query), NO_LOGIN)


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFoundError, match=f"there is no file {tmp_path}/other.db"):
        read("toy", f"sql+sqlite:///{tmp_path}/other.db", QUERY, NO_LOGIN)

    assert not (tmp_path / "other.db").exists()


def test_a_database_and_a_query_belong_together(toy: ModelSpec) -> None:
    with pytest.raises(SpecError, match=r"a database needs table=Query\(\.\.\.\), and no other origin has a query; received CSV\(\)"):
        Dataset(origin="sql+sqlite:///toys.db", sha256=SHA256, file="toys.csv", table=CSV())
    with pytest.raises(SpecError, match="no other origin has a query"):
        Dataset(origin="toys.csv", sha256=SHA256, file="toys.csv", table=QUERY)


def test_a_database_that_does_not_answer_may_be_tried_again() -> None:
    with closing(socket.socket()) as taken:  # a port where nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"sql+postgresql://127.0.0.1:{taken.getsockname()[1]}/toys"

        with pytest.raises(OriginUnreachableError, match="cannot be reached") as error:
            read("toy", address, QUERY, Login("reader", SECRET))

    assert SECRET not in str(error.value)


def test_a_missing_driver_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as if it were not installed

    with pytest.raises(MissingExtraError, match=r"pip install 'slipway\[postgres\]'"):
        read("toy", "sql+postgresql://host/toys", QUERY, NO_LOGIN)


@pytest.mark.parametrize(
    ("address", "reason"),
    [("sql+nodb://host/toys", "needs SQLAlchemy's package for nodb"), ("sql+mysql+pymysql://host/toys", "pip install pymysql")],
)
def test_another_missing_driver_is_named(address: str, reason: str) -> None:
    with pytest.raises(MissingExtraError, match=reason):
        read("toy", address, QUERY, NO_LOGIN)


def test_postgresql_gives_the_same_rows_and_checksum(toy: ModelSpec, postgres_toys: tuple[str, Login], tmp_path: Path) -> None:
    address, login = postgres_toys
    spec = from_database(toy, address)

    snapshot = fetch(spec, None, tmp_path / "snapshots", login)

    assert snapshot.path.read_bytes() == CANONICAL
    assert snapshot.origin == address


def test_values_of_postgresql_become_texts_without_losing_a_digit(postgres_toys: tuple[str, Login]) -> None:
    address, login = postgres_toys
    query = Query(
        "SELECT 1.50::numeric(9, 2) AS amount, 12345678901234567::bigint AS big, true AS yes, NULL::integer AS nothing,"
        " 'NaN'::float8 AS nan,"
        " DATE '2024-01-03' AS day, TIMESTAMP '2024-01-03 10:30:00' AS moment, '10:30'::text || ' 50%' AS said, ARRAY[1, 2] AS list"
    )

    assert read("toy", address, query, login).decode() == (
        '{"amount": "1.50", "big": 12345678901234567, "yes": true, "nothing": null, "nan": null, "day": "2024-01-03",'
        ' "moment": "2024-01-03 10:30:00", "said": "10:30 50%", "list": "[1, 2]"}\n'
    )


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT size FROM dolls", 'relation "dolls" does not exist'),
        (
            "WITH x AS (INSERT INTO toys (size) VALUES (7) RETURNING size) SELECT size FROM x",
            "must not contain data-modifying statements",
        ),
        ("SELECT nextval('numbers')", "in a read-only transaction"),
        ("SELECT rolpassword FROM pg_authid", "permission denied"),
    ],
)
def test_what_postgresql_refuses_is_explained(postgres_toys: tuple[str, Login], query: str, reason: str) -> None:
    address, login = postgres_toys

    with pytest.raises(DatasetNotFoundError, match=reason):
        read("toy", address, Query(query), login)


def test_a_user_who_is_not_there_is_refused_and_no_password_is_shown(postgres_toys: tuple[str, Login]) -> None:
    address, _ = postgres_toys

    with pytest.raises(DatasetNotFoundError, match="set SLIPWAY_SQL_USER and SLIPWAY_SQL_PASSWORD") as error:
        read("toy", address, QUERY, Login("nobody_at_all", SECRET))

    shown: Any = error.value
    while shown is not None:  # a traceback shows the causes as well
        assert SECRET not in str(shown)
        shown = None if shown.__suppress_context__ else shown.__cause__
