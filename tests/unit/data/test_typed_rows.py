"""Rows are read and checked once; what is kept of them is used only where everything that decides them is the same."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from slipway.data import samples
from slipway.data.fetching import fetch
from slipway.data.recalling import recall
from slipway.data.snapshots import files, typed_path
from slipway.data.typed_rows import read
from slipway.data.validation import validate
from slipway.errors import InvalidRowsError
from slipway.records import Snapshot
from slipway.spec import CSV, ModelSpec, Numeric, Target
from tests.conftest import MIRROR

ROWS = b"size;weight;colour;wanted;id\n10;1,5;red;0;a\n10;1,5;red;1;b\n20;2,25;blue;0;c\n20;2,25;blue;1;d\n"
TABLE = CSV(separator=";", decimal=",")


@pytest.fixture
def spec(toy: ModelSpec, tmp_path: Path) -> ModelSpec:
    """The toy, with rows in another dialect."""
    (tmp_path / "toy.csv").write_bytes(ROWS)
    dataset = replace(toy.dataset, origin=str(tmp_path / "toy.csv"), sha256=hashlib.sha256(ROWS).hexdigest(), table=TABLE)
    return replace(toy, dataset=dataset)


@pytest.fixture
def snapshot(spec: ModelSpec, tmp_path: Path) -> Snapshot:
    return fetch(spec, None, tmp_path / "snapshots")


@pytest.fixture
def validated(caplog: pytest.LogCaptureFixture) -> Iterator[Any]:
    """Count how often rows were checked, by the line that says so."""
    caplog.set_level(logging.INFO)
    return lambda: sum(" rows are valid" in record.getMessage() for record in caplog.records)


def test_rows_are_checked_once_and_are_the_same_the_second_time(spec: ModelSpec, snapshot: Snapshot, validated: Any) -> None:
    first = read(spec, snapshot)

    pd.testing.assert_frame_equal(read(spec, snapshot), first, check_exact=True)
    pd.testing.assert_frame_equal(first, validate(spec, snapshot.path), check_exact=True)
    assert validated() == 2  # the first time, and the line above


def test_the_kept_rows_are_beside_the_original_and_any_program_can_read_them(spec: ModelSpec, snapshot: Snapshot) -> None:
    rows = read(spec, snapshot)

    kept = snapshot.path.with_name(f"toy-{snapshot.sha256[:12]}.typed.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(kept), rows)
    assert [found.path for found in files(snapshot.path.parent, "toy")] == [snapshot.path]  # it is no snapshot itself


def test_a_home_without_typed_rows_gets_them(spec: ModelSpec, snapshot: Snapshot, validated: Any) -> None:
    read(spec, snapshot)
    typed_path(snapshot.path).unlink()

    read(spec, snapshot)

    assert typed_path(snapshot.path).exists()
    assert validated() == 2


def test_missing_cells_are_the_same_the_second_time(spec: ModelSpec, tmp_path: Path) -> None:
    content = ROWS + b"NaN;;;1;e\n;3;blue;0;f\n"
    (tmp_path / "toy.csv").write_bytes(content)
    features = {name: replace(kind, missing=True) for name, kind in spec.columns.features.items()}
    dataset = replace(spec.dataset, sha256=hashlib.sha256(content).hexdigest())
    gaps = replace(spec, dataset=dataset, columns=replace(spec.columns, features=features))
    snapshot = fetch(gaps, None, tmp_path / "snapshots")

    first = read(gaps, snapshot)

    assert first.isna().sum().tolist() == [2, 1, 1, 0]
    assert typed_path(snapshot.path).exists()
    pd.testing.assert_frame_equal(read(gaps, snapshot), first, check_exact=True)


def test_another_declaration_is_checked_again(spec: ModelSpec, snapshot: Snapshot) -> None:
    read(spec, snapshot)
    narrower = replace(spec.columns, features={**spec.columns.features, "size": Numeric(0, 15, "cm", "Size", integer=True)})

    with pytest.raises(InvalidRowsError, match="column 'size' is outside 0 to 15 cm: line 4 '20', line 5 '20'"):
        read(replace(spec, columns=narrower), snapshot)


def test_another_dialect_is_checked_again(spec: ModelSpec, snapshot: Snapshot) -> None:
    read(spec, snapshot)

    with pytest.raises(InvalidRowsError, match="has ',' as the decimal mark of column 'weight'"):
        read(replace(spec, dataset=replace(spec.dataset, table=CSV(separator=";"))), snapshot)


def test_rows_of_another_original_are_not_used(spec: ModelSpec, snapshot: Snapshot) -> None:
    read(spec, snapshot)
    more = ROWS + b"30;3;blue;1;e\n"
    snapshot.path.write_bytes(more)

    assert len(read(spec, snapshot.model_copy(update={"sha256": hashlib.sha256(more).hexdigest()}))) == 5


@pytest.mark.parametrize("place", [4, -20, 60])
def test_damaged_rows_are_made_again(spec: ModelSpec, snapshot: Snapshot, place: int) -> None:
    rows = read(spec, snapshot)
    content = bytearray(typed_path(snapshot.path).read_bytes())
    for number in range(20):
        content[(place + number) % len(content)] ^= 0xFF
    typed_path(snapshot.path).write_bytes(content)

    pd.testing.assert_frame_equal(read(spec, snapshot), rows)


def test_rows_that_break_the_columns_leave_nothing(spec: ModelSpec, snapshot: Snapshot) -> None:
    broken = replace(spec.columns, features={**spec.columns.features, "size": Numeric(0, 5, "cm", "Size")})

    with pytest.raises(InvalidRowsError):
        read(replace(spec, columns=broken), snapshot)

    assert not typed_path(snapshot.path).exists()


def test_a_folder_that_cannot_be_written_to_is_a_warning(spec: ModelSpec, snapshot: Snapshot, caplog: pytest.LogCaptureFixture) -> None:
    with snapshot.path.open("rb") as file:
        away = snapshot.model_copy(update={"path": Path(f"/proc/self/fd/{file.fileno()}")})  # where nobody may create a file

        assert len(read(spec, away)) == 4

    assert "the typed rows cannot be kept" in caplog.text


def test_labels_that_are_texts_are_the_same_the_second_time(spec: ModelSpec, snapshot: Snapshot) -> None:
    target = Target("wanted", {"0": "left", "1": "wanted"}, positive="1")
    texts = replace(spec, columns=replace(spec.columns, target=target))

    pd.testing.assert_frame_equal(read(texts, snapshot), read(texts, snapshot), check_exact=True)


def test_sample_rows_are_plain_csv_whatever_the_real_ones_are(heart: ModelSpec, tmp_path: Path) -> None:
    spanish = replace(heart, dataset=replace(heart.dataset, table=TABLE))

    snapshot = samples.generate(spanish, tmp_path)

    assert len(read(spanish, snapshot)) == snapshot.rows == 918
    assert recall(spanish, snapshot.sha256, lambda digits: [], None, tmp_path) == snapshot


def test_the_real_rows_are_the_same_the_second_time(tmp_path: Path) -> None:
    from slipway.catalogue import catalogue

    if not MIRROR:
        pytest.skip("needs the real rows: set SLIPWAY_MIRROR to a folder or base URL that holds them")
    for spec in catalogue().values():
        snapshot = fetch(spec, MIRROR, tmp_path)
        first = read(spec, snapshot)
        assert typed_path(snapshot.path).exists()
        pd.testing.assert_frame_equal(read(spec, snapshot), first, check_exact=True)
