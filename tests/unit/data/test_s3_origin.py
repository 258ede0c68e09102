"""Rows in an S3 store: a real server on loopback, reached like any AWS store."""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from slipway.data.fetching import fetch
from slipway.errors import DatasetChangedError, DatasetNotFoundError, MissingExtraError, OriginUnreachableError
from slipway.spec import ModelSpec

CONTENT = b"size,weight,colour,wanted,id\n10,1.5,red,0,a\n20,2.5,blue,1,b\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ADDRESS = "s3://rows/2026/toy.csv"


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The address of an S3 server."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Point every AWS program at an endpoint, with invented credentials and without the machine's own configuration."""

    def point(endpoint: str) -> None:
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "invented",
            "AWS_SECRET_ACCESS_KEY": "invented",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": str(tmp_path / "none"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)

    return point


@pytest.fixture
def bucket(store: str, at: Any) -> Any:
    """An empty bucket called `rows` that keeps versions."""
    at(store)
    made = boto3.resource("s3").Bucket("rows")
    made.create()
    made.Versioning().enable()
    yield made
    made.object_versions.delete()
    made.delete()


@pytest.fixture
def model(toy: ModelSpec) -> ModelSpec:
    return replace(toy, dataset=replace(toy.dataset, origin=ADDRESS, sha256=SHA256))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


def test_rows_come_from_the_bucket(model: ModelSpec, bucket: Any, folder: Path) -> None:
    bucket.put_object(Key="2026/toy.csv", Body=CONTENT)

    snapshot = fetch(model, None, folder)

    assert snapshot.path.read_bytes() == CONTENT
    assert (snapshot.rows, snapshot.sha256, snapshot.origin) == (2, SHA256, ADDRESS)


def test_a_version_of_an_object_that_was_replaced_is_still_an_origin(model: ModelSpec, bucket: Any, folder: Path) -> None:
    first = bucket.put_object(Key="2026/toy.csv", Body=CONTENT).version_id
    bucket.put_object(Key="2026/toy.csv", Body=CONTENT + b"30,3.5,blue,1,c\n")

    with pytest.raises(DatasetChangedError, match="has changed"):
        fetch(model, None, folder)
    versioned = replace(model, dataset=replace(model.dataset, origin=f"{ADDRESS}?versionId={first}"))

    assert fetch(versioned, None, folder).path.read_bytes() == CONTENT


def test_a_bucket_as_mirror_replaces_the_origin(model: ModelSpec, bucket: Any, dead_url: str, folder: Path) -> None:
    bucket.put_object(Key="mirrored/toy.csv", Body=CONTENT)
    model = replace(model, dataset=replace(model.dataset, origin=f"{dead_url}/toy.csv"))

    assert fetch(model, "s3://rows/mirrored/", folder).origin == "s3://rows/mirrored/toy.csv"


@pytest.mark.parametrize("address", ["s3://rows/2026/other.csv", "s3://no-such-bucket/toy.csv", "s3://rows"])
def test_a_missing_object_or_bucket_is_not_found_and_the_way_out_is_shown(
    model: ModelSpec, bucket: Any, folder: Path, address: str
) -> None:
    model = replace(model, dataset=replace(model.dataset, origin=address))

    with pytest.raises(DatasetNotFoundError, match=f"(?s)toy: {address} cannot be read.*SLIPWAY_MIRROR"):
        fetch(model, None, folder)

    assert not folder.exists()


def test_missing_credentials_are_not_retried(model: ModelSpec, bucket: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")

    with pytest.raises(DatasetNotFoundError, match="credentials"):
        fetch(model, None, folder)


def test_a_store_that_does_not_answer_is_unreachable(model: ModelSpec, at: Any, dead_url: str, folder: Path) -> None:
    at(dead_url)

    with pytest.raises(OriginUnreachableError, match=f"toy: {ADDRESS} cannot be reached"):
        fetch(model, None, folder)


def test_a_server_error_is_unreachable_and_is_asked_once(model: ModelSpec, at: Any, website: Any, folder: Path) -> None:
    at(website.url)
    website.status = 503

    with pytest.raises(OriginUnreachableError, match=f"toy: {ADDRESS} cannot be reached"):
        fetch(model, None, folder)

    assert website.hits == 1  # asking again is the task's business


def test_an_answer_that_breaks_off_is_unreachable_and_leaves_no_file(model: ModelSpec, at: Any, website: Any, folder: Path) -> None:
    at(website.url)  # whose paths are those of a store: /rows/2026/toy.csv
    (website.folder / "rows" / "2026").mkdir(parents=True)
    (website.folder / "rows" / "2026" / "toy.csv").write_bytes(CONTENT)
    website.missing = 100

    with pytest.raises(OriginUnreachableError, match="cannot be reached"):
        fetch(model, None, folder)

    assert not folder.exists()


def test_an_error_about_a_missing_extra_says_how_to_install_it(model: ModelSpec, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)  # how Python itself marks a package that cannot be imported

    with pytest.raises(MissingExtraError, match=r"toy: s3://rows/2026/toy\.csv is read with s3fs.*pip install 'slipway\[s3\]'"):
        fetch(model, None, folder)
