"""The audit log in both databases: what is written, what comes back, and what is shown of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from slipway import audit
from slipway.audit import AuditError, Refused, Wanted
from slipway.audit.places import opener

REFUSED = Refused("r1", 1_700_000_000.25, "anna", "10.0.0.7", "POST", "/models/toy/invocations", 400, "BAD_REQUEST", violations=3)


def test_an_answered_row_comes_back_as_it_was(place, open_log, answered, record):
    entry = answered([1, "Dropout"], time=1_700_000_000.25, address="10.0.0.7")

    record(open_log(place), entry)

    second, first = audit.predictions(place, Wanted())
    assert (first.prediction_id, second.prediction_id) == (f"{entry.request_id}-0", f"{entry.request_id}-1")
    assert (first.time, first.key, first.address) == ("2023-11-14T22:13:20.250+00:00", "anna", "10.0.0.7")
    assert (first.model, first.version, first.run_id, first.latency_ms) == ("toy", 3, "3" * 32, 0.5)
    assert (first.row, first.label, first.probabilities) == ([30, "F"], 1, [0.25, 0.75])
    assert (second.row, second.label) == ([31, "F"], "Dropout")
    assert (first.pseudonym, first.subject, first.subject_key) == (None, None, None)


def test_a_row_of_no_classes_keeps_whole_numbers_and_fractions_apart(place, open_log, answered, record):
    record(open_log(place), answered(columns={"Age": [30], "Oldpeak": [30.0]}))

    (line,) = audit.predictions(place, Wanted())
    assert [type(value) for value in line.row] == [int, float]


def test_many_rows_come_back_as_few_do(place, open_log, answered, record):
    record(open_log(place), answered(["Dropout", 0] * 250, subjects=["patient\t1\\N", None] * 250, key="a\\b"))

    lines = audit.predictions(place, Wanted(limit=1000))
    assert [line.label for line in lines] == [0, "Dropout"] * 250
    assert [line.row for line in lines] == [[30 + row, "F"] for row in range(499, -1, -1)]
    assert {line.key for line in lines} == {"a\\b"}
    assert len({line.pseudonym for line in lines}) == 2


def test_a_refused_request_is_logged_without_waiting_for_it(place, open_log):
    log = open_log(place)
    log.refuse(REFUSED)
    log.close()

    (refusal,) = audit.refusals(place, Wanted())
    assert (refusal.key, refusal.address, refusal.method, refusal.path) == ("anna", "10.0.0.7", "POST", "/models/toy/invocations")
    assert (refusal.status, refusal.code, refusal.violations) == (400, "BAD_REQUEST", 3)
    assert refusal.time == "2023-11-14T22:13:20.250+00:00"
    assert log.dropped == 0


def test_refused_requests_are_found_by_model_and_caller(place, open_log):
    log = open_log(place)
    for path, key in (("/models/toy/predict", "anna"), ("/models/toy", "bert"), ("/models/toy-2/predict", "anna"), ("/", "")):
        log.refuse(replace(REFUSED, path=path, key=key))
    log.close()

    assert [refusal.path for refusal in audit.refusals(place, Wanted(model="toy"))] == ["/models/toy", "/models/toy/predict"]
    assert [refusal.path for refusal in audit.refusals(place, Wanted(model="toy", caller="anna"))] == ["/models/toy/predict"]


def test_text_from_outside_cannot_break_a_database_or_a_terminal(place, open_log):
    log = open_log(place)
    log.refuse(replace(REFUSED, path="/models/\0\x1b[2J/" + "x" * 1000, key="\ud800"))
    log.close()

    (refusal,) = audit.refusals(place, Wanted())
    assert refusal.path.startswith("/models/\ufffd\ufffd[2J/xxx")
    assert len(refusal.path) == 300
    assert refusal.key == "\ufffd"


def test_an_act_of_administration_is_committed_when_the_call_returns(place):
    audit.record_act(place, "root@host", "revoked a key", "anna")

    (act,) = audit.administration(place, Wanted())
    assert (act.who, act.what, act.about) == ("root@host", "revoked a key", "anna")


def test_lines_are_found_by_model_caller_time_and_id_newest_first(place, open_log, answered, record):
    log, day = open_log(place), datetime(2026, 11, 1, tzinfo=UTC)
    entries = [answered(time=(day + timedelta(hours=hour)).timestamp(), key=key) for hour, key in ((0, "anna"), (1, "bert"), (2, "anna"))]
    for entry in entries:
        record(log, entry)
    ids = [f"{entry.request_id}-0" for entry in entries]

    def found(**wanted):
        return [line.prediction_id for line in audit.predictions(place, Wanted(**wanted))]

    assert found() == ids[::-1]
    assert found(limit=2) == [ids[2], ids[1]]
    assert found(caller="bert") == [ids[1]]
    assert found(since=day + timedelta(hours=1)) == [ids[2], ids[1]]
    assert found(since=day + timedelta(hours=1), until=day + timedelta(hours=2)) == [ids[1]]
    assert found(prediction_id=ids[0]) == [ids[0]]
    assert found(model="other") == []


def test_a_reader_finds_nothing_and_makes_no_file_if_nothing_was_logged(tmp_path):
    assert audit.read(tmp_path, "toy", 10) == []
    assert list(tmp_path.iterdir()) == []


def test_a_request_that_cannot_be_written_does_not_stop_the_others(place, open_log, answered, record):
    log, first, other = open_log(place), answered(), answered()
    record(log, first)

    with pytest.raises(AuditError, match="nothing is answered"):
        record(log, answered(), answered(request_id=first.request_id), other)
    log.close()

    assert f"{other.request_id}-0" in {line.prediction_id for line in audit.predictions(place, Wanted())}
    assert len(audit.predictions(place, Wanted())) == 3


def test_the_files_are_for_their_owner_only(tmp_path, open_log, answered, record):
    record(open_log(tmp_path), answered(subjects=["patient-1"]))

    files = [path for path in (tmp_path / "gateway").iterdir() if path.suffix != ".lock"]
    assert {path.name for path in files} >= {"audit.db", "audit.db-wal", "subjects.json"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_log_of_an_earlier_version_is_brought_up_to_date_and_keeps_its_lines(tmp_path, open_log, answered, record):
    (tmp_path / "gateway").mkdir()
    with closing(sqlite3.connect(tmp_path / audit.AUDIT)) as old:
        old.execute(
            "CREATE TABLE predictions (prediction_id TEXT PRIMARY KEY, request_id TEXT NOT NULL, time TEXT NOT NULL, key TEXT NOT NULL, "
            "model TEXT NOT NULL, version INTEGER, run_id TEXT NOT NULL, row TEXT NOT NULL, label NOT NULL, probabilities TEXT NOT NULL, "
            "latency_ms REAL NOT NULL)"
        )
        old.execute(
            "INSERT INTO predictions VALUES ('a-0', 'a', '2026-11-01T00:00:00.000+00:00', 'anna', 'toy', 1, 'run', '[1]', 0, '[0.5]', 0.2)"
        )
        old.commit()

    record(open_log(tmp_path), answered(subjects=["patient-1"]))

    new, before = audit.predictions(tmp_path, Wanted())
    assert (before.prediction_id, before.row, before.label, before.address, before.subject) == ("a-0", [1], 0, "", None)
    assert new.subject


def test_a_log_of_a_later_version_is_not_touched(place):
    opener(place)().close()
    store = opener(place)()
    with store.transaction():
        store.change("INSERT INTO audit_schema VALUES (?)", [(99,)])
    store.close()

    with pytest.raises(AuditError, match=r"schema 99, expected \d or less: update Slipway"):
        audit.record_act(place, "root", "tried", "")


@pytest.mark.parametrize("url", ["mysql://host/db", "audit.db"])
def test_an_address_of_neither_database_is_refused_at_once(tmp_path, url):
    with pytest.raises(AuditError, match="expected postgresql://"):
        audit.AuditLog(tmp_path, url)


def test_without_its_driver_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("slipway.audit.places.find_spec", lambda name: None)

    with pytest.raises(AuditError, match=r"pip install 'slipway\[postgres\]'"):
        audit.AuditLog(tmp_path, "postgresql://host/db")


def test_addresses_are_taken_as_sqlalchemy_writes_them(tmp_path, postgres_url):
    audit.record_act(postgres_url.replace("postgresql://", "postgresql+psycopg://"), "root", "tried", "one")
    audit.record_act(f"sqlite:///{tmp_path}/elsewhere.db", "root", "tried", "two")

    assert [act.about for act in audit.administration(postgres_url, Wanted())] == ["one"]
    assert [act.about for act in audit.administration(f"sqlite:///{tmp_path}/elsewhere.db", Wanted())] == ["two"]
