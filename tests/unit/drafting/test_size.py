"""A large table is drafted and validated in memory that grows with it by a small factor, and no library warns on the screen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.slow

ROWS, NUMBERS = 100_000, 17
MOST = 4.0  # times the file
# what is imported, and what is needed for any table, is there before the large one is measured
PROGRAM = """
import json, resource, sys, time
from pathlib import Path
from slipway.data import fetching, typed_rows
from slipway.drafting.code import code
from slipway.drafting.drafting import draft, executed

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_000

def both(name):
    spec = executed(code(draft(name, str(folder / f"{name}.csv"), "wanted")), name)
    began = time.process_time()
    rows = typed_rows.read(spec, fetching.fetch(spec, None, folder / "snapshots"))
    return len(rows), (time.process_time() - began) / (rows.size / 1e6)

folder = Path(sys.argv[1])
both("small")
before = peak()
rows, seconds = both("large")
print(json.dumps({"rows": rows, "bytes": peak() - before, "seconds": seconds}))
"""


def write(path: Path, rows: int) -> None:
    random = np.random.default_rng(1)
    numbers = random.normal(50, 20, (rows, NUMBERS)).round(3)
    table = pd.DataFrame(numbers, columns=[f"number_{place:02}" for place in range(NUMBERS)])
    table["number_00"] = table["number_00"].where(random.random(rows) > 0.1)
    table["kind"] = random.choice(["north", "south", "east", "west"], rows)
    table.assign(wanted=(numbers[:, 1] + random.normal(0, 20, rows) > 50).astype(int)).to_csv(path, index=False)


def test_memory_time_and_warnings_of_a_large_table_are_bounded(tmp_path: Path):
    write(tmp_path / "small.csv", 25_000)  # of more rows, the floor takes as many as of these
    write(tmp_path / "large.csv", ROWS)

    ran = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path], capture_output=True, text=True)

    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert "Warning" not in ran.stderr
    assert found["rows"] == ROWS
    assert found["bytes"] < MOST * (tmp_path / "large.csv").stat().st_size
    assert found["seconds"] < 2  # of one core, a million cells
