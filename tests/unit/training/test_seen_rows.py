"""A row is recognised by its values, in any type, order or process; and a run keeps the rows that its model has learnt from."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from slipway.records import Snapshot, Tuned
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking import registry
from slipway.tracking.connection import connect
from slipway.tracking.registration import register
from slipway.training import seen_rows
from slipway.training.splitting import Rows

TOYS = pd.DataFrame({"size": [40, 41, 0], "weight": [1.5, 0.0, 2.0], "colour": ["red", "blue", "red"]})


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(TOYS.astype({"size": "float64"}), id="whole numbers as floats"),
        pytest.param(TOYS.astype({"size": "int8", "weight": "float32"}), id="in less space"),
        pytest.param(TOYS.astype({"size": "Int64", "weight": "Float64"}), id="as pandas' own numbers"),
        pytest.param(TOYS.assign(weight=[1.5, -0.0, 2.0]), id="a zero below zero"),
        pytest.param(TOYS.astype({"colour": "object"}), id="texts as objects"),
        pytest.param(TOYS.astype({"colour": "category"}), id="texts as categories"),
        pytest.param(TOYS.set_index(pd.Index([7, 8, 9])), id="under another index"),
    ],
)
def test_a_row_has_the_same_hash_in_any_type(same: pd.DataFrame) -> None:
    assert seen_rows.hashes(same).tolist() == seen_rows.hashes(TOYS).tolist()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(TOYS.assign(size=[42, 43, 44]), id="another number"),
        pytest.param(TOYS.assign(weight=np.nextafter(TOYS["weight"], 9)), id="the next number there is"),
        pytest.param(TOYS.assign(colour=["blue", "red", "blue"]), id="another category"),
        pytest.param(TOYS.assign(size=["40", "41", "0"]), id="a text that looks like the number"),
        pytest.param(TOYS[["weight", "size", "colour"]], id="another order of the columns"),
    ],
)
def test_a_row_with_another_value_has_another_hash(other: pd.DataFrame) -> None:
    assert not seen_rows.seen(other, seen_rows.learnt(TOYS)).any()


def test_cells_do_not_run_into_each_other() -> None:
    rows = pd.DataFrame({"one": ["a", "a,b", 'a"'], "two": ["b,c", "c", ',"b']})

    assert len(set(seen_rows.hashes(rows).tolist())) == 3


@pytest.mark.slow
def test_another_process_finds_the_same_hashes() -> None:
    asked = (
        "import pandas as pd; from slipway.training.seen_rows import hashes; print(hashes(pd.DataFrame({'a': [1], 'b': ['é']})).tolist())"
    )

    printed = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout

    # BLAKE2b with a digest of 8 bytes of '[1.0, "\\u00e9"]', read as a little-endian number
    assert printed.strip() == str(seen_rows.hashes(pd.DataFrame({"a": [1], "b": ["é"]})).tolist()) == "[7914670062751854837]"


def test_rows_are_recognised_in_any_order_and_among_repetitions() -> None:
    learnt = seen_rows.learnt(pd.concat([TOYS, TOYS]).sample(frac=1, random_state=1))

    assert len(learnt) == 3
    assert (np.diff(learnt.astype(object)) > 0).all()
    new = pd.DataFrame({"size": [0, 40, 5], "weight": [2.0, 1.5, 1.5], "colour": ["red", "red", "red"]})
    assert seen_rows.seen(new, learnt).tolist() == [True, True, False]


def test_hashes_are_written_and_read_again(tmp_path: Path) -> None:
    seen_rows.write(TOYS, tmp_path / "rows.npy")

    assert seen_rows.read(tmp_path / "rows.npy").tolist() == seen_rows.learnt(TOYS).tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.array([{"a": 1}], dtype=object), "allow_pickle"),
        (np.array([1.0]), "rows.npy does not contain a list of hashes"),
        (np.array([[1]], dtype=np.uint64), "rows.npy does not contain a list of hashes"),
        (b"", "magic string"),
        (b"PK\x03\x04 an archive", "magic string"),
    ],
)
def test_a_file_with_other_content_is_refused(tmp_path: Path, content: np.ndarray | bytes, message: str) -> None:
    path = tmp_path / "rows.npy"
    path.write_bytes(content) if isinstance(content, bytes) else np.save(path, content, allow_pickle=True)

    with pytest.raises(ValueError, match=message):
        seen_rows.read(path)


# in MLflow


@dataclass(frozen=True)
class Run:
    """The run of a dry release of heart-failure."""

    client: MlflowClient
    run_id: str


@pytest.fixture
def run(
    settings: Settings, with_mlflow: Callable[[Path], Path], heart: ModelSpec, snapshot: Snapshot, rows: Rows, tuned: Tuned
) -> Iterator[Run]:
    with_mlflow(settings.home)
    candidate = register(heart, snapshot, rows, tuned, settings, dry_run=True)
    yield Run(connect(settings), candidate.run_id)
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)


@pytest.mark.slow
def test_a_run_keeps_which_rows_were_learnt_and_its_bundle_does_not(run: Run, rows: Rows, caplog: pytest.LogCaptureFixture) -> None:
    kept = registry.training_rows(run.client, run.run_id)

    assert kept is not None
    assert seen_rows.seen(rows.train, kept).all()
    repeats = rows.test.merge(rows.train.drop_duplicates(), how="inner")  # a test row that repeats a training row was learnt, too
    assert seen_rows.seen(rows.test, kept).sum() == len(repeats)
    with registry.downloaded_bundle(run.client, run.run_id) as bundle:
        assert seen_rows.FILE not in {path.name for path in bundle.folder.iterdir()}

    # a file that was damaged since is logged, and its hashes count as not kept
    (stored,) = Path(run.client.get_run(run.run_id).info.artifact_uri.removeprefix("file://")).rglob(seen_rows.FILE)
    stored.write_bytes(b"damaged")
    with caplog.at_level(logging.WARNING):
        assert registry.training_rows(run.client, run.run_id) is None
    assert f"run {run.run_id}: the hashes of its training rows cannot be read" in caplog.text

    # as in the run of an older version
    stored.unlink()
    assert registry.training_rows(run.client, run.run_id) is None
