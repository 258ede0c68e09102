"""Actual outcomes are added to the log, and never changed there."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from slipway import audit
from slipway.audit import AuditError, Claim, OutcomeBook, OutcomeCounts, OutcomeRequest, Unfit, UnfitError
from slipway.audit.batches import MANY
from slipway.audit.outcomes import record as write
from slipway.audit.places import AUDIT, opened
from slipway.audit.subjects.key_file import SUBJECTS, KeyFile
from slipway.audit.upkeep.retention import prune
from slipway.audit.upkeep.rotation import rotate

NOW, DAY = 1_700_000_000.0, 86_400.0
SENT = OutcomeRequest("r-outcomes", "clinic", "toy")


def at(time):
    return datetime.fromtimestamp(time, UTC)


@pytest.fixture
def report(place, tmp_path):
    """Record claims in one request: `report(Claim(...), ...)`."""

    def run(*claims, sent=SENT, **options):
        with opened(place) as store:
            return write(store, KeyFile(tmp_path), sent, claims, **options)

    return run


def labels(place, name):
    return [(line.label, line.key) for line in audit.history(place, name)]


def test_the_first_outcome_is_recorded_another_corrects_it_and_the_same_is_not_written_again(place, open_log, answered, record, report):
    entry = answered()
    record(open_log(place), entry)
    name = f"{entry.request_id}-0"

    assert report(Claim(0, 1, name)) == OutcomeCounts(1, 0, 0)
    assert report(Claim(0, 1, name)) == OutcomeCounts(0, 0, 1)
    assert report(Claim(0, 0, name, observed_at=at(NOW)), sent=OutcomeRequest("r2", "erp", "toy")) == OutcomeCounts(0, 1, 0)
    assert report(Claim(0, 1, name)) == OutcomeCounts(0, 1, 0)

    assert labels(place, name) == [(1, "clinic"), (0, "erp"), (1, "clinic")]
    [_, corrected, _] = audit.history(place, name)
    assert (corrected.request_id, corrected.model, corrected.observed_at) == ("r2", "toy", "2023-11-14T22:13:20.000+00:00")


def test_labels_come_back_as_what_they_were(place, open_log, answered, record, report):
    entry = answered(["Dropout", "7"])
    record(open_log(place), entry)

    report(Claim(0, "Graduate", f"{entry.request_id}-0"), Claim(1, "7", f"{entry.request_id}-1"))

    assert labels(place, f"{entry.request_id}-0") == [("Graduate", "clinic")]
    assert labels(place, f"{entry.request_id}-1") == [("7", "clinic")]


def test_a_row_of_a_large_request_has_an_outcome_like_any_other(place, open_log, answered, record, report):
    entry = answered([1] * MANY)
    record(open_log(place), entry)

    assert report(Claim(0, 0, f"{entry.request_id}-{MANY - 1}")) == OutcomeCounts(1, 0, 0)
    for wrong in (f"{entry.request_id}-{MANY}", f"{entry.request_id}-01", f"{entry.request_id}-", entry.request_id, "-1"):
        with pytest.raises(UnfitError):
            report(Claim(0, 0, wrong))


def test_nothing_is_recorded_when_one_is_unknown_of_another_model_or_contradicts_another(place, open_log, answered, record, report):
    entry = answered([1, 1, 1])
    record(open_log(place), entry)
    name = f"{entry.request_id}-0"
    claims = (Claim(0, 1, name), Claim(1, 1, "no-such-0"), Claim(2, 1, name), Claim(3, 0, name), Claim(4, None, "no-such-1"))

    with pytest.raises(UnfitError) as refused:
        report(*claims)
    with pytest.raises(UnfitError) as of_another:
        report(Claim(0, 1, name), sent=OutcomeRequest("r", "clinic", "words"))

    assert refused.value.claims == (Unfit(1), Unfit(3, against=0), Unfit(4))
    assert of_another.value.claims == (Unfit(0),)
    assert labels(place, name) == []
    assert report(Claim(0, 1, name), Claim(1, 1, name)) == OutcomeCounts(1, 0, 1)


def test_outcomes_that_are_only_checked_are_not_written(place, open_log, answered, record, report):
    entry = answered()
    record(open_log(place), entry)

    report(Claim(0, None, f"{entry.request_id}-0"), write=False)

    assert labels(place, f"{entry.request_id}-0") == []


def test_an_outcome_by_subject_belongs_to_the_latest_prediction_before_the_observation(place, open_log, answered, record, report):
    log = open_log(place)
    first, second = (answered(subjects=["4711"], time=NOW + day * DAY) for day in (0, 10))
    record(log, first)
    record(log, second)

    report(Claim(0, 0, subject="4711"))
    report(Claim(0, 1, subject="4711", observed_at=at(NOW + 5 * DAY)))

    assert labels(place, f"{second.request_id}-0") == [(0, "clinic")]
    assert labels(place, f"{first.request_id}-0") == [(1, "clinic")]
    for claim in (Claim(0, 1, subject="4712"), Claim(0, 1, subject="4711", observed_at=at(NOW - 1))):
        with pytest.raises(UnfitError):
            report(claim)


def test_a_subject_and_the_id_of_its_prediction_are_the_same_prediction(place, open_log, answered, record, report):
    entry = answered(subjects=["4711"])
    record(open_log(place), entry)

    with pytest.raises(UnfitError) as refused:
        report(Claim(0, 1, f"{entry.request_id}-0"), Claim(1, 0, subject="4711"))

    assert refused.value.claims == (Unfit(1, against=0),)


def test_a_subject_is_found_after_its_keys_were_replaced(place, tmp_path, open_log, answered, record, report):
    record(open_log(place), answered(subjects=["4711"]))

    rotate(tmp_path, place, "root", pseudonyms=True)

    assert report(Claim(0, 1, subject="4711")) == OutcomeCounts(1, 0, 0)


def test_without_the_key_file_subjects_do_not_count_as_unknown(place, tmp_path, open_log, answered, record, report):
    record(open_log(place), answered(subjects=["4711"]))
    (tmp_path / SUBJECTS).unlink()

    with pytest.raises(AuditError, match="is missing"):
        report(Claim(0, 1, subject="4711"))


def test_outcomes_are_deleted_with_their_predictions_however_late_they_came(place, open_log, answered, record, report):
    log = open_log(place)
    old, young = (answered(time=time) for time in (NOW - 9 * DAY, NOW))
    many = answered([1] * MANY, time=NOW - 9 * DAY)
    record(log, old, young, many)
    report(*(Claim(row, 1, f"{entry.request_id}-0") for row, entry in enumerate((old, young, many))))
    report(Claim(0, 0, f"{old.request_id}-0"))

    deleted = prune(place, at(NOW - 5 * DAY), "root")

    assert (deleted["outcomes"], deleted["predictions"], deleted["batches"]) == (3, 1, 1)
    assert [labels(place, f"{entry.request_id}-0") for entry in (old, young, many)] == [[], [(1, "clinic")], []]


def test_two_processes_that_record_the_same_write_it_once(place, tmp_path, open_log, answered, record):
    rows = 60
    entry = answered([1] * rows)
    log = open_log(place)
    record(log, entry)
    log.close()
    code = (
        "import sys; from pathlib import Path; from slipway.audit import Claim, OutcomeRequest\n"
        "from slipway.audit.subjects.key_file import KeyFile; from slipway.audit.outcomes import record\n"
        "from slipway.audit.places import opened\n"
        "home, place, request, rows = Path(sys.argv[1]), sys.argv[2] or Path(sys.argv[1]), sys.argv[3], int(sys.argv[4])\n"
        "with opened(place) as store:\n"
        "    for row in range(rows):\n"
        "        done = record(store, KeyFile(home), OutcomeRequest('r', 'k', 'toy'), [Claim(0, 1, f'{request}-{row}')])\n"
        "        print(done.recorded, done.repeated)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), "" if place == tmp_path else place, entry.request_id, str(rows)]

    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [line for process in both for line in process.communicate()[0].splitlines()]

    assert sorted(printed) == ["0 1"] * rows + ["1 0"] * rows
    assert all(len(audit.history(place, f"{entry.request_id}-{row}")) == 1 for row in range(rows))


def test_the_book_of_a_process_records_outcomes_and_reports_those_that_it_cannot(place, tmp_path, open_log, answered, record):
    entry = answered()
    record(open_log(place), entry)

    async def run():
        book = OutcomeBook(tmp_path, None if place == tmp_path else place)
        done = await book.record(SENT, [Claim(0, 1, f"{entry.request_id}-0")])
        with pytest.raises(UnfitError):
            await book.record(SENT, [Claim(0, 1, "no-such-0")])
        book.close()
        return done

    assert asyncio.run(run()) == OutcomeCounts(1, 0, 0)


def test_a_log_that_cannot_be_opened_is_reported_without_its_place(tmp_path):
    (tmp_path / AUDIT).mkdir(parents=True)

    async def run():
        book = OutcomeBook(tmp_path)
        with pytest.raises(AuditError) as error:
            await book.record(SENT, [Claim(0, 1, "no-such-0")])
        book.close()
        return str(error.value)

    message = asyncio.run(run())
    assert "cannot be written" in message
    assert str(tmp_path) not in message


def test_a_broken_connection_is_replaced(postgres, postgres_url, tmp_path, open_log, answered, record):
    entry = answered()
    record(open_log(postgres_url), entry)
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'slipway-audit';"

    async def run():
        book = OutcomeBook(tmp_path, postgres_url)
        await book.record(SENT, [Claim(0, 1, f"{entry.request_id}-0")])
        postgres.psql(others)
        done = await book.record(SENT, [Claim(0, 0, f"{entry.request_id}-0")])
        book.close()
        return done

    assert asyncio.run(run()) == OutcomeCounts(0, 1, 0)
