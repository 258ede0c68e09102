"""Shadows: logged beside their predictions, found like them, and deleted with them."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from slipway import audit
from slipway.audit import AuditError, Shadowed, Wanted
from slipway.audit.places import opener
from slipway.audit.upkeep.retention import prune

DAY = 86_400.0


@pytest.fixture
def shadow():
    """Log shadows and return when they are committed."""

    def run(log, *entries):
        async def all_of_them():
            await asyncio.gather(*[log.shadow(entry) for entry in entries])

        asyncio.run(all_of_them())

    return run


def shadowed(entry, labels, **changes):
    """Return the shadows of an entry's rows by another version."""
    agrees = [label == given for label, given in zip(labels, entry.labels, strict=True)]
    made = Shadowed(entry.request_id, entry.time, entry.contract, labels, [[0.75, 0.25]] * len(labels), agrees, 0.25)
    return replace(made, **changes)


def test_a_shadow_has_the_id_and_the_time_of_its_prediction(place, open_log, answered, record, shadow):
    log, entry = open_log(place), answered([1, "Dropout"])
    record(log, entry)

    shadow(log, shadowed(entry, [1, 0]))

    lines, found = audit.predictions(place, Wanted()), audit.shadows(place, Wanted())
    assert [line.prediction_id for line in found] == [line.prediction_id for line in lines]
    assert [line.time for line in found] == [line.time for line in lines]
    second, first = found
    assert (first.label, first.agrees, second.label, second.agrees) == (1, True, 0, False)
    assert (first.model, first.version, first.run_id, first.probabilities, first.latency_ms) == ("toy", 3, "3" * 32, [0.75, 0.25], 0.25)


def test_many_shadows_come_back_as_few_do(place, open_log, answered, shadow):
    entry = answered(["Dropout", 0] * 250)

    shadow(open_log(place), shadowed(entry, ["Dropout", 1] * 250))

    found = audit.shadows(place, Wanted(limit=1_000))
    assert [(line.label, line.agrees) for line in found] == [(1, False), ("Dropout", True)] * 250


def test_shadows_are_found_by_model_id_and_time(place, open_log, answered, shadow):
    old, new = answered(time=1_700_000_000.0), answered(time=1_700_000_000.0 + DAY)
    shadow(open_log(place), shadowed(old, [1]))
    shadow(open_log(place), shadowed(new, [1]))

    def found(**wanted):
        return [line.prediction_id for line in audit.shadows(place, Wanted(**wanted))]

    assert found(model="toy") == [f"{new.request_id}-0", f"{old.request_id}-0"]
    assert found(model="other") == []
    assert found(prediction_id=f"{old.request_id}-0") == [f"{old.request_id}-0"]
    assert found(since=datetime.fromtimestamp(1_700_000_000.0 + DAY, UTC)) == [f"{new.request_id}-0"]


def test_shadows_are_deleted_with_their_predictions(place, open_log, answered, record, shadow):
    log, now = open_log(place), time.time()
    old, new = answered([1, 1], time=now - 9 * DAY), answered(time=now)
    record(log, old, new)
    shadow(log, shadowed(old, [1, 0]), shadowed(new, [1]))

    assert prune(place, datetime.fromtimestamp(now - 5 * DAY, UTC), "root") == {
        "outcomes": 0,
        "shadows": 2,
        "explanations": 0,
        "predictions": 2,
        "batches": 0,
        "refusals": 0,
    }

    assert [line.prediction_id for line in audit.shadows(place, Wanted())] == [f"{new.request_id}-0"]


def test_shadows_leave_half_of_the_room_to_answers(tmp_path, open_log, answered):
    log, entry = open_log(tmp_path, most_queued=10), answered([1] * 4)

    async def fill():
        with closing(opener(tmp_path)()) as other, other.transaction():  # so that everything waits
            first, second = log.shadow(shadowed(entry, [1] * 4)), log.shadow(shadowed(entry, [1] * 4, request_id="another"))
            answer = asyncio.ensure_future(log.record(answered([1] * 6)))
            await asyncio.sleep(0)
        await asyncio.gather(first, answer)
        return second

    assert asyncio.run(fill()) is None
    assert len(audit.predictions(tmp_path, Wanted())) == 6


def test_a_shadow_that_cannot_be_written_is_logged_and_stops_no_answer(place, open_log, answered, record, shadow):
    log, entry = open_log(place), answered()
    shadow(log, shadowed(entry, [1]))

    with pytest.raises(AuditError):
        shadow(log, shadowed(entry, [1]))  # a prediction has one shadow

    record(log, entry)
    assert len(audit.predictions(place, Wanted())) == 1
