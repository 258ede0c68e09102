"""Files are replaced completely, or not at all."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.files.replacing import replace, replacing


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def write_half(path: Path) -> None:
    with replacing(path) as file:
        file.write(b"half of the n")
        raise KeyboardInterrupt


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(("private", "expected"), [(True, 0o600), (False, 0o640)])
def test_only_the_owner_can_read_a_private_file_and_others_follow_the_umask(tmp_path: Path, private: bool, expected: int) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").chmod(0o666)  # the rights of what was there do not stay

    replace(tmp_path / "file", b"new", private=private, durable=True)

    assert (tmp_path / "file").read_bytes() == b"new"
    assert rights(tmp_path / "file") == expected


def test_a_block_that_fails_leaves_the_old_content_and_nothing_beside_it(tmp_path: Path) -> None:
    replace(tmp_path / "file", b"old")

    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_missing_folder_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        replace(tmp_path / "nowhere" / "file", b"new")


def test_a_process_killed_while_it_writes_leaves_the_old_content(tmp_path: Path) -> None:
    replace(tmp_path / "file", b"old")
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from slipway.files.replacing import replacing\n"
        "with replacing(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half of the n')\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path / "file")])

    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "file").read_bytes() == b"old"
    left = [name for name in os.listdir(tmp_path) if name != "file"]
    assert [name.startswith(".file.") and name.endswith(".tmp") for name in left] == [True]  # a backup leaves out what ends so
