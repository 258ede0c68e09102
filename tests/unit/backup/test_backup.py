"""A backup of a home folder: made while others write, compared before it is restored, and restored completely or not at all."""

from __future__ import annotations

import errno
import io
import os
import resource
import sqlite3
import stat
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from filelock import FileLock

from slipway.access.last_use import FOLDER, last_uses
from slipway.backup import back_up, restore
from slipway.backup.manifest import MANIFEST
from slipway.errors import BackupError, ReleaseInProgressError
from slipway.settings import Settings
from tests.support.disks import small_disk

LINES = 500


@pytest.fixture
def lived_in(settings: Settings) -> Settings:
    """A home folder with two databases, a bundle, and files of running processes."""
    home = settings.home
    for name in ("ledger.db", "gateway/audit.db"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(home / name)) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("CREATE TABLE lines (number INTEGER, twice INTEGER)")
            database.executemany("INSERT INTO lines VALUES (?, ?)", [(number, 2 * number) for number in range(LINES)])
            database.commit()
    for name in ("bundles/toy/1-abc/contract.json", "logs/gateway.log", "locks/toy.lock", "supervisor/supervisord.conf"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    (home / "credentials.env").write_text("SLIPWAY_API_KEY=slw_x\n")
    (home / "credentials.env").chmod(0o600)
    return settings


def lines(database: Path) -> list[tuple[int, int]]:
    with closing(sqlite3.connect(database)) as opened:
        return opened.execute("SELECT * FROM lines").fetchall()


def test_a_backup_restores_the_home_folder(lived_in, tmp_path):
    made = back_up(lived_in, tmp_path / "backup.tar.gz")

    again = tmp_path / "elsewhere" / "home"
    restored, aside = restore(tmp_path / "backup.tar.gz", again)

    assert restored == made
    assert aside is None
    assert {path.relative_to(again).as_posix() for path in again.rglob("*") if path.is_file()} == {
        "bundles/toy/1-abc/contract.json", "credentials.env", "gateway/audit.db", "ledger.db",
    }  # fmt: skip
    assert lines(again / "ledger.db") == lines(lived_in.home / "ledger.db")
    assert stat.S_IMODE((again / "credentials.env").stat().st_mode) == 0o600
    assert stat.S_IMODE(again.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "backup.tar.gz").stat().st_mode) == 0o600


def test_when_keys_were_last_used_is_restored_too(lived_in, tmp_path):
    used = lived_in.home / FOLDER / "key-erp"
    used.parent.mkdir()
    used.touch()
    os.utime(used, (1_000.25, 1_000.25))

    back_up(lived_in, tmp_path / "backup.tar.gz")
    restore(tmp_path / "backup.tar.gz", tmp_path / "again")

    assert last_uses(tmp_path / "again") == {"key-erp": 1_000.25}


def test_a_database_that_is_being_written_is_copied_as_it_was_at_one_moment(lived_in, tmp_path):
    ended, started = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(lived_in.home / "gateway" / "audit.db", timeout=30)) as database:
            number = LINES
            while not ended.is_set():
                with database:  # two rows a transaction: a copy of half of one would hold an odd number
                    database.executemany("INSERT INTO lines VALUES (?, ?)", [(number, 2 * number), (number + 1, 2 * number + 2)])
                number += 2
                started.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert started.wait(10)
        back_up(lived_in, tmp_path / "backup.tar.gz")
    finally:
        ended.set()
        writer.join()

    restore(tmp_path / "backup.tar.gz", tmp_path / "again")
    found = lines(tmp_path / "again" / "gateway" / "audit.db")
    assert len(found) > LINES
    assert len(found) % 2 == 0
    assert found == [(number, 2 * number) for number in range(len(found))]


