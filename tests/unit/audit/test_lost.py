"""A log whose file was removed or replaced under its writer: nothing is accepted that would be lost, and it goes on when it is back."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest

from slipway import audit
from slipway.audit import AUDIT, AuditError, OutcomeBook, OutcomeRequest, Refused, Wanted

REFUSED = Refused("r1", 1_700_000_000.0, "", "10.0.0.7", "POST", "/models/toy/invocations", 401, "UNAUTHENTICATED")
SENT = OutcomeRequest("r2", "anna", "toy")


def removed(folder, away):
    for path in folder.glob("audit.db*"):
        path.unlink()


def moved_away(folder, away):
    away.mkdir()
    for path in list(folder.glob("audit.db*")):
        path.rename(away / path.name)


def only_the_log_moved_away(folder, away):
    away.mkdir()
    (folder / "audit.db").rename(away / "audit.db")


def only_the_write_ahead_log_moved_away(folder, away):
    away.mkdir()
    (folder / "audit.db-wal").rename(away / "audit.db-wal")


def replaced_by_a_copy(folder, away):
    away.mkdir()
    (folder / "audit.db").rename(away / "audit.db")
    shutil.copy(away / "audit.db", folder / "audit.db")


def cut_short(folder, away):
    with closing(sqlite3.connect(folder / "audit.db")) as database:
        database.execute("PRAGMA wal_checkpoint")
    with (folder / "audit.db").open("r+b") as file:
        file.truncate(0)


def folder_moved_away(folder, away):
    folder.rename(away)


BACK = [moved_away, only_the_log_moved_away, only_the_write_ahead_log_moved_away]
LOSSES = [*BACK, removed, replaced_by_a_copy, cut_short, folder_moved_away]


@pytest.mark.parametrize("subjects", [None, ["patient-1"]], ids=["committed-by-the-loop", "committed-by-the-thread"])
@pytest.mark.parametrize("lose", LOSSES)
def test_no_line_is_accepted_once_the_file_is_lost(lose, subjects, tmp_path, open_log, answered, record, until, caplog):
    log = open_log(tmp_path)
    record(log, answered(subjects=subjects))
    log.problem()

    lose((tmp_path / AUDIT).parent, tmp_path / "away")

    until(lambda: log.problem(), seconds=1)
    with pytest.raises(AuditError, match="nothing is answered"):
        record(log, answered(subjects=subjects))
    assert log.problem().startswith("the audit log cannot be written: audit.db")
    assert str(tmp_path / AUDIT) in caplog.text
    assert "Put the same file back" in caplog.text


@pytest.mark.parametrize("lose", [removed, only_the_log_moved_away])
def test_not_one_line_is_committed_after_the_removal(lose, tmp_path, open_log, answered, record):
    log = open_log(tmp_path)
    record(log, answered())

    lose((tmp_path / AUDIT).parent, tmp_path / "away")

    with pytest.raises(AuditError):
        record(log, answered())  # without any look in between


@pytest.mark.parametrize("lose", BACK)
def test_the_log_goes_on_when_the_same_files_are_back_and_no_line_is_missing(lose, tmp_path, open_log, answered, record, until):
    log, folder = open_log(tmp_path), (tmp_path / AUDIT).parent
    record(log, answered(), answered(subjects=["patient-1"]))
    lose(folder, tmp_path / "away")
    until(lambda: log.problem(), seconds=1)
    log.refuse(REFUSED)
    with pytest.raises(AuditError):
        record(log, answered())

    for path in (tmp_path / "away").iterdir():
        path.rename(folder / path.name)

    until(lambda: not log.problem(), seconds=1)
    record(log, answered(), answered(subjects=["patient-1"]))
    log.close()
    assert len(audit.predictions(tmp_path, Wanted())) == 4
    whats = {act.what for act in audit.administration(tmp_path, Wanted())}
    assert whats == {"could not write the audit log", "could not log refused requests"}


def test_outcomes_are_not_recorded_in_a_lost_log(tmp_path, open_log, answered, record):
    import asyncio

    log = open_log(tmp_path)
    record(log, answered())
    book = OutcomeBook(tmp_path, file=log.file)
    asyncio.run(book.record(SENT, []))
    removed((tmp_path / AUDIT).parent, tmp_path)

    with pytest.raises(AuditError, match="nothing is answered"):
        asyncio.run(book.record(SENT, []))

    assert not (tmp_path / AUDIT).exists()  # an empty log in its place would hide the loss
    book.close()


def test_a_log_that_was_there_at_the_start_is_not_made_again(tmp_path, open_log, answered, record):
    record(first := open_log(tmp_path), answered())
    first.close()
    log = open_log(tmp_path)
    removed((tmp_path / AUDIT).parent, tmp_path)

    with pytest.raises(AuditError):
        record(log, answered())

    assert not (tmp_path / AUDIT).exists()


def test_a_restart_begins_a_new_log(tmp_path, open_log, answered, record):
    record(first := open_log(tmp_path), answered())
    removed((tmp_path / AUDIT).parent, tmp_path)
    first.close()

    record(open_log(tmp_path), answered())

    assert len(audit.predictions(tmp_path, Wanted())) == 1


def test_a_log_that_failed_is_tried_again_without_a_request(tmp_path, open_log, answered, record, until, monkeypatch):
    """A balancer sends nothing to a gateway that is not ready."""
    monkeypatch.setattr(audit.places.opener, "__defaults__", (0.05, None))
    log = open_log(tmp_path)
    record(log, answered())
    with closing(sqlite3.connect(tmp_path / AUDIT, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(AuditError):
            record(log, answered())
        assert log.problem() == "the audit log cannot be written"
        other.execute("ROLLBACK")

    until(lambda: not log.problem(), seconds=2)
