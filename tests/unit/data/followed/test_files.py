"""A followed file is kept as it is at each release: never half of it, never a mixture of two, and the last snapshot stays."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from slipway.data import manifests
from slipway.data.fetching import fetch
from slipway.data.recalling import recall
from slipway.errors import DatasetNotFoundError, InvalidRowsError, OriginChangingError, OriginUnreachableError, SpecError
from slipway.spec import CSV, FollowedDataset, ModelSpec, Parquet, Query
from tests.support.disks import small_disk
from tests.support.writes import Writes

ROWS = b"size,weight,colour,wanted,id\n10,1.5,red,0,a\n20,2.5,blue,1,b\n"
MORE = ROWS + b"30,3.5,blue,1,c\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "toy.csv").write_bytes(ROWS)
    return tmp_path / "toy.csv"


@pytest.fixture
def spec(toy: ModelSpec, file: Path) -> ModelSpec:
    return replace(toy, dataset=FollowedDataset(origin=str(file), file="toy.csv"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_fetch_takes_what_the_file_holds_then(spec: ModelSpec, file: Path, folder: Path) -> None:
    first = fetch(spec, None, folder)
    file.write_bytes(MORE)
    second = fetch(spec, None, folder)

    assert [(one.rows, one.path.read_bytes()) for one in (first, second)] == [(2, ROWS), (3, MORE)]
    assert first.path != second.path


def test_the_same_content_is_the_same_snapshot(spec: ModelSpec, folder: Path) -> None:
    first = fetch(spec, None, folder)
    there = names(folder)
    manifest = manifests.read(first.path)

    again = fetch(spec, None, folder)

    assert again == first
    assert names(folder) == there
    read_again = manifests.read(again.path)
    assert manifest is not None
    assert read_again is not None
    assert read_again.made == manifest.made
    assert read_again.read > manifest.read


def test_the_manifest_says_where_the_rows_are_from(spec: ModelSpec, file: Path, folder: Path) -> None:
    snapshot = fetch(spec, None, folder)

    manifest = manifests.read(snapshot.path)

    assert manifest is not None
    (part,) = manifest.parts
    assert (manifest.model, manifest.sha256, manifest.rows) == ("toy", snapshot.sha256, 2)
    assert (part.kind, part.origin, part.sha256, part.rows, part.mark) == ("followed", str(file), snapshot.sha256, 2, None)


def test_an_address_on_the_web_is_followed(toy: ModelSpec, website: Any, folder: Path) -> None:
    spec = replace(toy, dataset=FollowedDataset(origin=f"{website.url}/toy.csv", file="toy.csv"))
    (website.folder / "toy.csv").write_bytes(ROWS)
    first = fetch(spec, None, folder)
    (website.folder / "toy.csv").write_bytes(MORE)

    assert (first.rows, fetch(spec, None, folder).rows) == (2, 3)


def test_an_answer_that_breaks_off_leaves_nothing(toy: ModelSpec, website: Any, folder: Path) -> None:
    spec = replace(toy, dataset=FollowedDataset(origin=f"{website.url}/toy.csv", file="toy.csv"))
    (website.folder / "toy.csv").write_bytes(ROWS)
    fetch(spec, None, folder)
    there = names(folder)
    website.missing = 10

    with pytest.raises(OriginUnreachableError):
        fetch(spec, None, folder)

    assert names(folder) == there


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"size,weight,colour,wanted,id\n", "holds no rows"),
        (MORE[:-6], "ends within a line, which has 3 of 5 cells"),
        (b"\n\n\n", "the file is empty"),
    ],
    ids=["empty", "only a header", "half-written", "blank"],
)
def test_a_file_without_whole_rows_leaves_nothing(spec: ModelSpec, file: Path, folder: Path, content: bytes, says: str) -> None:
    last = fetch(spec, None, folder)
    there = names(folder)
    file.write_bytes(content)

    with pytest.raises(InvalidRowsError, match=says):
        fetch(spec, None, folder)

    assert names(folder) == there
    assert last.path.read_bytes() == ROWS


def test_half_a_parquet_file_leaves_nothing(toy: ModelSpec, tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "toy.parquet"
    pd.DataFrame({"size": [10, 20], "weight": 1.5, "colour": "red", "wanted": [0, 1]}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(InvalidRowsError, match="Parquet"):
        fetch(replace(toy, dataset=FollowedDataset(origin=str(path), file="toy.parquet", table=Parquet())), None, folder)

    assert names(folder) == []


def test_a_file_that_is_gone_leaves_the_last_snapshot(spec: ModelSpec, file: Path, folder: Path) -> None:
    last = fetch(spec, None, folder)
    file.unlink()

    with pytest.raises(DatasetNotFoundError, match=r"toy\.csv cannot be read"):
        fetch(spec, None, folder)

    assert last.path.read_bytes() == ROWS


@pytest.fixture
def while_copied(folder: Path) -> Iterator[Callable[[Callable[[], object], int], None]]:
    """Have something happen to the origin while it is copied: just before a byte of the copy is written, the first times."""
    watching: list[Writes] = []

    def at(happens: Callable[[], object], times: int) -> None:
        left = [times]

        def before(_: int, what: str) -> None:
            if what.startswith("open") and what.endswith("toy.csv") and left[0]:
                left[0] -= 1
                happens()

        watching.append(Writes(folder, 0, before))
        watching[-1].begin()

    yield at
    for one in watching:
        one.__exit__()


def test_a_file_that_is_replaced_during_the_read_is_read_again(
    spec: ModelSpec, file: Path, folder: Path, while_copied: Callable[..., None]
) -> None:
    def replaced() -> None:
        (file.parent / "new.csv").write_bytes(MORE)
        os.replace(file.parent / "new.csv", file)

    while_copied(replaced, 1)

    assert fetch(spec, None, folder).path.read_bytes() == MORE


def test_a_file_that_goes_on_being_written_is_no_snapshot(
    spec: ModelSpec, file: Path, folder: Path, while_copied: Callable[..., None]
) -> None:
    def written() -> None:
        with file.open("ab") as more:
            more.write(b"30,3.5,blue,1,c\n")

    while_copied(written, 3)

    with pytest.raises(OriginChangingError, match="3 times in a row"):
        fetch(spec, None, folder)

    assert names(folder) == []


def test_a_recorded_snapshot_is_recalled_after_the_origin_moved(spec: ModelSpec, file: Path, folder: Path) -> None:
    first = fetch(spec, None, folder)
    file.write_bytes(MORE)
    fetch(spec, None, folder)

    found = recall(spec, first.sha256[:8], lambda digits: [], None, folder)

    assert (found.path, found.sha256, found.rows) == (first.path, first.sha256, 2)


def test_a_snapshot_of_before_has_no_manifest_and_is_recalled(spec: ModelSpec, folder: Path) -> None:
    snapshot = fetch(spec, None, folder)
    manifests.path_of(snapshot.path).unlink()

    assert recall(spec, snapshot.sha256[:8], lambda digits: [], None, folder).rows == 2
    assert manifests.read(snapshot.path) is None


def test_a_manifest_that_cannot_be_read_counts_as_missing(spec: ModelSpec, folder: Path) -> None:
    snapshot = fetch(spec, None, folder)
    manifests.path_of(snapshot.path).write_text('{"model": "toy"}')

    assert manifests.read(snapshot.path) is None
    assert fetch(spec, None, folder) == snapshot
    assert manifests.read(snapshot.path) is not None


def test_a_forgotten_checksum_does_not_follow() -> None:
    from slipway.spec import Dataset

    with pytest.raises(SpecError, match="sha256 is missing"):
        Dataset(origin="rows.csv", file="rows.csv")  # type: ignore[call-arg]


def test_a_followed_data_set_has_no_checksum() -> None:
    with pytest.raises(SpecError, match="sha256 is no field of FollowedDataset"):
        FollowedDataset(origin="rows.csv", file="rows.csv", sha256="0" * 64)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"grows_by": "id"}, "needs table=Query"),
        ({"key": ""}, "names no column"),
        ({"table": Query("SELECT 1")}, "a database needs"),
    ],
)
def test_a_contradiction_of_a_followed_data_set_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        FollowedDataset(**({"origin": "rows.csv", "file": "rows.csv", "table": CSV()} | fields))


@pytest.mark.parametrize("kind", ["file", "folder", "query"])
def test_a_full_disk_is_named_and_leaves_the_last_snapshot(toy: ModelSpec, tmp_path: Path, kind: str) -> None:
    origins = {"file": tmp_path / "large.csv", "folder": tmp_path / "large", "query": f"sql+sqlite:///{tmp_path / 'large.db'}"}
    numbers = pd.DataFrame({"number": np.random.default_rng(0).random(200_000)})
    (tmp_path / "large").mkdir()
    numbers.to_csv(tmp_path / "large.csv")
    numbers.to_parquet(tmp_path / "large" / "rows.parquet")
    with closing(sqlite3.connect(tmp_path / "large.db")) as database:
        numbers.to_sql("rows", database)
    tables = {"file": CSV(), "folder": Parquet(), "query": Query("SELECT * FROM rows")}
    spec = replace(toy, dataset=FollowedDataset(origin=str(origins[kind]), file="rows", table=tables[kind]))
    with small_disk(tmp_path / "disk") as disk:
        disk.fill()

        with pytest.raises(OSError, match="No space left on device"):
            fetch(spec, None, disk.folder)

        assert names(disk.folder) == ["filling"]
