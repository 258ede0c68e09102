"""The latest lines of the log: latencies by model and by span of time, and how often champion and challenger agree."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec
import pytest

from slipway.audit import Shadowed
from slipway.audit.batches import MANY
from slipway.monitoring.latest import latency_trend, latest_agreement, latest_latencies, within

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC


def test_each_request_counts_once_by_model_and_in_the_order_of_time(place, open_log, answered, record):
    log, first = open_log(place), answered([1, 0, 1], time=NOW + 2, latency_ms=3.0)
    other = replace(first, request_id="other", contract=msgspec.structs.replace(first.contract, model="other"))
    record(log, first)
    record(log, answered([0] * MANY, time=NOW, latency_ms=9.5), other)

    assert latest_latencies(place) == {"toy": [(NOW, 9.5), (NOW + 2, 3.0)], "other": [(NOW + 2, 3.0)]}


def test_only_the_last_lines_are_read(place, open_log, answered, record):
    log = open_log(place)
    for at in range(5):
        record(log, answered([1], time=NOW + at, latency_ms=float(at)))

    assert latest_latencies(place, lines=2) == {"toy": [(NOW + 3, 3.0), (NOW + 4, 4.0)]}


def test_before_the_first_line_there_is_nothing_and_no_file_is_made(tmp_path):
    assert latest_latencies(tmp_path) == {}
    assert latest_agreement(tmp_path, "toy", 3, 4) == (0, 0)
    assert list(tmp_path.iterdir()) == []


def test_rows_of_both_versions_are_counted_and_those_to_which_they_gave_the_same_answer(place, open_log, answered):
    entry = answered([1, 0, 1])
    shadow = Shadowed(entry.request_id, entry.time, entry.contract, [1, 0, 0], [[0.5, 0.5]] * 3, [True, True, False], 0.25)
    older = replace(shadow, request_id="older", contract=msgspec.structs.replace(entry.contract, version=2))

    async def write() -> None:
        log = open_log(place)
        await asyncio.gather(log.shadow(shadow), log.shadow(older))

    asyncio.run(write())

    assert latest_agreement(place, "toy", 2, 3) == (6, 4)
    assert latest_agreement(place, "toy", 4, 3) == (3, 2)
    assert latest_agreement(place, "other", 2, 3) == (0, 0)


def test_spans_are_equally_long_and_one_without_requests_is_left_out():
    requests = [(NOW, 1.0), (NOW + 10, 2.0), (NOW + 11, 4.0), (NOW + 100, 8.0)]

    trend = latency_trend(requests, spans=10)

    assert [(span.begin, span.requests, span.median_ms, span.p95_ms) for span in trend] == [
        ("2023-11-14T22:13:20+00:00", 1, 1.0, 1.0),
        ("2023-11-14T22:13:30+00:00", 2, 2.0, 4.0),  # from 10 to 20 s
        ("2023-11-14T22:14:50+00:00", 1, 8.0, 8.0),  # the last moment belongs to the last span, which begins at 90 s
    ]
    assert latency_trend([]) == []
    assert len(latency_trend([(NOW, 1.0)] * 3)) == 1


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.51, 3), (0.95, 4), (0.25, 1)])
def test_a_quantile_is_a_latency_that_occurred(share, expected):
    assert within([1, 2, 3, 4], share) == expected  # of four, a half are two
