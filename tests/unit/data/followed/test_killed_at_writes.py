"""A command that takes followed rows, killed at each of its writes: the last snapshot stays, and the next run goes on as if nothing was.

The cases are generated: the command is started again and again, and killed at its first write, its second, and so on, until it ends.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from slipway.data import manifests, snapshots
from slipway.files.checksums import checksum
from tests.support.processes import started_command
from tests.support.writes import KilledAt

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FILE = """
from sklearn.linear_model import LogisticRegression

from slipway.spec import Category, Columns, FollowedDataset, Gate, ModelSpec, Numeric, Query, Split, Target

MODEL = ModelSpec(
    name="toys", registered_as="toys", description="Whether a toy is wanted.",
    dataset=FollowedDataset(origin={origin!r}, file="toys.parquet", table=Query("SELECT * FROM toys"), grows_by="number"),
    columns=Columns(
        features={{"size": Numeric(0, 100, "cm", "Size"), "colour": Category(("red", "blue"), "Colour")}},
        target=Target("wanted", {{0: "left", 1: "wanted"}}, positive=1), excluded={{"number": "counts"}},
    ),
    split=Split(test=0.25, seed=1, stratify=True), estimator=LogisticRegression(), search_space={{}}, metric="accuracy", gate=Gate(0.5),
    port=8998,
)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a first snapshot of a query that has grown since, and the model's file."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "toys.py").write_text(FILE.format(origin=f"sql+sqlite:///{tmp_path / 'toys.db'}"))
    monkeypatch.setenv("SLIPWAY_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path / "home"))
    grow(tmp_path, 0, 40)
    assert take() == 0
    grow(tmp_path, 40, 60)
    return tmp_path / "home"


def grow(folder: Path, first: int, last: int) -> None:
    with closing(sqlite3.connect(folder / "toys.db")) as database:
        database.execute("CREATE TABLE IF NOT EXISTS toys (number integer, size integer, colour text, wanted integer)")
        rows = [(number, number % 7, ("red", "blue")[number % 2], number // 2 % 2) for number in range(first, last)]
        database.executemany("INSERT INTO toys VALUES (?, ?, ?, ?)", rows)
        database.commit()


def take(killed_at: KilledAt | None = None) -> int | None:
    """Take the rows, as every command does that reads them; in a process of its own, whose catalogue has the model."""
    process = started_command("samples", "toys", killed_at=killed_at)
    process.join(120)
    return process.exitcode


def states(folder: Path) -> dict[int, bool]:
    """The snapshots by their number of rows, and whether each is whole."""
    found = snapshots.files(folder, "toys")
    return {
        (manifest.rows if (manifest := manifests.read(file.path)) else 0): checksum(file.path).startswith(file.digits) for file in found
    }


def test_killed_at_any_write_it_leaves_the_last_snapshot_and_goes_on_when_it_is_started_again(home: Path, tmp_path: Path) -> None:
    at, before = 0, tmp_path / "before"
    shutil.copytree(home, before)
    assert states(home / "snapshots") == {40: True}

    for at in range(1, 60):
        shutil.rmtree(home)
        shutil.copytree(before, home)
        ended = take(KilledAt(at, home, tmp_path / "journal", 0))
        left = states(home / "snapshots")
        assert left[40], (at, left)
        assert all(left.values()), (at, left)  # no name of a snapshot with anything else
        if ended == 0:
            break
        assert ended == -signal.SIGKILL, (at, (tmp_path / "journal").read_text())

        assert take() == 0, at
        assert states(home / "snapshots") == {40: True, 60: True}, at
    assert at > 8, (tmp_path / "journal").read_text()
    assert states(home / "snapshots") == {40: True, 60: True}
