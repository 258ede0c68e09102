"""Explanations: logged beside their predictions, found like them, and deleted with them. A log without them is read as before."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime

from slipway import audit
from slipway.audit import Explained, Wanted
from slipway.audit.upkeep.retention import prune
from slipway.explaining.explanation import Explanation

DAY = 86_400.0
WHY = Explanation("log-odds", 1, "", 0.25, 1.0, (0.5, 0.25), None, 40)
SAMPLED = Explanation("number", None, "days", 3.0, 2.5, (-0.5, 0.0), (0.125, 0.0), 12)


def explained(entry, *explanations):
    return Explained(entry.request_id, entry.time, entry.contract, explanations)


def test_an_explanation_has_the_id_and_the_time_of_its_prediction(place, open_log, answered, record):
    log, entry = open_log(place), answered([1, 0])

    record(log, entry, explained(entry, WHY, SAMPLED))

    lines, found = audit.predictions(place, Wanted()), audit.explanations(place, Wanted())
    assert [(one.prediction_id, one.time, one.run_id) for one in found] == [(one.prediction_id, one.time, one.run_id) for one in lines]
    second, first = found
    content = {"scale": "log-odds", "of": 1, "unit": "", "base": 0.25, "margin": 1.0}
    assert first.explanation == content | {"contributions": [0.5, 0.25], "errors": None, "background": 40}
    assert (second.explanation["errors"], second.explanation["of"], second.explanation["unit"]) == ([0.125, 0.0], None, "days")
    [alone] = audit.explanations(place, Wanted(model="toy", prediction_id=first.prediction_id))
    assert alone == first
    assert audit.explanations(place, Wanted(model="another")) == []


def test_explanations_are_deleted_with_their_predictions(place, open_log, answered, record):
    log, now = open_log(place), time.time()
    old, new = answered([1, 1], time=now - 9 * DAY), answered(time=now)
    record(log, old, new, explained(old, WHY, WHY), explained(new, WHY))

    deleted = prune(place, datetime.fromtimestamp(now - 5 * DAY, UTC), "root")

    assert (deleted["explanations"], deleted["predictions"]) == (2, 2)
    assert [line.prediction_id for line in audit.explanations(place, Wanted())] == [f"{new.request_id}-0"]


def test_a_log_from_before_explanations_is_read_and_written(tmp_path, open_log, answered, record):
    log, entry = open_log(tmp_path), answered([1])
    record(log, entry)
    log.close()
    with sqlite3.connect(tmp_path / "gateway" / "audit.db") as older:
        older.execute("DROP TABLE explanations")
        older.execute("DELETE FROM audit_schema WHERE version = 6")

    log, later = open_log(tmp_path), answered([0])
    record(log, later, explained(later, WHY))

    assert [line.label for line in audit.predictions(tmp_path, Wanted())] == [0, 1]
    assert [line.prediction_id for line in audit.explanations(tmp_path, Wanted())] == [f"{later.request_id}-0"]
