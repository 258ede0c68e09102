"""A process that has loaded a bundle keeps the bundle in memory, but nothing that it needed to read it."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# In its own process, because a heap depends on everything done before. The freed memory lies below something that is still in
# use, as after reading a large graph, and glibc returns it only on request.
LOAD = """
import sys
from pathlib import Path
import numpy as np, psutil
from slipway.bundle.store.active import Pointer
from slipway.bundle.deployment import load
def held():
    return psutil.Process().memory_info().rss / 1e6
folder = Path(sys.argv[1])
read = [np.ones(1_000) for _ in range(20_000)]
kept = read[-1]
before = held()
read.clear()
load(folder, "heart-failure", Pointer(folder.name, 1, "some"), 1)
print(before - held())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries return memory by themselves, or cannot do it on request")
def test_memory_that_reading_needed_is_returned(write_bundle, tmp_path):
    write_bundle(tmp_path / "bundle")

    freed = subprocess.run([sys.executable, "-c", LOAD, str(tmp_path / "bundle")], capture_output=True, text=True, check=True)

    assert float(freed.stdout) > 100  # of 160 MB
