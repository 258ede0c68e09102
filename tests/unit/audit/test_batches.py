"""A request of many rows is one line of the log, but is read, found and deleted like its rows."""

from __future__ import annotations

from datetime import UTC, datetime

from slipway import audit
from slipway.audit import Wanted
from slipway.audit.batches import MANY
from slipway.audit.places import opened
from slipway.audit.upkeep.retention import prune

NOW, DAY = 1_700_000_000.0, 86_400.0


def lines(place, table):
    with opened(place) as store:
        return store.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"]


def test_many_rows_are_one_line_and_come_back_as_rows(place, tmp_path, open_log, answered, record):
    log = open_log(place)
    labels = [number % 2 for number in range(MANY)]
    few, many = answered([1, 0], time=NOW), answered(labels, time=NOW + 1)
    record(log, few, many)

    found = audit.predictions(place, Wanted())

    assert (lines(place, "batches"), lines(place, "predictions")) == (1, 2)
    assert [line.label for line in found] == [*reversed(labels), 0, 1]
    assert [line.prediction_id for line in found[:2]] == [f"{many.request_id}-{MANY - 1}", f"{many.request_id}-{MANY - 2}"]
    assert found[0].row == [cells[-1] for cells in many.columns.values()]
    assert found[0].probabilities == many.probabilities[-1]
    assert len(audit.predictions(place, Wanted(limit=5))) == 5


def test_one_row_of_many_is_found_by_its_id(place, open_log, answered, record):
    log = open_log(place)
    many = answered([number % 2 for number in range(3 * MANY)], time=NOW)
    record(log, many)

    [line] = audit.predictions(place, Wanted(prediction_id=f"{many.request_id}-7"))

    assert (line.prediction_id, line.label) == (f"{many.request_id}-7", 1)
    assert audit.predictions(place, Wanted(prediction_id=f"{many.request_id}-{3 * MANY}")) == []


def test_rows_with_subjects_stay_lines_of_their_own(place, open_log, answered, record):
    log = open_log(place)
    record(log, answered([1] * MANY, subjects=[f"patient {number}" for number in range(MANY)]))

    assert (lines(place, "batches"), lines(place, "predictions")) == (0, MANY)


def test_old_batches_are_deleted(place, open_log, answered, record):
    log = open_log(place)
    record(log, answered([1] * MANY, time=NOW - 9 * DAY), answered([1] * MANY, time=NOW))

    assert prune(place, datetime.fromtimestamp(NOW - DAY, UTC), "root")["batches"] == 1
    assert len(audit.predictions(place, Wanted())) == MANY
