"""A followed query is kept as Parquet in parts; with a column that grows, only what is new is read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.data import databases, manifests
from slipway.data.fetching import fetch
from slipway.data.recalling import recall
from slipway.data.tables import parquet_files
from slipway.errors import DatasetChangedError, DatasetNotFoundError, InvalidRowsError, OriginUnreachableError
from slipway.files.addresses import NO_LOGIN
from slipway.records import Snapshot
from slipway.spec import FollowedDataset, ModelSpec, Query

QUERY = "SELECT number, size, weight, colour, wanted FROM toys WHERE colour LIKE '%e%' -- ':number'"
FEW = [(1, 10, 1.5, "red", 0), (2, 20, 2.25, "blue", 1), (3, 30, None, "red", 1)]
MORE = [(4, 40, 1.0, "blue", 0), (5, 50, 3.5, "red", 1)]


class Toys:
    """A table in a database, and the model that follows it."""

    def __init__(self, spec: ModelSpec, address: str, run: Any) -> None:
        self.spec, self.address, self._run = spec, address, run

    def execute(self, *statements: str) -> None:
        self._run(statements)

    def add(self, *rows: tuple[Any, ...]) -> None:
        cells = [", ".join("NULL" if cell is None else repr(cell) for cell in row) for row in rows]
        self.execute(*(f"INSERT INTO toys VALUES ({row})" for row in cells))

    def following(self, query: str = QUERY, **fields: Any) -> ModelSpec:
        return replace(self.spec, dataset=FollowedDataset(origin=self.address, file="toys.parquet", table=Query(query), **fields))

    def fetch(self, folder: Path, query: str = QUERY, **fields: Any) -> Snapshot:
        return fetch(self.following(query, **fields), None, folder, NO_LOGIN)


@pytest.fixture(params=["sqlite", "postgres"])
def toys(request: pytest.FixtureRequest, toy: ModelSpec, tmp_path: Path) -> Iterator[Toys]:
    if request.param == "sqlite":
        with closing(sqlite3.connect(tmp_path / "toys.db", isolation_level=None)) as database:
            table = Toys(toy, f"sql+sqlite:///{tmp_path / 'toys.db'}", lambda statements: [database.execute(one) for one in statements])
            table.execute("CREATE TABLE toys (number integer, size integer, weight double precision, colour text, wanted integer)")
            table.add(*FEW)
            yield table
        return
    import psycopg

    url = request.getfixturevalue("postgres_url")
    with psycopg.connect(url, autocommit=True) as database:
        table = Toys(toy, f"sql+{address_of(url)}", lambda statements: [database.execute(one) for one in statements])
        table.execute("CREATE TABLE toys (number integer, size integer, weight double precision, colour text, wanted integer)")
        table.add(*FEW)
        yield table


def address_of(url: str) -> str:
    """Return the address without its user, whom the environment names."""
    from sqlalchemy import URL, make_url

    given = make_url(url)
    return str(URL.create("postgresql", database=given.database, query=given.query))


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGUSER", "postgres")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


def rows(snapshot: Snapshot) -> list[tuple[str, ...]]:
    return [tuple(row) for row in parquet_files.read(snapshot.path).itertuples(index=False)]


def numbers(snapshot: Snapshot) -> list[int]:
    return [int(row[0]) for row in rows(snapshot)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_query_is_kept_as_parquet_and_no_cell_changes(toys: Toys, folder: Path) -> None:
    snapshot = toys.fetch(folder)

    assert snapshot.path.suffix == ".parquet"
    assert sorted(rows(snapshot)) == [("1", "10", "1.5", "red", "0"), ("2", "20", "2.25", "blue", "1"), ("3", "30", "", "red", "1")]


def test_the_same_rows_in_another_order_are_the_same_snapshot(toys: Toys, folder: Path) -> None:
    first = toys.fetch(folder)
    there = names(folder)
    toys.execute("DELETE FROM toys")
    toys.add(*reversed(FEW))

    assert toys.fetch(folder) == first
    assert names(folder) == there


def test_a_query_that_grows_reads_only_what_is_new(toys: Toys, folder: Path) -> None:
    toys.fetch(folder, grows_by="number")
    toys.execute("UPDATE toys SET size = 99 WHERE number = 1")  # which only a query that reads all rows would see
    toys.add(*MORE)

    grown = toys.fetch(folder, grows_by="number")

    assert numbers(grown) == [1, 2, 3, 4, 5]
    assert rows(grown)[0][1] == "10"
    manifest = manifests.read(grown.path)
    assert manifest is not None
    assert manifest.mark is not None
    assert (manifest.mark.column, manifest.mark.kind, manifest.mark.value) == ("number", "int", "5")


def test_a_query_that_has_not_grown_is_the_same_snapshot(toys: Toys, folder: Path) -> None:
    first = toys.fetch(folder, grows_by="number")
    there = names(folder)

    assert toys.fetch(folder, grows_by="number") == first
    assert names(folder) == there


def test_late_rows_with_the_highest_value_are_not_lost(toys: Toys, folder: Path) -> None:
    toys.fetch(folder, grows_by="number")
    toys.add((3, 31, 2.0, "blue", 0), (4, 40, 1.0, "blue", 0))

    assert numbers(toys.fetch(folder, grows_by="number")) == [1, 2, 3, 3, 4]


def test_it_reads_on_from_the_rows_of_the_version_in_service(toys: Toys, folder: Path) -> None:
    in_service = toys.fetch(folder, grows_by="number")
    toys.add(*MORE)
    refused = toys.fetch(folder, grows_by="number")
    toys.execute("UPDATE toys SET size = 41 WHERE number = 4")

    spec = toys.following(grows_by="number")
    found = fetch(spec, None, folder, preferred=in_service.sha256)

    assert found.sha256 != refused.sha256
    assert [row[1] for row in rows(found)] == ["10", "20", "30", "41", "50"]


def test_a_table_that_lost_the_rows_up_to_which_it_was_read_is_refused(toys: Toys, folder: Path) -> None:
    last = toys.fetch(folder, grows_by="number")
    there = names(folder)
    toys.execute("DELETE FROM toys WHERE number = 3")
    toys.add(*MORE)

    with pytest.raises(DatasetNotFoundError, match=r"no row any more whose number is 3.*take grows_by out"):
        toys.fetch(folder, grows_by="number")

    assert names(folder) == there
    assert numbers(last) == [1, 2, 3]


def test_an_empty_table_is_refused(toys: Toys, folder: Path) -> None:
    toys.fetch(folder)
    there = names(folder)
    toys.execute("DELETE FROM toys")

    with pytest.raises(InvalidRowsError, match="holds no rows"):
        toys.fetch(folder)

    assert names(folder) == there


def test_another_query_or_a_damaged_snapshot_is_read_from_the_beginning(toys: Toys, folder: Path) -> None:
    first = toys.fetch(folder, grows_by="number")
    toys.execute("UPDATE toys SET size = 99 WHERE number = 1")

    other = toys.fetch(folder, "SELECT * FROM toys", grows_by="number")
    first.path.write_bytes(first.path.read_bytes()[:-10])
    again = toys.fetch(folder, grows_by="number")

    assert [found[0][1] for found in (sorted(rows(other)), sorted(rows(again)))] == ["99", "99"]


def test_a_table_with_a_new_column_is_read_from_the_beginning(toys: Toys, folder: Path) -> None:
    query = "SELECT * FROM toys"
    toys.fetch(folder, query, grows_by="number")
    toys.execute("ALTER TABLE toys ADD COLUMN id text", "UPDATE toys SET id = 'a'")

    found = toys.fetch(folder, query, grows_by="number")

    assert rows(found)[0] == ("1", "10", "1.5", "red", "0", "a")


def test_a_growing_column_needs_a_value_in_each_row(toys: Toys, folder: Path) -> None:
    toys.fetch(folder, grows_by="number")
    toys.add((None, 40, 1.0, "blue", 0))

    with pytest.raises(DatasetNotFoundError, match="has no value in some rows"):
        toys.fetch(folder, grows_by="number")


def test_a_growing_column_that_the_query_lacks_is_named(toys: Toys, folder: Path) -> None:
    with pytest.raises(DatasetNotFoundError, match="since"):
        toys.fetch(folder, grows_by="since")


@pytest.mark.parametrize("toys", ["postgres"], indirect=True)
@pytest.mark.parametrize(
    ("kind", "first", "later", "mark"),
    [
        ("timestamp", "2026-01-01 10:00:00", "2026-01-01 10:00:00.5", ("datetime", "2026-01-01T10:00:00.500000")),
        ("timestamptz", "2026-01-01 10:00:00+02", "2026-01-01 09:00:00+00", ("datetime with time zone", "2026-01-01T09:00:00+00:00")),
        ("date", "2026-01-31", "2026-02-01", ("date", "2026-02-01")),
        ("numeric(10, 2)", "1.50", "10.00", ("decimal", "10.00")),
        ("text", "B", "a", None),  # the order is the database's own
    ],
)
def test_a_column_of_any_kind_may_grow(toys: Toys, folder: Path, kind: str, first: str, later: str, mark: tuple[str, str] | None) -> None:
    toys.execute("SET TIME ZONE 'UTC'", f"ALTER TABLE toys ADD COLUMN since {kind}", f"UPDATE toys SET since = '{first}'")
    query = "SELECT *, since::text AS shown FROM toys"
    toys.fetch(folder, query, grows_by="since")
    toys.execute(f"INSERT INTO toys VALUES (4, 40, 1.0, 'blue', 0, '{later}')", "UPDATE toys SET size = 11 WHERE number = 1")

    found = toys.fetch(folder, query, grows_by="since")

    assert sorted(numbers(found)) == [1, 2, 3, 4]
    manifest = manifests.read(found.path)
    assert manifest is not None
    assert manifest.mark is not None
    if mark:
        kind_of_mark, value = mark
        assert manifest.mark.kind == kind_of_mark
        assert manifest.mark.value.replace("11:00:00+02:00", "09:00:00+00:00") == value


@pytest.mark.parametrize("toys", ["postgres"], indirect=True)
def test_every_kind_of_cell_is_the_text_that_a_file_would_have(toys: Toys, folder: Path) -> None:
    cells = {
        "'NaN'::float8": "",
        "'-Infinity'::float8": "-inf",
        "3.0::float8": "3",
        "0.1::float8": "0.1",
        "1.50::numeric": "1.50",
        "true": "true",
        "DATE '2026-01-31'": "2026-01-31",
        "TIMESTAMP '2026-01-31 10:00'": "2026-01-31 10:00:00",
        "2::bigint": "2",
        "NULL": "",
    }
    query = "SELECT " + ", ".join(f"{value} AS c{place}" for place, value in enumerate(cells))

    assert rows(toys.fetch(folder, query)) == [tuple(cells.values())]


@pytest.mark.parametrize("toys", ["postgres"], indirect=True)
def test_a_database_that_goes_away_in_the_middle_leaves_the_last_snapshot(toys: Toys, folder: Path) -> None:
    toys.fetch(folder)
    there = names(folder)
    toys.execute("INSERT INTO toys SELECT number, 10, 1.5, 'red', 0 FROM generate_series(10, 30000) AS number")
    # the server ends the connection when it reaches this row, after parts of the result were sent
    dies = "SELECT toys.*, CASE WHEN number = 25000 THEN pg_terminate_backend(pg_backend_pid()) END AS ended FROM toys"

    with pytest.raises(OriginUnreachableError, match="cannot be reached"):
        toys.fetch(folder, dies)

    assert names(folder) == there


def test_a_damaged_database_leaves_the_last_snapshot(toy: ModelSpec, tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "large.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE toys (size integer, text text)")
        database.executemany("INSERT INTO toys VALUES (?, ?)", [(number, "x" * 200) for number in range(30_000)])
        database.commit()
    dataset = FollowedDataset(origin=f"sql+sqlite:///{path}", file="toys.parquet", table=Query("SELECT * FROM toys"))
    fetch(replace(toy, dataset=dataset), None, folder)
    there = names(folder)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 65_536)

    with pytest.raises(DatasetNotFoundError, match="malformed"):
        fetch(replace(toy, dataset=dataset), None, folder)

    assert names(folder) == there


def test_a_lost_snapshot_of_a_query_cannot_be_recalled(toys: Toys, folder: Path) -> None:
    from slipway.tracking.recorded_rows import RecordedRows

    snapshot = toys.fetch(folder)
    recorded = RecordedRows(snapshot.sha256, snapshot.origin, sample=False)
    assert recall(toys.following(), snapshot.sha256[:8], lambda digits: [recorded], None, folder) == snapshot
    snapshot.path.unlink()

    with pytest.raises(DatasetChangedError, match=r"is gone, and .* moves"):
        recall(toys.following(), snapshot.sha256[:8], lambda digits: [recorded], None, folder)


def test_parts_are_small_beside_the_result(toys: Toys, folder: Path) -> None:
    import pyarrow.parquet

    toys.add(*[(number, 10, 1.5, "red", 0) for number in range(10, 40)])
    spec = toys.following()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "PART", 10)
        snapshot = fetch(spec, None, folder)

    assert pyarrow.parquet.read_metadata(snapshot.path).num_row_groups == 4
