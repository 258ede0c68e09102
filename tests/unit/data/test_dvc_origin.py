"""Rows that DVC tracks: a real Git repository, real storage beside it, and the rows of a revision."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from slipway.data.fetching import fetch
from slipway.errors import DatasetChangedError, DatasetNotFoundError, MissingExtraError, OriginUnreachableError
from slipway.spec import ModelSpec

V1 = b"size,weight,colour,wanted,id\n10,1.5,red,0,a\n20,2.5,blue,1,b\n"
V2 = V1 + b"30,3.5,blue,1,c\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Project:
    """A Git repository in which DVC tracks `data/toy.csv`; the rows are in the storage, and nowhere else."""

    path: Path
    storage: Path

    def store(self, content: bytes) -> None:
        """Track a version of the rows, and move them into the storage."""
        from dvc.repo import Repo

        (self.path / "data").mkdir(exist_ok=True)
        (self.path / "data" / "toy.csv").write_bytes(content)
        repo = Repo(str(self.path))
        repo.add(str(self.path / "data" / "toy.csv"))
        repo.push()
        repo.close()
        shutil.rmtree(self.path / ".dvc" / "cache")

    def commit(self, tag: str, storage: str) -> None:
        """Tag the tracked version, with the storage that the repository names."""
        self.configure(storage)
        git(self.path, "add", "--all")
        git(self.path, "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message", tag)
        git(self.path, "tag", tag)

    def configure(self, storage: str) -> None:
        (self.path / ".dvc" / "config").write_text(f"[core]\n    remote = store\n['remote \"store\"']\n    url = {storage}\n")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module", autouse=True)
def quiet_dvc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep DVC from reporting its use, and from the configuration and the caches of the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_NO_ANALYTICS", "true")
        for name in ("DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR"):
            patch.setenv(name, str(tmp_path_factory.mktemp("dvc")))
        yield


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, quiet_dvc: None) -> Project:
    from dvc.repo import Repo

    made = Project(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("storage"))
    git(made.path, "init", "--quiet", "--initial-branch=main")
    Repo.init(str(made.path)).close()
    made.configure(str(made.storage))
    made.store(V1)
    made.commit("v1", str(made.storage))
    made.commit("dead", "http://127.0.0.1:1/store")
    made.commit("foreign", "gs://bucket/store")
    made.commit("lost", str(made.storage / "empty"))
    made.configure(str(made.storage))
    made.store(V2)
    made.commit("v2", str(made.storage))
    return made


@pytest.fixture(scope="module")
def bare(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as on a server, without a working tree."""
    path = tmp_path_factory.mktemp("server") / "data.git"
    git(path.parent, "clone", "--quiet", "--bare", str(project.path), path.name)
    git(path, "update-server-info")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


def tracked(toy: ModelSpec, origin: str, content: bytes = V1) -> ModelSpec:
    return replace(toy, dataset=replace(toy.dataset, origin=origin, sha256=sha256(content)))


@pytest.mark.parametrize(("revision", "content"), [("v1", V1), ("v2", V2)], ids=["v1", "v2"])
def test_the_rows_are_those_of_the_revision(toy: ModelSpec, project: Project, folder: Path, revision: str, content: bytes) -> None:
    origin = f"dvc+file://{project.path}@{revision}#data/toy.csv"

    snapshot = fetch(tracked(toy, origin, content), None, folder)

    assert snapshot.path.read_bytes() == content
    assert (snapshot.sha256, snapshot.origin, snapshot.sample) == (sha256(content), origin, False)


def test_rows_come_from_a_server_and_no_clone_stays_behind(
    toy: ModelSpec, bare: Path, website: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(bare, website.folder / "data.git")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    snapshot = fetch(tracked(toy, f"dvc+{website.url}/data.git@v1#data/toy.csv"), None, folder)

    assert snapshot.path.read_bytes() == V1
    assert website.hits > 0
    assert not list((tmp_path / "temporary").iterdir())


def test_a_repository_as_mirror_replaces_the_origin(toy: ModelSpec, bare: Path, dead_url: str, folder: Path) -> None:
    mirror = f"dvc+file://{bare}@v1#data"

    assert fetch(tracked(toy, f"{dead_url}/toy.csv"), mirror, folder).origin == f"{mirror}/toy.csv"


def test_a_revision_with_other_rows_has_changed(toy: ModelSpec, project: Project, folder: Path) -> None:
    with pytest.raises(DatasetChangedError, match=f"has changed.*\n.*{sha256(V1)}.*{sha256(V2)}"):
        fetch(tracked(toy, f"dvc+file://{project.path}@v2#data/toy.csv", V1), None, folder)

    assert not folder.exists()


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("@v9#data/toy.csv", "v9"),
        ("@v1#data/other.csv", "other.csv"),
        ("@v1#data", "directory"),
        ("-elsewhere@v1#data/toy.csv", "elsewhere"),
        ("@lost#data/toy.csv", "toy.csv"),
    ],
)
def test_what_the_repository_or_its_storage_lacks_is_not_found(toy: ModelSpec, bare: Path, folder: Path, rest: str, reason: str) -> None:
    origin = f"dvc+file://{bare}{rest}"

    with pytest.raises(DatasetNotFoundError, match=f"(?s)toy: {re.escape(origin)} cannot be read .*{reason}.*SLIPWAY_MIRROR"):
        fetch(tracked(toy, origin), None, folder)


def test_a_repository_that_a_server_does_not_have_is_not_found(toy: ModelSpec, website: Any, folder: Path) -> None:
    with pytest.raises(DatasetNotFoundError, match="cannot be read"):
        fetch(tracked(toy, f"dvc+{website.url}/data.git@v1#data/toy.csv"), None, folder)


def test_a_repository_that_does_not_answer_is_unreachable(toy: ModelSpec, dead_url: str, folder: Path) -> None:
    with pytest.raises(OriginUnreachableError, match=f"toy: dvc.{dead_url}/data.git@v1#data/toy.csv cannot be reached"):
        fetch(tracked(toy, f"dvc+{dead_url}/data.git@v1#data/toy.csv"), None, folder)


def test_a_repository_whose_server_fails_is_unreachable(toy: ModelSpec, website: Any, folder: Path) -> None:
    website.status = 503

    with pytest.raises(OriginUnreachableError, match="503"):
        fetch(tracked(toy, f"dvc+{website.url}/data.git@v1#data/toy.csv"), None, folder)


def test_a_storage_that_does_not_answer_is_unreachable(toy: ModelSpec, bare: Path, folder: Path) -> None:
    with pytest.raises(OriginUnreachableError, match="cannot be reached"):
        fetch(tracked(toy, f"dvc+file://{bare}@dead#data/toy.csv"), None, folder)


def test_an_error_names_the_part_of_dvc_that_a_storage_needs(toy: ModelSpec, bare: Path, folder: Path) -> None:
    with pytest.raises(MissingExtraError, match="gs is supported, but requires 'dvc-gs' to be installed"):
        fetch(tracked(toy, f"dvc+file://{bare}@foreign#data/toy.csv"), None, folder)


def test_an_error_about_a_missing_extra_says_how_to_install_it(
    toy: ModelSpec, project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dvc", None)  # how Python itself marks a package that cannot be imported

    with pytest.raises(MissingExtraError, match=r"is read with dvc, which is not installed.*pip install 'slipway\[dvc\]'"):
        fetch(tracked(toy, f"dvc+file://{project.path}@v1#data/toy.csv"), None, folder)
