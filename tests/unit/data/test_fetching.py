"""Rows come from an address, completely and as pinned, or not at all; the error says which of the three failures it was."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.data.fetching import fetch
from slipway.data.snapshots import files
from slipway.errors import DatasetChangedError, DatasetNotFoundError, InvalidRowsError, OriginUnreachableError
from slipway.spec import CSV, ModelSpec, Table

CONTENT = b"size,weight,colour,wanted,id\n10,1.5,red,0,a\n20,2.5,blue,1,b\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def model(toy: ModelSpec, website: Any) -> ModelSpec:
    """The toy, with its rows on the website."""
    (website.folder / "toy.csv").write_bytes(CONTENT)
    return replace(toy, dataset=replace(toy.dataset, origin=f"{website.url}/toy.csv", sha256=SHA256))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


def test_rows_come_from_the_origin_and_are_named_after_their_checksum(model: ModelSpec, website: Any, folder: Path) -> None:
    snapshot = fetch(model, None, folder)

    assert snapshot.path == folder / f"toy-{SHA256[:12]}.csv"
    assert snapshot.path.read_bytes() == CONTENT
    assert (snapshot.rows, snapshot.sha256, snapshot.sample) == (2, SHA256, False)
    assert snapshot.origin == f"{website.url}/toy.csv"
    assert website.hits == 1


@pytest.mark.parametrize(
    ("table", "file", "content", "name", "rows"),
    [
        (CSV(separator=";"), "toy.csv", b"a;b\n1;2\n3;4\n", ".csv", 2),
        (CSV(separator=";"), "toy.csv.gz", gzip.compress(b"a;b\n1;2\n3;4\n", mtime=0), ".csv.gz", 2),
        (CSV(header=False, names=("a", "b")), "toy.csv", b"1,2\n3,4\n", ".csv", 2),
        (CSV(comment="#", skip=1), "toy.csv", b"Toys\n# x\na,b\n1,2\n# y\n3,4\n", ".csv", 2),
    ],
)
def test_a_snapshot_is_the_file_as_it_was_and_its_rows_are_counted(
    model: ModelSpec, website: Any, folder: Path, table: Table, file: str, content: bytes, name: str, rows: int
) -> None:
    (website.folder / file).write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    dataset = replace(model.dataset, origin=f"{website.url}/{file}", sha256=sha256, file=file, table=table)

    snapshot = fetch(replace(model, dataset=dataset), None, folder)

    assert snapshot.path == folder / f"toy-{sha256[:12]}{name}"
    assert snapshot.path.read_bytes() == content
    assert snapshot.rows == rows
    assert [found.path for found in files(folder, "toy")] == [snapshot.path]


def test_a_file_of_another_kind_is_named_when_it_is_fetched(model: ModelSpec, website: Any, folder: Path) -> None:
    (website.folder / "toy.csv").write_bytes(content := b"PK\x03\x04")
    model = replace(model, dataset=replace(model.dataset, sha256=hashlib.sha256(content).hexdigest()))

    with pytest.raises(InvalidRowsError, match=r"is a zip archive; unpack it first\. The model's file says CSV\(\)"):
        fetch(model, None, folder)


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_base_url_as_mirror_replaces_the_origin(model: ModelSpec, website: Any, dead_url: str, folder: Path, slash: str) -> None:
    model = replace(model, dataset=replace(model.dataset, origin=f"{dead_url}/toy.csv"))

    assert fetch(model, website.url + slash, folder).origin == f"{website.url}/toy.csv"
    assert website.hits == 1


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_folder_as_mirror_replaces_the_origin(model: ModelSpec, website: Any, folder: Path, scheme: str) -> None:
    snapshot = fetch(model, scheme + str(website.folder), folder)

    assert snapshot.path.read_bytes() == CONTENT
    assert website.hits == 0


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_path_is_read_where_it_is_whatever_the_mirror(model: ModelSpec, website: Any, dead_url: str, folder: Path, scheme: str) -> None:
    origin = f"{scheme}{website.folder / 'toy.csv'}"
    local = replace(model, dataset=replace(model.dataset, origin=origin, file="other.csv"))

    snapshot = fetch(local, dead_url, folder)

    assert (snapshot.origin, snapshot.path.read_bytes()) == (origin, CONTENT)


@pytest.mark.parametrize("mirror", ["empty", "file.txt"])
def test_a_mirror_without_the_file_is_not_found_and_the_path_is_named(model: ModelSpec, tmp_path: Path, folder: Path, mirror: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("SLIPWAY_MIRROR names the file itself instead of its folder")

    with pytest.raises(DatasetNotFoundError, match=f"toy: there is no file {tmp_path / mirror / 'toy.csv'}.*SLIPWAY_MIRROR"):
        fetch(model, str(tmp_path / mirror), folder)


def test_an_origin_that_does_not_answer_is_unreachable_and_the_error_gives_both_ways_out(
    model: ModelSpec, dead_url: str, folder: Path
) -> None:
    with pytest.raises(OriginUnreachableError, match=f"toy: {dead_url}/toy.csv cannot be reached") as error:
        fetch(model, dead_url, folder)

    assert "--sample" in str(error.value)
    assert "SLIPWAY_MIRROR" in str(error.value)
    assert not folder.exists()


def test_a_server_error_is_unreachable_because_another_attempt_may_help(model: ModelSpec, website: Any, folder: Path) -> None:
    website.status = 503

    with pytest.raises(OriginUnreachableError, match="answered 503 Service Unavailable"):
        fetch(model, None, folder)

    assert website.hits == 1  # asking again is the task's business


def test_a_missing_file_is_not_found_because_another_attempt_will_not_help(model: ModelSpec, website: Any, folder: Path) -> None:
    (website.folder / "toy.csv").unlink()

    with pytest.raises(DatasetNotFoundError, match=r"toy\.csv answered 404"):
        fetch(model, None, folder)


def test_an_answer_that_breaks_off_is_unreachable_and_leaves_no_file(model: ModelSpec, website: Any, folder: Path) -> None:
    website.missing = 100

    with pytest.raises(OriginUnreachableError, match=r"toy\.csv cannot be reached"):
        fetch(model, None, folder)

    assert not folder.exists()


def test_a_changed_file_is_refused_with_both_checksums_and_leaves_no_file(model: ModelSpec, website: Any, folder: Path) -> None:
    changed = CONTENT.replace(b"10", b"11")
    (website.folder / "toy.csv").write_bytes(changed)

    with pytest.raises(DatasetChangedError, match=r"toy\.csv has changed") as error:
        fetch(model, None, folder)

    assert SHA256 in str(error.value)
    assert hashlib.sha256(changed).hexdigest() in str(error.value)
    assert "the model's file, toy.py" in str(error.value)
    assert not folder.exists()


def test_a_stored_snapshot_is_used_again_without_a_download(model: ModelSpec, website: Any, folder: Path) -> None:
    first = fetch(model, None, folder)
    website.status = 503

    assert fetch(model, None, folder) == first
    assert website.hits == 1


def test_a_stored_snapshot_that_was_damaged_is_fetched_again(model: ModelSpec, website: Any, folder: Path) -> None:
    path = fetch(model, None, folder).path
    path.write_bytes(CONTENT[:-5])

    assert fetch(model, None, folder).path.read_bytes() == CONTENT
    assert website.hits == 2
    assert sorted(kept.name for kept in folder.iterdir()) == [path.name, f"{path.stem}.manifest.json"]
