"""A pickle is read in a process that has nothing to reach: each of these would do harm in ours."""

from __future__ import annotations

import logging
import os
import pickle
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from slipway.drafting import pickles
from slipway.drafting.pickles import answers_of, as_skops
from slipway.errors import AdoptedModelError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="namespaces and Landlock are Linux's")


# whichever number the file of its answers has
ENDLESS = """
import errno, os
for place in range(3, 20):
    try:
        while not os.path.samestat(os.fstat(place), os.stat("/dev/null")):
            os.write(place, b"x" * 9999)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise
"""


class Harmful:
    """What runs code when it is read."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return exec, (self.code,)


def read(code: str) -> str:
    """Return what came of reading a pickle that runs this."""
    with pytest.raises(AdoptedModelError) as refused:
        as_skops("models:/harmful/1", pickle.dumps(Harmful(code)))
    return str(refused.value)


@pytest.fixture(autouse=True)
def kept_apart(caplog: pytest.LogCaptureFixture) -> None:
    """Skip where this machine has not what keeps a pickle apart, which is logged."""
    with caplog.at_level(logging.WARNING, "slipway"):
        assert "it ended with 3" in read("raise SystemExit(3)")
    if "this machine cannot keep its pickle from" in caplog.text:
        pytest.skip(caplog.messages[-1])


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("open('/etc/passwd').read()", "PermissionError"),
        ("import os; os.listdir('/etc')", "PermissionError"),
        ("open('FOLDER/written', 'w').write('x')", "PermissionError"),
        ("open('FOLDER/secret').read()", "PermissionError"),
        ("import os; os.environ['SLIPWAY_HOME']", "KeyError"),
        ("import subprocess; subprocess.run(['/bin/echo', 'hello'], check=True)", "PermissionError"),
        ("import os; assert os.system('touch FOLDER/touched') == 0", "AssertionError"),
        ("import socket; socket.create_connection(('127.0.0.1', PORT), 5)", "Network is unreachable"),
        ("import os; os.kill(PID, 15)", "ProcessLookupError"),
        ("import nowhere", "No module named 'nowhere'"),
    ],
)
def test_it_reaches_nothing(code: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path))
    (tmp_path / "secret").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        said = read(code.replace("FOLDER", str(tmp_path)).replace("PORT", str(port)).replace("PID", str(os.getpid())))

    assert error in said
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_one_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "SECONDS", 1.5)
    began = time.monotonic()

    said = read("while True: pass")

    assert "was not read after 2 s, so the process was ended" in said
    assert time.monotonic() - began < 10


def test_what_it_prints_is_no_answer() -> None:
    assert "it ended with 4" in read("print('x' * 100); raise SystemExit(4)")


def test_it_can_fill_neither_the_disk_nor_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "LARGEST", 1 << 16)

    assert "File too large" in read(ENDLESS)
    assert "MemoryError" in read("[bytearray(1 << 30) for part in range(64)]")


def test_a_model_comes_out_as_it_was() -> None:
    rows = pd.DataFrame(np.random.default_rng(1).normal(size=(50, 2)), columns=["age", "dose"])
    model = LogisticRegression().fit(rows, rows["age"] > 0)
    pickled = pickle.dumps(model)

    assert as_skops("models:/good/1", pickled).startswith(b"PK")
    assert (answers_of("models:/good/1", pickled, rows) == model.predict_proba(rows)).all()
