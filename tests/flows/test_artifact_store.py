"""Nothing that a release stores is a pickle, and a pickle would be found."""

from __future__ import annotations

import pickle
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from slipway.catalogue import lookup
from tests.support.pickles import pickles, pickles_below


@pytest.mark.timeout(300)
@pytest.mark.parametrize("model", ["heart-failure"])
def test_no_pickle_is_in_the_artifact_store_after_a_release(released: Any, model: str) -> None:
    store = released.settings.mlflow_artifacts / lookup(model).name
    assert [entry["event"] for entry in released.history()] == ["promoted"]
    assert {"model.skops", "contract.json"} <= {path.name for path in store.rglob("*")}
    assert pickles_below(store) == []
    assert pickles_below(released.settings.bundles) == []


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [{"a": 1}, np.arange(3), Path("somewhere"), None], ids=["dict", "array", "object", "nothing"])
def test_a_pickle_is_found_by_its_content_whatever_its_name(tmp_path: Path, protocol: int, value: object) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.bin").write_bytes(pickle.dumps(value, protocol))

    assert pickles_below(tmp_path) == ["model/weights.bin: its content is a pickle"]


def test_what_joblib_writes_is_found(tmp_path: Path) -> None:
    joblib.dump({"rows": np.arange(1_000)}, tmp_path / "model.bin")  # arrays stand raw between the operations

    assert pickles_below(tmp_path) == ["model.bin: its content is a pickle"]


@pytest.mark.parametrize("name", ["model.pkl", "model.PICKLE", "model.joblib", "python_model.cloudpickle"])
def test_a_pickle_is_found_by_its_name_whatever_its_content(name: str) -> None:
    assert pickles(name, b"{}") == [f"{name}: its name is a pickle's"]


def test_a_pickle_inside_an_archive_is_found_also_inside_another_one() -> None:
    inner = archive(schema=b"{}", data=pickle.dumps([1]))

    assert pickles("model.skops", inner) == ["model.skops!data: its content is a pickle"]
    assert pickles("all.zip", archive(skops=inner)) == ["all.zip!skops!data: its content is a pickle"]


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_an_array_of_objects_is_found_alone_and_in_an_archive(version: tuple[int, int]) -> None:
    file, compressed = BytesIO(), BytesIO()
    objects = np.array([{}, None], dtype=object)
    np.lib.format.write_array(file, objects, version=version)
    np.savez_compressed(compressed, trees=objects)

    assert pickles("array.npy", file.getvalue()) == ["array.npy: numpy unpickles its objects"]
    assert pickles("model.npz", compressed.getvalue()) == ["model.npz!trees.npy: numpy unpickles its objects"]


def test_files_that_only_begin_like_a_pickle_are_let_through() -> None:
    numbers, texts = BytesIO(), BytesIO()
    np.save(numbers, np.arange(5.0))
    np.savez_compressed(texts, names=np.array(["|O", "O"]))

    for content in (b"", b"\x80", b"\x80\x04", b"\x80\x04 and nothing of it", b"\x80\x09.", numbers.getvalue(), texts.getvalue()):
        assert pickles("some.file", content) == []


def archive(**members: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return file.getvalue()
