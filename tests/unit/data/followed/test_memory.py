"""A large result is written in parts: ten times the rows do not need ten times the memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# takes the rows of a query and prints the most memory that the process used, in MB
TAKE = """
import resource, sys
from pathlib import Path

from slipway.data.followed import folders, queries
from slipway.files.addresses import NO_LOGIN
from slipway.spec import FollowedDataset, Query

kind, origin, folder = sys.argv[1:]
to = Path(folder) / "rows.parquet"
if kind == "query":
    query = Query("WITH RECURSIVE toys(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM toys WHERE number < " + origin + ")"
                  " SELECT number, number % 100 AS size, 'a text of some length ' || number AS note, number % 2 AS wanted FROM toys")
    dataset = FollowedDataset(origin="sql+sqlite:///" + folder + "/toys.db", file="toys.parquet", table=query)
    queries.take("toys", dataset, dataset.origin, NO_LOGIN, to, None)
else:
    folders.take("toys", Path(origin), to)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def megabytes(*arguments: str) -> int:
    ran = subprocess.run([sys.executable, "-c", TAKE, *arguments], capture_output=True, text=True, check=True, timeout=200)
    return int(ran.stdout)


def test_a_query_of_ten_times_the_rows_needs_about_the_same_memory(tmp_path: Path) -> None:
    import sqlite3

    sqlite3.connect(tmp_path / "toys.db").close()
    few = megabytes("query", "20000", str(tmp_path))
    many = megabytes("query", "200000", str(tmp_path))

    # a row is four objects of Python, 300 bytes at least: 180,000 of them are 54 MB
    assert many - few < 25, (few, many)


def test_a_folder_of_ten_times_the_rows_needs_about_the_same_memory(tmp_path: Path) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet

    folders = [tmp_path / "few", tmp_path / "many"]
    draw = np.random.default_rng(0)
    for folder, files in zip(folders, (1, 10), strict=True):
        for number in range(files):
            (folder / f"part={number}").mkdir(parents=True)
            columns = {f"column_{place}": draw.random(200_000) for place in range(10)}  # 16 MB
            pa.parquet.write_table(pa.table(columns), folder / f"part={number}" / "rows.parquet", row_group_size=50_000)
    few, many = (megabytes("folder", str(folder), str(tmp_path)) for folder in folders)

    assert many - few < 60, (few, many)  # of the 144 MB that are more
