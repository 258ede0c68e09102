"""Fetching as a task: tried again only after failures that can heal."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from slipway.errors import DatasetChangedError, DatasetNotFoundError, OriginUnreachableError
from tasks.data import fetch

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
