"""The index answers for the model files, as long as everything it was made from is as it was."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slipway import models
from slipway.catalogue import catalogue, index, listings
from slipway.catalogue.index import Listing
from slipway.spec import ModelSpec

SHARED = "DEPTH = 3\n"
CLINIC = """
from dataclasses import replace
from lightgbm import LEAVES
from slipway.models._clinic_shared import DEPTH
from slipway.models.heart_failure import MODEL as HEART

MODEL = replace(HEART, name="clinic", registered_as="clinic", port=8990 + DEPTH)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A second folder of models with one file, which imports a file beside it and a library of its own; forgotten after the test."""
    (library := tmp_path / "site" / "lightgbm").mkdir(parents=True)
    (library / "__init__.py").write_text("LEAVES = 4\n")
    (folder := tmp_path / "models").mkdir()
    (folder / "_clinic_shared.py").write_text(SHARED)
    (folder / "clinic.py").write_text(CLINIC)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "lightgbm"]:
        monkeypatch.delitem(sys.modules, name)  # the real one, which another test has imported
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(folder)])
    before = set(sys.modules)
    catalogue.cache_clear()
    yield folder
    catalogue.cache_clear()
    for name in set(sys.modules) - before:
        if name == "lightgbm" or "clinic" in name:
            del sys.modules[name]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "catalogue.json"


def make_index(*files: Path) -> list[Listing]:
    specs = catalogue()
    made = [Listing.of(spec) for spec in specs.values()]
    index.write(files, made, time.time_ns() + 2 * index.CLOCK)  # as if every file had been written a while ago
    return made


def test_the_index_says_what_the_files_say(folder: Path, file: Path) -> None:
    made = make_index(file)

    assert index.read(file) == made
    assert [listing.port for listing in made if listing.name == "clinic"] == [8993]


def same_length_and_time(file: Path, text: str) -> None:
    """Change a file so that neither its length nor its time gives that away."""
    before = file.stat()
    assert len(text) == before.st_size
    file.write_text(text)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_model_file_that_changed_by_one_byte_is_noticed(folder: Path, file: Path) -> None:
    make_index(file)

    same_length_and_time(folder / "clinic.py", CLINIC.replace("8990", "8890"))

    assert index.read(file) is None


def test_what_a_model_file_imports_from_beside_it_is_noticed(folder: Path, file: Path) -> None:
    make_index(file)

    same_length_and_time(folder / "_clinic_shared.py", SHARED.replace("3", "4"))

    assert index.read(file) is None


def test_a_further_file_is_noticed_and_so_is_one_that_is_gone(folder: Path, file: Path) -> None:
    make_index(file)
    (folder / "second.py").write_text("")

    assert index.read(file) is None

    (folder / "second.py").unlink()
    assert index.read(file) is not None
    (folder / "clinic.py").unlink()
    assert index.read(file) is None


def test_another_version_of_a_library_is_noticed(folder: Path, file: Path) -> None:
    make_index(file)

    (folder.parent / "site" / "lightgbm" / "__init__.py").write_text("LEAVES = 5  # since 2.0\n")

    assert index.read(file) is None


def test_a_library_that_would_be_imported_from_elsewhere_is_noticed(
    folder: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_index(file)
    (other := tmp_path / "other" / "lightgbm").mkdir(parents=True)
    (other / "__init__.py").write_text("LEAVES = 4\n")
    del sys.modules["lightgbm"]  # as in the next process
    monkeypatch.syspath_prepend(str(tmp_path / "other"))

    assert index.read(file) is None


@pytest.mark.parametrize("content", [b"", b"{}", b'{"modules": [], "fingerprint": "", "listings": []}'])
def test_a_damaged_index_is_none(folder: Path, file: Path, content: bytes) -> None:
    make_index(file)
    file.write_bytes(content)

    assert index.read(file) is None


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "from pathlib import Path",
        "import sklearn, random",
        "from slipway.settings import Settings",
        "from slipway import settings",
        "from sklearn.datasets import load_iris",
        "TEXT = open(__file__).read()",
        "if False:\n    import time",
    ],
)
def test_a_model_file_that_may_read_anything_else_is_never_indexed(folder: Path, file: Path, line: str) -> None:
    with (folder / "clinic.py").open("a") as source:
        source.write(f"{line}\n")

    make_index(file)

    assert not file.exists()


def test_a_file_that_changed_while_it_was_executed_is_not_indexed(folder: Path, file: Path) -> None:
    began = time.time_ns()
    (folder / "clinic.py").write_text(CLINIC)

    index.write([file], [Listing.of(spec) for spec in catalogue().values()], began)

    assert not file.exists()


def test_the_second_place_takes_the_index_where_the_first_does_not(folder: Path, file: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()  # a file where the folder would be: refused also for root, whom no mode stops

    make_index(tmp_path / "taken" / "catalogue.json", file)

    assert index.read(tmp_path / "taken" / "catalogue.json") is None
    assert index.read(file) is not None


def test_a_home_folder_that_is_not_there_is_not_made_and_one_that_cannot_be_written_to_has_no_index(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    make_index(index.places(tmp_path / "nowhere")[1], tmp_path / "taken" / "catalogue.json")

    assert not (tmp_path / "nowhere").exists()


def test_listings_are_those_of_the_executed_files_where_there_are_any(toy: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue(), toy.name, replace(toy, description="Changed since."))

    assert listings().lookup(toy.name).description == "Changed since."
    assert toy.name in listings().services()


def test_with_an_index_the_models_are_listed_without_executing_them(folder: Path, tmp_path: Path) -> None:
    file = index.places(tmp_path)[1]
    make_index(file)
    code = "import sys; from slipway.catalogue import listings; print(*listings()); print(*{'sklearn', 'optuna'} & {*sys.modules})"
    environment = os.environ | {"SLIPWAY_HOME": str(tmp_path), "SLIPWAY_MODELS": str(folder), "PYTHONPATH": str(folder.parent / "site")}

    asked = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)

    assert asked.stdout.splitlines() == [" ".join(sorted(catalogue())), ""], asked.stderr
