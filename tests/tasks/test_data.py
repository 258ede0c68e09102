"""Fetching as a task: tried again only after failures that can heal."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from contextlib import closing
from dataclasses import replace

import pandas as pd
import pytest
from prefect import flow

import flows  # noqa: F401 - it filters the log lines of runs
from slipway.data import databases
from slipway.errors import DatasetChangedError, DatasetNotFoundError, OriginUnreachableError
from slipway.settings import Settings
from slipway.spec import Dataset, Query
from tasks.data import fetch, validate
from tests.support.disks import small_disk

pytestmark = [pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(200)]

ROWS = b"size,weight,colour,wanted\n1,1.5,red,1\n2,2.5,blue,0\n"
at_once = fetch.with_options(retry_delay_seconds=0.01)  # the same task and the same condition, without the pauses


@pytest.fixture
def published(toy, website):
    """The toy's rows on a real web server, with their true checksum."""
    (website.folder / "toy.csv").write_bytes(ROWS)
    dataset = replace(toy.dataset, origin=f"{website.url}/toy.csv", sha256=hashlib.sha256(ROWS).hexdigest())
    return replace(toy, dataset=dataset)


def test_origin_that_fails_twice_and_then_answers_is_fetched(published, website, settings):
    website.status, website.times = 503, 2

    snapshot = at_once(published, settings)

    assert snapshot.path.read_bytes() == ROWS
    assert website.hits == 3


def test_origin_that_keeps_failing_is_asked_four_times(published, website, settings):
    website.status = 503

    state = at_once(published, settings, return_state=True)

    with pytest.raises(OriginUnreachableError, match="SLIPWAY_MIRROR"):
        state.result()
    assert website.hits == 4  # once, and three retries
    assert not list(settings.snapshots.glob("*"))


def test_answer_that_breaks_off_is_asked_for_again(published, website, settings):
    website.missing = 10

    state = at_once(published, settings, return_state=True)

    with pytest.raises(OriginUnreachableError):
        state.result()
    assert website.hits == 4


def test_missing_file_is_not_asked_for_again(published, website, settings):
    (website.folder / "toy.csv").unlink()

    state = at_once(published, settings, return_state=True)

    with pytest.raises(DatasetNotFoundError, match="404"):
        state.result()
    assert website.hits == 1


def test_changed_file_is_refused_at_once_and_leaves_no_file(published, website, settings):
    (website.folder / "toy.csv").write_bytes(ROWS + b"3,3.5,red,1\n")

    state = at_once(published, settings, return_state=True)

    with pytest.raises(DatasetChangedError, match="has changed"):
        state.result()
    assert website.hits == 1  # a changed file will not change back: no retry
    assert not list(settings.snapshots.glob("*"))


def test_rows_of_a_database_are_fetched_and_split_as_those_of_a_file(toy, tmp_path, settings):
    frame = pd.DataFrame({"size": [10, 20] * 10, "weight": 1.5, "colour": ["red", "blue"] * 10, "wanted": [0, 0, 1, 1] * 5, "id": "a"})
    with closing(sqlite3.connect(tmp_path / "toys.db")) as database:
        frame.to_sql("toys", database, index=False)
    query = Query("SELECT * FROM toys")
    content = databases.read("toy", f"sql+sqlite:///{tmp_path / 'toys.db'}", query, settings.sql_login)
    dataset = Dataset(f"sql+sqlite:///{tmp_path / 'toys.db'}", hashlib.sha256(content).hexdigest(), "toys.jsonl", table=query)
    spec = replace(toy, dataset=dataset)

    @flow
    def reading():
        return validate(spec, fetch(spec, settings))

    rows = reading()

    assert (len(rows.train), len(rows.test)) == (15, 5)
    assert sorted(path.name.partition(".")[2] for path in settings.snapshots.iterdir()) == ["jsonl", "manifest.json", "typed.parquet"]


class Lines(logging.Handler):
    """Keeps the log lines of this process, as the run's page gets them."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record):
        self.records.append(record)


@pytest.fixture
def lines():
    kept = Lines()
    for name in ("slipway", "prefect.task_runs", "prefect.flow_runs"):
        logging.getLogger(name).addHandler(kept)
    yield kept.records
    for name in ("slipway", "prefect.task_runs", "prefect.flow_runs"):
        logging.getLogger(name).removeHandler(kept)


def test_an_attempt_is_one_line_on_the_page_of_the_run_and_there_is_no_traceback(published, website, settings, lines):
    website.status = 503

    @flow
    def fetching():
        at_once(published, settings)

    assert fetching(return_state=True).is_failed()

    about = [line.getMessage() for line in lines if "answered 503" in line.getMessage()]
    assert [line.partition(": toy")[0] for line in about[:3]] == [f"fetch-toy, attempt {number} of 4" for number in (1, 2, 3)]
    assert [line[:24] for line in about[3:]] == ["Finished in state Failed"] * 2  # the step's last attempt, and the run
    assert not any(line.exc_info for line in lines)


def test_a_bug_keeps_its_traceback(lines):
    @flow
    def dividing():
        return 1 / 0

    assert dividing(return_state=True).is_failed()
    assert any(line.exc_info for line in lines)


def test_a_full_disk_is_not_tried_again(published, website, settings, tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        disk.fill()
        state = at_once(published, Settings(home=disk.folder / "home"), return_state=True)

    assert website.hits <= 1
    with pytest.raises(OSError, match="No space left on device"):
        state.result()
