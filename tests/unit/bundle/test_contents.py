"""Stored files that somebody else may have put there: links, pipes, files that expand to too much, malformed ones."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from slipway.bundle import contents
from slipway.bundle.contents import content_of
from slipway.bundle.contract import Contract, Probe
from slipway.bundle.deployment import load
from slipway.bundle.engines.files import ARRAYS, PIPELINE, unpack
from slipway.bundle.reading import Bundle, read
from slipway.bundle.store.active import POINTER, Pointer, active, point
from slipway.bundle.store.challenger import CHALLENGER, Challenge, challenged, set_challenge
from slipway.bundle.trusted_types import refuse_other_types_in
from slipway.errors import BundleError

SIZE = 1 << 21


def bundle_with(contract: Contract, name: str, content: bytes) -> Bundle:
    return Bundle(Path("bundle"), contract, Probe([], [], []), {name: content})


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["contract.json", "model.npz", "manifest.json"])
def test_a_file_of_a_bundle_that_is_a_link_out_of_it_is_refused(write_bundle: Callable[..., Bundle], tmp_path: Path, name: str) -> None:
    folder = write_bundle(tmp_path / "bundle").folder
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")

    with pytest.raises(BundleError, match=f"{name}: expected a file in .*, received a link to {tmp_path / 'elsewhere'}"):
        read(folder)


def test_a_bundle_that_is_a_link_out_of_the_store_is_refused_and_one_inside_is_not(
    write_bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    store = tmp_path / "store"
    real = write_bundle(tmp_path / "bundle").folder
    model = read(real).contract.model
    (store / model).mkdir(parents=True)
    (store / model / "1-a").symlink_to(real)

    with pytest.raises(BundleError, match="received a link to"):
        load(store / model / "1-a", model, Pointer("1-a", 1, "one"), 1)

    (tmp_path / "linked").symlink_to(store)  # the whole store may be elsewhere
    (store / model / "1-a").unlink()
    real.rename(store / model / "1-b")
    (store / model / "1-a").symlink_to("1-b")
    assert load(tmp_path / "linked" / model / "1-a", model, Pointer("1-a", 1, "one"), 1).contract.model == model


def test_a_pointer_that_is_a_link_out_of_the_store_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "store"
    (store / "toy").mkdir(parents=True)
    point(store, "toy", Pointer("1-a", 1, "one"))
    set_challenge(store, "toy", Challenge("1-a", "two"))
    for name in (POINTER, CHALLENGER):
        (store / "toy" / name).rename(tmp_path / name)
        (store / "toy" / name).symlink_to(tmp_path / name)

    for refused in (lambda: active(store, "toy"), lambda: challenged(store, "toy")):
        with pytest.raises(BundleError, match="received a link to"):
            refused()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink(path + ".pipe", path) or os.mkfifo(path + ".pipe")])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, make: Callable[[str], None]) -> None:
    make(str(tmp_path / "file"))

    with pytest.raises(BundleError, match="file: expected a regular file"):
        content_of(tmp_path / "file", tmp_path)


def test_a_file_without_end_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.truncate(1 << 40)  # takes no place on the disk

    with pytest.raises(BundleError, match=r"expected at most 1,073,741,824 bytes, received 1,099,511,627,776"):
        content_of(tmp_path / "file", tmp_path)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that a test reaches quickly."""
    monkeypatch.setattr(contents, "MOST_BYTES", SIZE)


@pytest.mark.usefixtures("small")
def test_arrays_that_expand_to_too_much_are_refused(contract_of: Callable[..., Contract]) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, value=np.zeros(SIZE // 8))

    with pytest.raises(BundleError, match=r"model\.npz: expected to expand to at most 2,097,152 bytes, received"):
        unpack(bundle_with(contract_of(), ARRAYS, buffer.getvalue()), ("value",))


def test_arrays_whose_header_promises_more_than_memory_are_refused(contract_of: Callable[..., Contract]) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 45,)})

    with pytest.raises(BundleError, match="does not contain the arrays value"):
        unpack(bundle_with(contract_of(), ARRAYS, zipped(**{"value.npy": header.getvalue()})), ("value",))


@pytest.mark.usefixtures("small")
def test_a_pipeline_that_expands_to_too_much_is_refused(contract_of: Callable[..., Contract]) -> None:
    bomb = zipped(**{"schema.json": b"{}", "0.npy": bytes(SIZE)})
    from slipway.bundle.engines.pyfunc import PyfuncEngine

    for refused in (
        lambda: refuse_other_types_in(bomb, "the model"),
        lambda: PyfuncEngine(bundle_with(contract_of(), PIPELINE, bomb)),
    ):
        with pytest.raises(BundleError, match="expected to expand to at most"):
            refused()


SCHEMAS = [
    "[]",
    "{}",
    "1",
    "null",
    '{"__class__": 1, "__module__": "builtins", "__loader__": "ObjectNode"}',
    '{"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": 7, "key_types": null}',
    '{"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": {"a": 1}}',
    '{"__class__": "x", "__module__": "builtins", "__loader__": "NoSuchNode"}',
    '{"__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode", "type": "numpy", "file": "../../etc/passwd"}',
    "[" * 100_000,
    json.dumps({"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": None}),
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema[:60])
def test_a_skops_file_with_a_malformed_schema_is_an_error_about_the_bundle(contract_of: Callable[..., Contract], schema: str) -> None:
    from slipway.bundle.engines.pyfunc import PyfuncEngine

    with pytest.raises(BundleError, match=r"bundle: model\.skops (is not a skops file|contains a )"):
        PyfuncEngine(bundle_with(contract_of(), PIPELINE, zipped(**{"schema.json": schema.encode()})))


@pytest.mark.parametrize("place", ["", "model.npz"])
def test_a_bundle_that_every_user_may_write_is_loaded_with_a_warning_that_names_it(
    write_bundle: Callable[..., Bundle], tmp_path: Path, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = write_bundle(tmp_path / "toy" / "1-a")
    (bundle.folder / place).chmod(0o777)

    load(bundle.folder, bundle.contract.model, Pointer("1-a", 1, "one"), 1)

    assert f"every user of this machine may write {bundle.folder / place}, " in caplog.text
