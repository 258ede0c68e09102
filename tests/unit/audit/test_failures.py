"""Full disks, locked or lost databases, full queues: nothing is half-written, and the log recovers by itself."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, suppress

import pytest

from slipway import audit
from slipway.audit import AuditError, Refused, Wanted, places
from slipway.audit.databases import sqlite

REFUSED = Refused("r1", 1_700_000_000.0, "", "10.0.0.7", "POST", "/models/toy/invocations", 401, "UNAUTHENTICATED")

# A script makes the entries, because fixtures do not exist in another process.
ENTRIES = """
import asyncio, os, resource, sys, time
from pathlib import Path
from slipway.bundle.contract import Column, Contract
from slipway.audit import Answered, AuditError, AuditLog
contract = Contract(format=1, model="toy", registered_as="toy", version=1, run_id="1" * 32, engine="onnx", description="", target="y",
    columns=(Column("Age", "integer", ""),), classes=(0, 1), class_meanings=("no", "yes"), positive=1, threshold=0.5, data_sha256="0" * 64,
    sample=True, metrics={}, mlflow_version="3", created_at="")
def answered(name):
    return Answered(name, time.time(), "anna", contract, {"Age": [30, 31]}, [0, 1], [[0.5, 0.5]] * 2, 0.5, ["patient-1", None])
"""
UNDER_LOAD = """
async def one(log, caller):
    for number in range(1_000_000):
        await log.record(answered(f"{caller}.{number}"))
        os.write(1, f"{caller}.{number}\\n".encode())
async def main():
    log = AuditLog(Path(sys.argv[1]), *sys.argv[2:])
    await asyncio.gather(*(one(log, caller) for caller in range(16)))
