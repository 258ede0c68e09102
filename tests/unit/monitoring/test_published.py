"""What the last watch found is whole or not there, and becomes Prometheus' gauges."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from slipway.gateway.metrics.exposition import text
from slipway.monitoring.published import FOLDER, Latest, UnreadableWatchError, Watches, latest_of, publish, report_of

AT = datetime.now(UTC) - timedelta(seconds=90)
FOUND = Latest(
    model="toy", version=3, windows=4, at=AT.isoformat(), rows=500, distances={"Age": 0.25, "Sex": None}, drifted=["Age"],
    prediction_distance=0.125, metric="accuracy", figure=0.75, low=0.5, high=0.875, registered=0.9, outcomes=40, alarm="outcomes",
    frozen=True,
)  # fmt: skip


def gauges(home):
    exposed = text({}, dict(Watches(home).found())).decode()
    samples = [sample for family in text_string_to_metric_families(exposed) for sample in family.samples]
    return {
        (one.name.removeprefix("slipway_watch_"), one.labels.pop("model"), *one.labels.values()): one.value
        for one in samples
        if one.name.startswith("slipway_watch")
    }


def test_what_was_published_is_read_and_only_by_its_owner(tmp_path):
    publish(tmp_path, "toy", b"<html>1</html>", FOUND)

    assert latest_of(tmp_path, "toy") == FOUND
    assert report_of(tmp_path, "toy") == b"<html>1</html>"
    folder = tmp_path / FOLDER / "toy"
    assert sorted(path.name for path in folder.iterdir()) == ["latest.json", "report.html"]
    assert [path.stat().st_mode & 0o077 for path in (tmp_path / FOLDER, folder, *folder.iterdir())] == [0, 0, 0, 0]


def test_without_a_report_the_last_one_stays(tmp_path):
    publish(tmp_path, "toy", b"first", FOUND)
    publish(tmp_path, "toy", None, Latest(model="toy", version=3, windows=5, at=AT.isoformat(), rows=2))

    assert report_of(tmp_path, "toy") == b"first"
    assert latest_of(tmp_path, "toy").windows == 5


def test_before_the_first_watch_there_is_nothing(tmp_path):
    assert latest_of(tmp_path, "toy") is None
    assert report_of(tmp_path, "toy") is None
    assert gauges(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_gauges_show_what_is_known_and_nothing_else(tmp_path):
    publish(tmp_path, "toy", None, FOUND)
    publish(tmp_path, "quiet", None, Latest(model="quiet", version=None, windows=0, at=AT.isoformat(), rows=7))

    found = gauges(tmp_path)

    since = {key: found.pop(key) for key in list(found) if key[0] == "seconds_since"}
    assert set(since) == {("seconds_since", "toy"), ("seconds_since", "quiet")}
    assert all(90 <= seconds <= (datetime.now(UTC) - AT).total_seconds() for seconds in since.values())
    assert found == {
        ("distance", "toy", "Age"): 0.25,
        ("prediction_distance", "toy"): 0.125,
        ("drifted_columns", "toy"): 1,
        ("rows", "toy"): 500,
        ("outcomes", "toy"): 40,
        ("figure", "toy", "accuracy", "figure"): 0.75,
        ("figure", "toy", "accuracy", "low"): 0.5,
        ("figure", "toy", "accuracy", "high"): 0.875,
        ("figure", "toy", "accuracy", "registered"): 0.9,
        ("alarm", "toy", "drift"): 0,
        ("alarm", "toy", "concept"): 0,
        ("alarm", "toy", "outcomes"): 1,
        ("frozen", "toy"): 1,
        ("unreadable", "toy"): 0,
        ("drifted_columns", "quiet"): 0,
        ("rows", "quiet"): 7,
        ("alarm", "quiet", "drift"): 0,
        ("alarm", "quiet", "concept"): 0,
        ("alarm", "quiet", "outcomes"): 0,
        ("frozen", "quiet"): 0,
        ("unreadable", "quiet"): 0,
    }


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"\xff", json.dumps({"model": "toy"}).encode(),
        json.dumps({"model": "other", "version": 1, "windows": 1, "at": "2026-11-01T08:00:00+00:00", "rows": 1}).encode(),
        json.dumps({"model": "toy", "version": 1, "windows": 1, "at": "yesterday", "rows": 1}).encode(),
        json.dumps({"model": "toy", "version": 1, "windows": 1, "at": "2026-11-01T08:00:00", "rows": 1}).encode(),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_logged_once_and_does_not_stop_the_others(tmp_path, content, caplog):
    publish(tmp_path, "quiet", None, Latest(model="quiet", version=None, windows=0, at=AT.isoformat(), rows=7))
    publish(tmp_path, "toy", None, FOUND)
    (tmp_path / FOLDER / "toy" / "latest.json").write_bytes(content)

    assert gauges(tmp_path)["unreadable", "toy"] == 1
    assert gauges(tmp_path)["rows", "quiet"] == 7
    with pytest.raises(UnreadableWatchError, match=r"toy/latest\.json"):
        latest_of(tmp_path, "toy")
    caplog.clear()
    watches = Watches(tmp_path)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert dict(watches.found())["toy"] is None
    assert len(caplog.records) == 1