def test_a_backup_waits_for_a_running_release(lived_in, tmp_path):
    with FileLock(lived_in.home / "locks" / "toy.lock"), pytest.raises(ReleaseInProgressError, match="toy"):
        back_up(lived_in, tmp_path / "backup.tar.gz", patience=0.1)

    assert list(tmp_path.glob("*backup*")) == []


@pytest.mark.parametrize("at", [0.3, 0.5, 0.7, 0.9, 0.99, 0.999])
def test_a_damaged_file_changes_nothing(lived_in, tmp_path, at):
    file = tmp_path / "backup.tar.gz"
    back_up(lived_in, file)
    content = bytearray(file.read_bytes())
    content[int(at * len(content))] ^= 0xFF
    file.write_bytes(content)

    with pytest.raises(BackupError, match=r"damaged|differ from those"):
        restore(file, tmp_path / "again")

    assert not (tmp_path / "again").exists()
    assert list(tmp_path.glob(".again*")) == []


def test_an_incomplete_file_changes_nothing(lived_in, tmp_path):
    file = tmp_path / "backup.tar.gz"
    back_up(lived_in, file)
    file.write_bytes(file.read_bytes()[:-200])

    with pytest.raises(BackupError):
        restore(file, tmp_path / "again")

    assert not (tmp_path / "again").exists()


def test_an_archive_that_differs_from_its_manifest_is_refused(lived_in, tmp_path):
    back_up(lived_in, tmp_path / "backup.tar.gz")
    with tarfile.open(tmp_path / "backup.tar.gz") as whole:
        whole.extractall(tmp_path / "opened", filter="data")
    (tmp_path / "opened" / "credentials.env").write_text("SLIPWAY_API_KEY=slw_another\n")
    with tarfile.open(tmp_path / "changed.tar.gz", "w:gz") as changed:
        for path in sorted((tmp_path / "opened").iterdir()):
            changed.add(path, path.name)

    with pytest.raises(BackupError, match=r"1 files differ from those backed up, first credentials\.env"):
        restore(tmp_path / "changed.tar.gz", tmp_path / "again")


def test_an_archive_with_names_outside_of_the_folder_is_refused(tmp_path):
    (tmp_path / MANIFEST).write_text("{}")
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / MANIFEST, "../escaped.json")

    with pytest.raises(BackupError, match="damaged"):
        restore(tmp_path / "evil.tar.gz", tmp_path / "home" / "again")

    assert not list(tmp_path.rglob("escaped.json"))


def archive(file: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(file, "w:gz", format=tarfile.PAX_FORMAT) as opened:
        for member, content in members:
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return file


def with_holes(size: int) -> tuple[tarfile.TarInfo, bytes]:
    """A file of one hole: it has 512 bytes in the archive."""
    member = tarfile.TarInfo("file")
    member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "file", "GNU.sparse.realsize": str(size)}
    return member, b"1\n0\n0\n".ljust(512, b"\0")


def with_header(size: int) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo("file")
    member.pax_headers = {"comment": "x" * size}
    return member, b""


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([(tarfile.TarInfo(f"file-{number}"), bytes(20 << 20)) for number in range(2)], "the room on the disk of"),
        ([(tarfile.TarInfo("file"), bytes(100 << 20))], "the room on the disk of"),
        ([with_holes(1 << 40)], "the room on the disk of"),
        ([with_header(65 << 20)], "a manifest and headers of at most 67,108,864 bytes"),
    ],
    ids=["several files", "one file", "a file with holes", "a header"],
)
def test_an_archive_that_expands_to_more_than_there_is_room_for_is_refused(tmp_path, members, message):
    file = archive(tmp_path / "bomb.tar.gz", *members)
    assert file.stat().st_size < 1 << 20

    with small_disk(tmp_path / "disk") as disk:  # of 64 MB, of which 32 stay free
        with pytest.raises(BackupError, match=message):
            restore(file, disk.folder / "again")

        assert list(disk.folder.iterdir()) == []