asyncio.run(main())
"""
LIMITED = """
async def main():
    log, home = AuditLog(Path(sys.argv[1])), Path(sys.argv[1])
    await log.record(answered("before"))
    written = (home / "gateway" / "audit.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (written + 5_000, resource.RLIM_INFINITY))
    full = []
    for number in range(20):
        try:
            await log.record(answered(f"full.{number}"))
            full.append(f"full.{number}")
        except AuditError:
            break
    else:
        sys.exit("no write failed")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await log.record(answered("after"))
    log.close()
    print(*full)
asyncio.run(main())
"""


@pytest.mark.parametrize("place", ["sqlite", "postgres"])
def test_what_was_recorded_outlives_a_kill_under_load(place, tmp_path, request):
    url = [] if place == "sqlite" else [request.getfixturevalue("postgres_url")]
    child = subprocess.Popen([sys.executable, "-c", ENTRIES + UNDER_LOAD, tmp_path, *url], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    recorded = [child.stdout.readline().strip() for _ in range(500)]
    child.kill()
    recorded += child.stdout.read().split("\n")[:-1]  # whole lines
    child.wait()

    logged = {line.prediction_id for line in audit.predictions(*url or [tmp_path], Wanted(limit=1_000_000))}
    assert len(recorded) >= 500
    assert all(recorded)
    assert {f"{name}-{row}" for name in recorded for row in (0, 1)} <= logged
    assert len(logged) % 2 == 0  # never half a request


def test_a_full_disk_fails_whole_requests_and_heals(tmp_path):
    child = subprocess.run([sys.executable, "-c", ENTRIES + LIMITED, tmp_path], capture_output=True, text=True, timeout=60)

    assert child.returncode == 0, child.stderr
    names = {line.prediction_id for line in audit.predictions(tmp_path, Wanted())}
    assert names == {f"{name}-{row}" for name in ("before", "after", *child.stdout.split()) for row in (0, 1)}
    assert "cannot be written" in child.stderr
    assert "patient-1" not in child.stderr


def test_a_full_database_is_an_error_and_heals(tmp_path, open_log, answered, record, monkeypatch, caplog):
    log = open_log(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(sqlite, "PRAGMAS", (*sqlite.PRAGMAS, "PRAGMA max_page_count=12"))
        with pytest.raises(AuditError, match="nothing is answered"):
            record(log, answered([1] * 1000))
        log.refuse(REFUSED)
    record(log, answered([1] * 1000))

    assert len(audit.predictions(tmp_path, Wanted(limit=5000))) == 1000
    assert "database or disk is full" in caplog.text
    assert "can be written again" in caplog.text


def test_a_locked_log_is_an_error_until_it_is_free(tmp_path, open_log, answered, record, monkeypatch):
    monkeypatch.setattr(places.opener, "__defaults__", (0.1, None))
    log = open_log(f"sqlite:///{tmp_path / audit.AUDIT}")
    record(log, answered())
    with closing(sqlite3.connect(tmp_path / audit.AUDIT, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(AuditError):
            record(log, answered())
        other.execute("ROLLBACK")

    record(log, answered())

    assert len(audit.predictions(tmp_path, Wanted())) == 2


def test_a_lost_connection_fails_one_batch_at_most(postgres, postgres_url, open_log, answered, record):
    log = open_log(postgres_url)
    record(log, answered())
    postgres.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'slipway-audit';")

    with suppress(AuditError):
        record(log, answered())
    record(log, answered())

    assert len(audit.predictions(postgres_url, Wanted())) >= 2


def test_a_missing_server_is_an_error_without_its_password(tmp_path, open_log, answered, record, dead_url, caplog):
    url = f"postgresql://slipway:correct-horse-battery-staple@{dead_url.removeprefix('http://')}/db"

    with pytest.raises(AuditError) as raised:
        record(open_log(url), answered())
    with pytest.raises(AuditError, match="in PostgreSQL: ") as command:
        audit.administration(url, Wanted())

    assert "correct-horse" not in f"{raised.value} {command.value} {caplog.text}"


def test_values_of_rows_are_in_no_message(place, open_log, answered, record, caplog):
    log, entry = open_log(place), answered(columns={"Age": ["a-value-of-a-row"], "Sex": ["F"]}, subjects=["patient-1"])
    caplog.set_level(logging.DEBUG)
    record(log, entry)

    with pytest.raises(AuditError) as raised:
        record(log, entry)
    with pytest.raises(AuditError):
        record(log, answered(probabilities=[[object()]], subjects=["patient-1"]))

    assert caplog.records
    assert not any(secret in f"{raised.value} {caplog.text}" for secret in ("a-value-of-a-row", "patient-1"))


class Gate(sqlite.SqliteStore):
    """A database that commits only after the gate is opened. Until then it refuses a writer that does not wait, like a locked one."""

    opened: threading.Event

    def __init__(self, path, patience=sqlite.PATIENCE, file=None):
        super().__init__(path, patience, file)
        self._patient = patience > 0

    def insert(self, batch):
        if not self.opened.wait(30 if self._patient else 0):
            raise sqlite3.OperationalError("database is locked")
        super().insert(batch)


@pytest.fixture
def gate(monkeypatch):
    Gate.opened = threading.Event()
    monkeypatch.setattr("slipway.audit.places.SqliteStore", Gate)
    yield Gate.opened
    Gate.opened.set()


def test_entries_beyond_the_queue_are_refused_at_once_and_memory_stays_flat(tmp_path, open_log, answered, gate):
    log = open_log(tmp_path, most_queued=100)

    async def overload():
        waiting = [asyncio.ensure_future(log.record(answered([1] * 10))) for _ in range(50)]
        await asyncio.sleep(0.1)
        queued, refused = log.queued, sum(task.done() for task in waiting)
        for _ in range(70):
            log.refuse(REFUSED)
        gate.set()
        return queued, refused, await asyncio.gather(*waiting, return_exceptions=True)

    queued, refused, ends = asyncio.run(overload())
    log.close()

    assert (queued, refused) == (100, 40)
    assert [type(end) for end in ends] == [type(None)] * 10 + [AuditError] * 40
    assert log.queued == 0
    assert len(audit.predictions(tmp_path, Wanted(limit=1000))) == 100
    assert log.dropped == 70  # there was no room for any
    (act,) = audit.administration(tmp_path, Wanted())
    assert (act.who, act.what, act.about) == ("gateway", "could not log refused requests", "70 of them")


def test_refused_requests_take_half_of_the_queue_at_most(tmp_path, open_log, answered, record, gate):
    log = open_log(tmp_path, most_queued=100)
    for _ in range(80):
        log.refuse(REFUSED)
    threading.Timer(0.1, gate.set).start()

    record(log, *[answered() for _ in range(50)])

    assert log.dropped == 30


def test_a_closed_log_takes_nothing(tmp_path, open_log, answered, record):
    log = open_log(tmp_path)
    log.close()

    with pytest.raises(AuditError):
        record(log, answered())


def test_a_caller_that_is_gone_does_not_disturb_the_others(tmp_path, open_log, answered, gate):
    log = open_log(tmp_path)

    async def leave():
        leaving, staying = asyncio.ensure_future(log.record(answered())), asyncio.ensure_future(log.record(answered()))
        await asyncio.sleep(0.05)
        leaving.cancel()
        gate.set()
        await staying

    asyncio.run(leave())
    log.close()

    assert len(audit.predictions(tmp_path, Wanted())) == 2
