"""The rows of an earlier run come back as they were, or not at all; generated rows never become real ones."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.data import samples
from slipway.data.fetching import fetch
from slipway.data.recalling import recall
from slipway.errors import DatasetChangedError, DatasetNotFoundError, SnapshotNotFoundError
from slipway.records import Snapshot
from slipway.spec import CSV, ModelSpec
from slipway.tracking.recorded_rows import RecordedRows

OLD = b"size,weight,colour,wanted,id\n10,1.5,red,0,a\n20,2.5,blue,1,b\n"
NEW = OLD + b"30,3.5,blue,1,c\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def pinned(toy: ModelSpec, website: Any, content: bytes) -> ModelSpec:
    """Publish rows under the one address, and pin them."""
    (website.folder / "toy.csv").write_bytes(content)
    return replace(toy, dataset=replace(toy.dataset, origin=f"{website.url}/toy.csv", sha256=sha256(content)))


def records(*found: RecordedRows) -> Any:
    return lambda digits: [record for record in found if record.sha256.startswith(digits)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


@pytest.fixture
def old(toy: ModelSpec, website: Any, folder: Path) -> Snapshot:
    """The rows that were pinned earlier: fetched at that time, and replaced at their address since."""
    return fetch(pinned(toy, website, OLD), None, folder)


@pytest.fixture
def spec(toy: ModelSpec, website: Any, old: Snapshot) -> ModelSpec:
    """The current toy, with other rows."""
    return pinned(toy, website, NEW)


@pytest.fixture
def recorded(old: Snapshot) -> Any:
    return records(RecordedRows(old.sha256, old.origin, sample=False))


@pytest.mark.parametrize("digits", [8, 12, 20, 64])
def test_old_rows_come_from_the_folder_with_the_origin_they_had(
    spec: ModelSpec, old: Snapshot, recorded: Any, folder: Path, website: Any, digits: int
) -> None:
    hits = website.hits

    assert recall(spec, old.sha256[:digits], recorded, None, folder) == old

    assert website.hits == hits


def test_old_rows_are_found_when_the_model_has_another_kind_of_table_now(
    spec: ModelSpec, old: Snapshot, recorded: Any, folder: Path
) -> None:
    now = replace(spec, dataset=replace(spec.dataset, file="toy.csv.gz", table=CSV(separator=";")))

    assert recall(now, old.sha256[:12], recorded, None, folder).path == old.path


def test_pasted_digits_may_have_spaces_and_capitals(spec: ModelSpec, old: Snapshot, recorded: Any, folder: Path) -> None:
    assert recall(spec, f" {old.sha256[:12].upper()}\n", recorded, None, folder) == old


@pytest.mark.parametrize("damage", [None, b"not the rows"])
def test_old_rows_that_are_gone_or_damaged_come_from_the_recorded_origin(
    spec: ModelSpec, old: Snapshot, folder: Path, website: Any, damage: bytes | None
) -> None:
    old.path.unlink() if damage is None else old.path.write_bytes(damage)
    (website.folder / "2025.csv").write_bytes(OLD)
    elsewhere = f"{website.url}/2025.csv"

    again = recall(spec, old.sha256, records(RecordedRows(old.sha256, elsewhere, sample=False)), "/no/such/mirror", folder)

    assert again == old.model_copy(update={"origin": elsewhere})
    assert again.path.read_bytes() == OLD


def test_old_rows_that_were_replaced_at_their_origin_are_an_error_that_says_where_to_put_the_file(
    spec: ModelSpec, old: Snapshot, recorded: Any, folder: Path
) -> None:
    old.path.unlink()

    with pytest.raises(DatasetChangedError, match=f"expected sha256 {sha256(OLD)}   received sha256 {sha256(NEW)}") as error:
        recall(spec, old.sha256, recorded, None, folder)

    assert f"Put the file back as {old.path}" in str(error.value)
    assert not old.path.exists()


def test_currently_pinned_rows_are_fetched_as_usual(toy: ModelSpec, website: Any, dead_url: str, folder: Path) -> None:
    spec = pinned(toy, website, NEW)
    spec = replace(spec, dataset=replace(spec.dataset, origin=f"{dead_url}/toy.csv"))
    recorded = records(RecordedRows(sha256(NEW), spec.dataset.origin, sample=False))

    again = recall(spec, sha256(NEW)[:8], recorded, website.url, folder)

    assert (again.path.read_bytes(), again.origin) == (NEW, f"{website.url}/toy.csv")


def test_an_unrecorded_file_is_its_own_origin(spec: ModelSpec, old: Snapshot, folder: Path) -> None:
    assert recall(spec, old.sha256[:8], records(), None, folder) == old.model_copy(update={"origin": str(old.path)})


def test_sample_rows_stay_sample_rows_and_are_generated_again_when_they_are_gone(heart: ModelSpec, folder: Path) -> None:
    generated = samples.generate(heart, folder)
    recorded = records(RecordedRows(generated.sha256, "sample:heart-failure", sample=True))

    kept = recall(heart, generated.sha256[:12], records(), None, folder)
    generated.path.unlink()
    again = recall(heart, generated.sha256[:12], recorded, None, folder)

    assert kept == again == generated
    assert again.sample
    assert again.path.exists()


def test_sample_rows_never_become_real_rows(heart: ModelSpec, folder: Path, website: Any) -> None:
    generated = samples.generate(heart, folder)
    # the same bytes, published and pinned as if they were real
    posing = pinned(heart, website, generated.path.read_bytes())
    fetch(posing, None, folder)
    recorded = records(RecordedRows(generated.sha256, posing.dataset.origin, sample=False))

    assert recall(posing, generated.sha256, recorded, None, folder) == generated


def test_sample_rows_that_can_no_longer_be_generated_are_an_error(heart: ModelSpec, folder: Path) -> None:
    with pytest.raises(DatasetChangedError, match=f"the rows generated now are different.\n  expected sha256 {'ab' * 32}"):
        recall(heart, "ab" * 8, records(RecordedRows("ab" * 32, "sample:heart-failure", sample=True)), None, folder)


def test_an_unknown_checksum_is_an_error_that_lists_those_there_are(heart: ModelSpec, toy: ModelSpec, website: Any, folder: Path) -> None:
    generated = samples.generate(heart, folder)
    recorded = records(RecordedRows("cd" * 32, "s3://rows/heart.csv", sample=False))

    with pytest.raises(SnapshotNotFoundError, match="heart-failure: the sha256 of no snapshots begins with 00000000") as error:
        recall(heart, "0" * 8, recorded, None, folder)

    assert f"\n  {generated.sha256[:12]}  sample rows" in str(error.value)
    assert "\n  cdcdcdcdcdcd  s3://rows/heart.csv" in str(error.value)


def test_an_unknown_checksum_of_a_model_without_snapshots_says_how_to_make_one(toy: ModelSpec, folder: Path) -> None:
    with pytest.raises(SnapshotNotFoundError, match="There are none yet; `slipway release toy` makes one"):
        recall(toy, "0" * 8, records(), None, folder)


def test_digits_at_the_beginning_of_several_checksums_are_refused(toy: ModelSpec, folder: Path) -> None:
    recorded = records(RecordedRows("ab" * 32, "a.csv", sample=False), RecordedRows("ab" * 8 + "cd" * 24, "b.csv", sample=False))

    with pytest.raises(SnapshotNotFoundError, match="the sha256 of 2 snapshots begins with abababab"):
        recall(toy, "abababab", recorded, None, folder)


@pytest.mark.parametrize("digits", ["", "0123456", "latest", "0123456z", "0" * 65, "' OR 1=1"])
def test_a_text_that_is_not_a_checksum_is_refused(toy: ModelSpec, folder: Path, digits: str) -> None:
    with pytest.raises(SnapshotNotFoundError, match="expected the first 8 digits or more of a sha256"):
        recall(toy, digits, records(), None, folder)


def test_a_recorded_origin_that_is_gone_is_not_found(toy: ModelSpec, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFoundError, match=f"there is no file {tmp_path}/gone.csv"):
        recall(toy, "ab" * 4, records(RecordedRows("ab" * 32, f"{tmp_path}/gone.csv", sample=False)), None, folder)