def test_a_manifest_that_fills_the_memory_is_refused(tmp_path):
    file = archive(tmp_path / "bomb.tar.gz", (tarfile.TarInfo(MANIFEST), b" " * (65 << 20)))

    with pytest.raises(BackupError, match="a manifest and headers of at most 67,108,864 bytes"):
        restore(file, tmp_path / "again")


def test_an_existing_home_is_moved_aside_only_on_request(lived_in, tmp_path):
    back_up(lived_in, tmp_path / "backup.tar.gz")
    (lived_in.home / "newer").write_text("since the backup")

    with pytest.raises(BackupError, match="--replace"):
        restore(tmp_path / "backup.tar.gz", lived_in.home)
    assert (lived_in.home / "newer").exists()

    _, aside = restore(tmp_path / "backup.tar.gz", lived_in.home, replace=True)
    assert not (lived_in.home / "newer").exists()
    assert (aside / "newer").read_text() == "since the backup"


def whole(home: Path) -> dict[str, bytes]:
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_a_damaged_file_leaves_the_existing_home_in_place(lived_in, tmp_path):
    file = tmp_path / "backup.tar.gz"
    back_up(lived_in, file)
    file.write_bytes(file.read_bytes()[:-200])
    before, beside = whole(lived_in.home), set(lived_in.home.parent.iterdir())

    with pytest.raises(BackupError, match="damaged"):
        restore(file, lived_in.home, replace=True)

    assert whole(lived_in.home) == before
    assert set(lived_in.home.parent.iterdir()) == beside


def test_a_full_disk_leaves_the_existing_home_in_place(lived_in, tmp_path):
    back_up(lived_in, tmp_path / "backup.tar.gz")
    before, beside = whole(lived_in.home), set(lived_in.home.parent.iterdir())
    most, _ = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))  # the databases are larger, so that writing one of them ends half-way
    try:
        with pytest.raises(BackupError, match=r"cannot be unpacked in .*File too large"):
            restore(tmp_path / "backup.tar.gz", lived_in.home, replace=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))

    assert whole(lived_in.home) == before
    assert set(lived_in.home.parent.iterdir()) == beside


def test_a_restore_that_cannot_replace_the_home_puts_it_back(lived_in, tmp_path, monkeypatch):
    back_up(lived_in, tmp_path / "backup.tar.gz")
    before, beside, rename = whole(lived_in.home), set(lived_in.home.parent.iterdir()), os.rename

    def refuses(old: Path, new: Path) -> None:
        """Fail like a file system that is full or unmounted after the home folder was moved aside."""
        if ".restoring-" in old.name:
            assert not lived_in.home.exists()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(old, new)

    monkeypatch.setattr(os, "rename", refuses)
    with pytest.raises(BackupError, match=rf"cannot be put there .*No space left.* is in {lived_in.home}\."):
        restore(tmp_path / "backup.tar.gz", lived_in.home, replace=True)

    assert whole(lived_in.home) == before
    assert set(lived_in.home.parent.iterdir()) == beside


def test_a_restore_into_a_folder_that_cannot_be_written_says_so(lived_in, tmp_path):
    back_up(lived_in, tmp_path / "backup.tar.gz")
    (tmp_path / "a-file").write_text("no folder")

    with pytest.raises(BackupError, match=r"nothing can be written there .* SLIPWAY_HOME"):
        restore(tmp_path / "backup.tar.gz", tmp_path / "a-file" / "home")

    assert (tmp_path / "a-file").read_text() == "no folder"


def test_a_backup_overwrites_nothing_and_is_outside_of_the_home(lived_in, tmp_path):
    (tmp_path / "there").write_text("precious")

    with pytest.raises(BackupError, match="not overwritten"):
        back_up(lived_in, tmp_path / "there")
    with pytest.raises(BackupError, match="elsewhere"):
        back_up(lived_in, lived_in.home / "backup.tar.gz")
    assert (tmp_path / "there").read_text() == "precious"
