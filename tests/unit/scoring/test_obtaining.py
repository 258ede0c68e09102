"""Rows from an address: stored for the run, retried only if that can help, and recorded without signatures."""

from __future__ import annotations

import pytest

from slipway.errors import DatasetNotFoundError, OriginUnreachableError, ScoringError
from slipway.scoring.job import job
from slipway.scoring.obtaining import obtain

CONTENT = b"Age,Sex\n40,F\n"


@pytest.fixture
def from_website(website, tmp_path):
    """Obtain a file of the website, which has `rows.csv`."""
    (website.folder / "rows.csv").write_bytes(CONTENT)
    (tmp_path / "workspace").mkdir()
    return lambda name: obtain(job("toy", f"{website.url}/{name}", tmp_path / "out.csv"), tmp_path / "workspace")


def test_rows_are_stored_in_the_workspace(from_website, tmp_path):
    path = from_website("rows.csv?signature=s3cret")

    assert path == tmp_path / "workspace" / "rows.csv"
    assert path.read_bytes() == CONTENT


def test_a_signature_is_not_recorded(tmp_path):
    found = job("toy", "https://store.example.org/a/rows.csv?signature=s3cret#part", tmp_path / "out.csv")

    assert found.shown_source == "https://store.example.org/a/rows.csv"


@pytest.mark.parametrize(("status", "error"), [(503, OriginUnreachableError), (404, DatasetNotFoundError), (403, DatasetNotFoundError)])
def test_a_refusal_shows_its_status(from_website, website, status, error):
    website.status = status

    with pytest.raises(error, match=f"rows.csv answered {status}") as refused:
        from_website("rows.csv?signature=s3cret")

    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_an_answer_that_breaks_off_may_be_retried(from_website, website):
    website.missing = 7

    with pytest.raises(OriginUnreachableError, match="cannot be reached"):
        from_website("rows.csv")

    website.missing = 0
    assert from_website("rows.csv").read_bytes() == CONTENT


def test_a_file_larger_than_the_disk_is_refused_before_it_is_fetched(from_website, website):
    website.missing = 10**18

    with pytest.raises(ScoringError, match="Make room"):
        from_website("rows.csv")


def test_an_address_that_does_not_answer_may_be_retried(dead_url, tmp_path):
    with pytest.raises(OriginUnreachableError, match="cannot be reached"):
        obtain(job("toy", f"{dead_url}/rows.csv", tmp_path / "out.csv"), tmp_path)


def test_a_local_file_is_used_where_it_is(tmp_path):
    (tmp_path / "rows.csv").write_bytes(CONTENT)

    assert obtain(job("toy", f"file://{tmp_path}/rows.csv"), tmp_path) == tmp_path / "rows.csv"
    with pytest.raises(DatasetNotFoundError, match="there is no file"):
        obtain(job("toy", str(tmp_path / "other.csv")), tmp_path)
    with pytest.raises(ScoringError, match="is not a file"):
        obtain(job("toy", str(tmp_path), tmp_path / "out.csv"), tmp_path)
