"""Served rows and known outcomes, span by span, oldest first."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from slipway import audit
from slipway.audit import Claim, OutcomeRequest, Shadowed
from slipway.audit.batches import MANY
from slipway.audit.outcomes import record as write
from slipway.audit.places import opened
from slipway.audit.subjects.key_file import KeyFile

NOW = 1_700_000_000.0
LATER = datetime.now(UTC) + timedelta(days=1)


def at(time):
    return datetime.fromtimestamp(time, UTC)


def ids(lines):
    return [line.prediction_id for line in lines]


def of(*entries):
    return [f"{entry.request_id}-{row}" for entry in entries for row in range(entry.size)]


@pytest.fixture
def report(place, tmp_path):
    def run(*claims, model="toy"):
        with opened(place) as store:
            write(
                store,
                KeyFile(tmp_path),
                OutcomeRequest("r", "clinic", model),
                [Claim(row, label, name) for row, (name, label) in enumerate(claims)],
            )
        time.sleep(0.002)  # times have milliseconds, and the returned one must be later
        return datetime.now(UTC)

    return run


def test_rows_and_requests_of_many_come_merged_by_time(place, open_log, answered, record):
    many, few, last = answered([0] * MANY, time=NOW), answered([1, 0], time=NOW + 1), answered([1] * MANY, time=NOW + 2)
    late = answered([1], time=NOW + 0.5)  # committed last: a line's time is when its request came
    record(open_log(place), last)
    record(open_log(place), many, few)
    record(open_log(place), late)

    found = audit.served_rows(place, "toy", since=None, until=LATER, limit=1_000)

    assert ids(found) == of(many, late, few, last)
    lines = {line.prediction_id: line for line in audit.predictions(place, audit.Wanted(limit=1_000))}
    assert found == [lines[name] for name in ids(found)]
    assert ids(audit.served_rows(place, "toy", since=None, until=LATER, limit=MANY + 2)) == of(many, late, few)[: MANY + 2]
    assert ids(audit.served_rows(place, "toy", since=None, until=LATER, limit=3)) == of(many)[:3]


def test_a_span_includes_its_beginning_and_not_its_end(place, open_log, answered, record):
    entries = [answered([1] * (MANY if second == 1 else 1), time=NOW + second) for second in range(4)]
    record(open_log(place), *entries)

    assert ids(audit.served_rows(place, "toy", since=at(NOW + 1), until=at(NOW + 3), limit=99)) == of(*entries[1:3])
    assert audit.served_rows(place, "toy", since=at(NOW + 9), until=LATER, limit=99) == []
    assert audit.served_rows(place, "words", since=None, until=LATER, limit=99) == []


def test_more_lines_than_one_statement_takes_keep_their_order(place, open_log, answered, record):
    entries = [answered([1] * 15, time=NOW + second // 7) for second in range(80)]
    log = open_log(place)
    for entry in entries:
        record(log, entry)

    assert ids(audit.served_rows(place, "toy", since=None, until=LATER, limit=1_150)) == of(*entries)[:1_150]


def test_each_prediction_is_known_once_in_the_span_of_its_first_outcome(place, open_log, answered, record, report):
    few, many = answered([1, 1], time=NOW), answered([0] * MANY, time=NOW)
    record(open_log(place), few, many)
    first, second, third = f"{few.request_id}-1", f"{many.request_id}-3", f"{few.request_id}-0"

    begin = report((first, 0))
    middle = report((second, 1), (first, 1))
    report((third, 0), (first, 0))

    before = audit.known_outcomes(place, "toy", since=None, until=begin)
    between = audit.known_outcomes(place, "toy", since=begin, until=middle)
    everything = audit.known_outcomes(place, "toy", since=None, until=LATER)

    assert [(one.line.prediction_id, one.outcome) for one in before] == [(first, 0)]  # as it was corrected, twice
    assert [(one.line.prediction_id, one.outcome) for one in between] == [(second, 1)]
    assert ids(one.line for one in everything) == [first, second, third]
    lines = {line.prediction_id: line for line in audit.predictions(place, audit.Wanted())}
    assert [one.line for one in everything] == [lines[first], lines[second], lines[third]]
    assert everything[0].first_known == audit.history(place, first)[0].time
    assert audit.known_outcomes(place, "words", since=None, until=LATER) == []


def test_a_known_outcome_comes_with_the_shadow_of_its_prediction(place, open_log, answered, record, report):
    entry = answered([1, 1], time=NOW)
    log = open_log(place)
    record(log, entry)

    async def shadow():
        await log.shadow(Shadowed(entry.request_id, NOW, entry.contract, [0], [[0.75, 0.25]], [False], 0.2))

    asyncio.run(shadow())
    report((f"{entry.request_id}-0", 1), (f"{entry.request_id}-1", 1))

    with_one, without = audit.known_outcomes(place, "toy", since=None, until=LATER)

    assert (with_one.shadow.label, with_one.shadow.agrees, without.shadow) == (0, False, None)


def test_nothing_is_served_or_known_if_nothing_was_logged(tmp_path):
    assert audit.served_rows(tmp_path, "toy", since=None, until=LATER, limit=9) == []
    assert audit.known_outcomes(tmp_path, "toy", since=None, until=LATER) == []
    assert audit.history(tmp_path, "x-0") == []
    assert list(tmp_path.iterdir()) == []
