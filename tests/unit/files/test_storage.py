"""A full disk, a read-only file system and a busy database are named, whatever library met them; on a small disk of the test's own."""

from __future__ import annotations

import errno
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from slipway.audit.places import opened
from slipway.errors import GatewayUnreachableError, StorageError
from slipway.files.replacing import replace
from slipway.files.storage import heals, require_storage, storage_at_fault, storage_error
from slipway.lifecycle.ledger import Ledger, entry
from slipway.lifecycle.locking import exclusive
from slipway.settings import Settings
from tests.support.disks import Disk, small_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk") as made:
        yield made


def raised(call, *arguments) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of any library
        call(*arguments)
    return caught.value


def insert_by_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=0.01)) as database:
        database.execute("CREATE TABLE IF NOT EXISTS t (x)")
        database.execute("INSERT INTO t VALUES (zeroblob(100000))")
        database.commit()


def insert_by_sqlalchemy(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 0.01})
    try:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE IF NOT EXISTS t (x)"))
            connection.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))
    finally:
        engine.dispose()


def write_a_file(path: Path) -> None:
    replace(path, b"content" * 10_000)


def wrapped(path: Path) -> None:
    try:
        insert_by_sqlalchemy(path)
    except Exception as error:
        raise RuntimeError("what a library makes of it") from error


WRITERS = [insert_by_sqlite, insert_by_sqlalchemy, write_a_file, wrapped]


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_is_named_and_does_not_heal(write, disk):
    write(disk.folder / "file")
    disk.fill()

    error = raised(write, disk.folder / "file")

    assert str(disk.folder) in str(storage_error(error, disk.folder))
    assert "the disk is full. Free some space; then try again." in str(storage_error(error, disk.folder))
    assert not heals(error)
    disk.empty()
    write(disk.folder / "file")


@pytest.mark.parametrize("write", WRITERS)
def test_a_read_only_file_system_is_named_and_does_not_heal(write, disk):
    write(disk.folder / "file")
    disk.make_read_only()

    error = raised(write, disk.folder / "file")

    assert "it cannot be written, because the file system is read-only. Mount it" in str(storage_error(error, disk.folder))
    assert not heals(error)


@pytest.mark.parametrize("write", [insert_by_sqlite, insert_by_sqlalchemy])
def test_a_busy_database_is_named_and_may_heal(write, tmp_path):
    write(tmp_path / "file")
    with closing(sqlite3.connect(tmp_path / "file", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        error = raised(write, tmp_path / "file")

    assert str(storage_error(error, tmp_path)).startswith(f"{tmp_path}: the database is busy: another program has been writing")
    assert heals(error)


def test_a_command_waits_for_a_busy_database_as_long_as_the_page_about_faults_says(settings):
    page = (Path(__file__).parents[3] / "docs" / "faults.md").read_text()
    seconds = re.search(r"another program holds the audit log for (\d+) s, or the ledger for (\d+) s", page)
    assert seconds
    with opened(settings.home) as log, Ledger(settings.ledger)._engine.connect() as ledger:
        audit_log = log.rows("PRAGMA busy_timeout")[0]["timeout"]
        assert (audit_log, ledger.exec_driver_sql("PRAGMA busy_timeout").scalar()) == (int(seconds[1]) * 1_000, int(seconds[2]) * 1_000)


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "file").write_text("not a database" * 100)

    assert "not a database, or is damaged" in str(storage_error(raised(insert_by_sqlite, tmp_path / "file"), tmp_path))


@pytest.mark.parametrize(
    "error", [ValueError("no"), ConnectionRefusedError(errno.ECONNREFUSED, "no"), FileNotFoundError(errno.ENOENT, "no")]
)
def test_other_errors_are_left_alone(error, tmp_path):
    assert storage_error(error, tmp_path) is None
    assert storage_at_fault(error, tmp_path) is None
    assert heals(error)


def hidden() -> None:
    try:
        raise OSError(errno.ENOSPC, "full")
    except OSError:
        raise ValueError("another matter") from None


def test_an_error_that_was_hidden_on_purpose_is_not_the_cause(tmp_path):
    assert storage_error(raised(hidden), tmp_path) is None


def test_an_error_of_ours_keeps_its_words(disk):
    disk.fill()

    assert storage_at_fault(GatewayUnreachableError("the gateway does not answer"), disk.folder) is None


def test_what_writes_does_not_begin_on_a_full_or_read_only_disk(disk):
    require_storage(disk.folder / "not-yet" / "there")
    disk.fill()
    with pytest.raises(StorageError, match=r"its disk has 0 MB left, expected 32 or more\. Free some space; then try again\."):
        require_storage(disk.folder)
    disk.empty()
    disk.make_read_only()
    with pytest.raises(StorageError, match="the file system is read-only"):
        require_storage(disk.folder)


def test_a_release_that_the_disk_ends_says_so(disk, no_settings, candidate):
    settings = Settings(home=disk.folder / "home")
    with exclusive("toy", settings):
        ledger = Ledger(settings.ledger)
    disk.fill()

    def release() -> None:
        with exclusive("toy", settings):
            for _ in range(1_000):
                ledger.append(entry("refused", candidate, previous=1, aliases=[], stage="Staging", why="worse" * 1_000))

    error = raised(release)
    assert isinstance(error, StorageError)
    assert str(error) == f"{settings.home}: the disk is full. Free some space; then try again."


def test_a_server_that_just_does_not_answer_is_explained_by_the_full_disk(disk, no_settings):
    settings = Settings(home=disk.folder / "home")

    def release() -> None:
        with exclusive("toy", settings):
            disk.fill()
            raise RuntimeError("Timed out\nand more")

    assert str(raised(release)).endswith("Free some space; then try again. It showed as RuntimeError: Timed out")


def test_a_lock_on_a_read_only_home_is_one_sentence(disk, no_settings):
    disk.make_read_only()

    with pytest.raises(StorageError, match="read-only"), exclusive("toy", Settings(home=disk.folder / "home")):
        pass
