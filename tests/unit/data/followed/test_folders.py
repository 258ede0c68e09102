"""A folder of Parquet files is one table, with its partitions as columns, and is copied in parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from slipway.data.fetching import fetch
from slipway.data.tables import parquet_files
from slipway.errors import DatasetNotFoundError, InvalidRowsError, OriginChangingError
from slipway.records import Snapshot
from slipway.spec import FollowedDataset, ModelSpec, Parquet
from tests.support.writes import Writes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A folder with two partitions."""
    write(tmp_path / "toys" / "colour=red" / "year=2025" / "a.parquet", size=[10, 20], wanted=[0, 1])
    write(tmp_path / "toys" / "colour=blue" / "year=2026" / "a.parquet", size=[30], wanted=[1])
    (tmp_path / "toys" / "_SUCCESS").touch()
    return tmp_path / "toys"


@pytest.fixture
def spec(toy: ModelSpec, origin: Path) -> ModelSpec:
    return replace(toy, dataset=FollowedDataset(origin=str(origin), file="toys", table=Parquet()))


def write(path: Path, **columns: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_parquet(path, index=False)


def rows(snapshot: Snapshot) -> list[dict[str, str]]:
    found: list[dict[str, str]] = parquet_files.read(snapshot.path).to_dict("records")
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_partitions_are_columns_and_files_are_in_the_order_of_their_names(spec: ModelSpec, folder: Path) -> None:
    assert rows(fetch(spec, None, folder)) == [
        {"size": "30", "wanted": "1", "colour": "blue", "year": "2026"},
        {"size": "10", "wanted": "0", "colour": "red", "year": "2025"},
        {"size": "20", "wanted": "1", "colour": "red", "year": "2025"},
    ]


def test_a_new_file_is_new_rows_and_may_have_another_column(spec: ModelSpec, origin: Path, folder: Path) -> None:
    first = fetch(spec, None, folder)
    write(origin / "colour=red" / "year=2026" / "b.parquet", size=[40.5], wanted=[0], note=["late"])

    second = fetch(spec, None, folder)

    assert (first.rows, second.rows) == (3, 4)
    assert rows(second)[-1] == {"size": "40.5", "wanted": "0", "note": "late", "colour": "red", "year": "2026"}
    assert rows(second)[0]["note"] == ""


def test_the_same_rows_in_fewer_files_are_the_same_snapshot(spec: ModelSpec, origin: Path, folder: Path) -> None:
    write(origin / "colour=red" / "year=2025" / "b.parquet", size=[40], wanted=[0])
    first = fetch(spec, None, folder)
    there = names(folder)
    (origin / "colour=red" / "year=2025" / "b.parquet").unlink()
    write(origin / "colour=red" / "year=2025" / "a.parquet", size=[40, 10, 20], wanted=[0, 0, 1])

    assert fetch(spec, None, folder) == first
    assert names(folder) == there


def test_half_a_file_in_the_folder_leaves_nothing(spec: ModelSpec, origin: Path, folder: Path) -> None:
    fetch(spec, None, folder)
    there = names(folder)
    half = origin / "colour=red" / "year=2026" / "b.parquet"
    write(half, size=[40], wanted=[0])
    half.write_bytes(half.read_bytes()[:-10])

    with pytest.raises(InvalidRowsError, match=r"cannot be read as one table of Parquet.*b\.parquet"):
        fetch(spec, None, folder)

    assert names(folder) == there


def test_files_of_different_kinds_are_refused(spec: ModelSpec, origin: Path, folder: Path) -> None:
    write(origin / "colour=red" / "year=2026" / "b.parquet", size=["large"], wanted=[0])

    with pytest.raises(InvalidRowsError, match="size"):
        fetch(spec, None, folder)


def test_an_empty_folder_is_refused(spec: ModelSpec, origin: Path, folder: Path) -> None:
    for path in origin.rglob("*.parquet"):
        path.unlink()

    with pytest.raises(DatasetNotFoundError, match="has no file of rows"):
        fetch(spec, None, folder)


@pytest.mark.parametrize(("times", "settles"), [(1, True), (3, False)])
def test_a_folder_that_is_written_during_the_read_is_read_again(
    spec: ModelSpec, origin: Path, folder: Path, times: int, settles: bool
) -> None:
    left = [times]

    def before(_: int, what: str) -> None:
        if what.startswith("open") and what.endswith("rows.parquet") and left[0]:
            left[0] -= 1
            write(origin / "colour=red" / f"year={2030 + left[0]}" / "b.parquet", size=[40], wanted=[0])

    with Writes(folder, 0, before):
        if settles:
            assert fetch(spec, None, folder).rows == 4
        else:
            with pytest.raises(OriginChangingError, match="3 times in a row"):
                fetch(spec, None, folder)
            assert names(folder) == []
