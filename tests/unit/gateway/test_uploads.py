"""The folder of uploaded files: whose they are, and how long they stay."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from slipway.gateway.bodies.uploads import DAY, Upload, Uploads
from tests.gateway.conftest import COLUMNS
from tests.unit.pages.conftest import contract_of_spec


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path)


def added(uploads: Uploads, owner: str = "user:anna", age: float = 0.0) -> Upload:
    from slipway.catalogue import lookup

    async def make() -> Upload:
        async with uploads.new(owner) as folder:
            upload = Upload(
                id=folder.name, owner=owner, model="toy", name="a.csv", size=1, rows=1, created=time.time() - age, language="en",
                separator=",", decimal=".", contract=contract_of_spec(lookup("diabetes"), columns=COLUMNS),
            )  # fmt: skip
            uploads.save(upload)
            return upload

    return asyncio.run(make())


def test_a_file_is_found_by_its_owner_for_its_model_only(uploads: Uploads) -> None:
    upload = added(uploads)

    assert uploads.find(upload.id, "user:anna", "toy") == upload
    assert uploads.find(upload.id, "user:omar", "toy") is None
    assert uploads.find(upload.id, "oidc:anna", "toy") is None
    assert uploads.find(upload.id, "user:anna", "other") is None
    assert uploads.find("../uploads", "user:anna", "toy") is None
    assert [one.id for one in uploads.of("user:anna")] == [upload.id]


def test_files_and_what_a_killed_process_left_go_after_a_day(uploads: Uploads, tmp_path: Path) -> None:
    old, new = added(uploads, age=DAY + 1), added(uploads, age=DAY - 60)
    left = uploads.folder(new).with_name("left")
    left.mkdir()
    os.utime(left, (0, 0))

    assert uploads.sweep(time.time()) == 2

    assert uploads.find(old.id, old.owner, "toy") is None
    assert uploads.find(new.id, new.owner, "toy") == new
    assert not left.exists()


def test_a_block_that_fails_leaves_nothing(uploads: Uploads, tmp_path: Path) -> None:
    async def fail() -> None:
        async with uploads.new("user:anna") as folder:
            (folder / "part").write_text("x")
            raise ValueError("gone")

    with pytest.raises(ValueError, match="gone"):
        asyncio.run(fail())

    assert list((tmp_path / "uploads").glob("*/*")) == []


def test_a_record_of_another_version_of_slipway_is_as_one_never_there(uploads: Uploads) -> None:
    upload = added(uploads)
    (uploads.folder(upload) / "upload.json").write_text('{"id": 1}')

    assert uploads.of(upload.owner) == []
