"""How fast a file of rows is scored, and with how much memory, compared with pandas and MLflow's model.

    python benchmarks/score.py [--rows 1_000_000] [--model heart-failure] [--json]

For example: python benchmarks/score.py --rows 10_000_000

The model is trained on sample rows in a temporary folder, registered and installed. Then the same CSV, drawn from the same statistics,
is scored by each side in a process of its own. The bundle, as in `slipway score`, checks every row against the contract and writes
probabilities too. `pandas.read_csv` and `mlflow.pyfunc`, as in `mlflow models predict`, write labels only; they get the file as a whole
and in chunks. Seconds and processor seconds are from the file to the written file, without the start of Python and its imports; on a
busy machine processor seconds are the more reliable figure. Memory is the process's peak, imports included. All labels must agree.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from slipway.catalogue import lookup
from slipway.data import samples
from slipway.scoring import running
from slipway.scoring.job import CHUNK, job
from slipway.scoring.workspace import workspace
from slipway.settings import Settings

BLOCK = 10_000  # rows written at a time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the file (1,000,000)")
    parser.add_argument("--model", default="heart-failure", help="a model of the catalogue (heart-failure)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        print(json.dumps(SIDES[asked.side](asked.model, asked.folder, asked.address) | {"peak_mb": _peak()}))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = _measured(asked.model, asked.rows, Path(folder))
    print(json.dumps(found, indent=1) if asked.json else _table(found, asked.rows))


def _measured(model: str, rows: int, folder: Path) -> list[dict[str, Any]]:
    from serving_parts.models import release  # imports all that training needs, so not at the top: the sides are measured without it

    settings = Settings(home=folder / "home")
    released = release(model, settings, lookup(model).port)
    _write_rows(model, rows, folder / "rows.csv")
    found = []
    for side in SIDES:
        command = [sys.executable, __file__, "--side", side, "--model", model, "--folder", str(folder), "--address", released.address]
        took = json.loads(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout)
        found.append({"side": side, "rows_per_second": rows / took["seconds"], **took})
    _require_same_labels(folder)
    return found


def _write_rows(model: str, rows: int, path: Path) -> None:
    spec = lookup(model)
    drawn = samples.draw(spec, samples.statistics(spec))[spec.columns.names]
    block = drawn.sample(BLOCK, replace=True, random_state=1).to_csv(index=False).partition("\n")
    with path.open("w") as file:
        file.write(block[0] + "\n")
        for _ in range(rows // BLOCK):
            file.write(block[2])
        file.writelines(islice(block[2].splitlines(keepends=True), rows % BLOCK))


def _slipway(model: str, folder: Path, _: str) -> dict[str, float]:
    settings, spec = Settings(home=folder / "home"), lookup(model)
    asked = job(model, str(folder / "rows.csv"), folder / "slipway.csv")
    with workspace(asked, settings) as place, _timed() as took:
        running.score(spec, asked, folder / "rows.csv", place, settings, lambda _: None)
    return took


def _whole(_: str, folder: Path, address: str) -> dict[str, float]:
    return _by_pandas(folder, address, folder / "whole.csv", None)


def _by_chunks(_: str, folder: Path, address: str) -> dict[str, float]:
    return _by_pandas(folder, address, folder / "chunks.csv", CHUNK)


def _by_pandas(folder: Path, address: str, out: Path, chunk: int | None) -> dict[str, float]:
    import mlflow
    import pandas as pd

    from slipway.tracking.connection import connect

    connect(Settings(home=folder / "home"))
    model = mlflow.pyfunc.load_model(address)
    with _timed() as took:
        frames = pd.read_csv(folder / "rows.csv", chunksize=chunk) if chunk else [pd.read_csv(folder / "rows.csv")]
        for number, frame in enumerate(frames):
            pd.DataFrame({"label": model.predict(frame)}).to_csv(out, index=False, header=not number, mode="a")
    return took


def _peak() -> float:
    """Return the peak memory of this process in MB. `getrusage` would include the parent's memory at the start of the process."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e3


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Yield a mapping that has the seconds and the processor seconds at the end."""
    took: dict[str, float] = {}
    started, worked = time.perf_counter(), time.process_time()
    yield took
    took |= {"seconds": time.perf_counter() - started, "processor": time.process_time() - worked}


def _require_same_labels(folder: Path) -> None:
    import pyarrow.csv

    labels = [pyarrow.csv.read_csv(folder / f"{name}.csv").column("label") for name in ("slipway", "whole", "chunks")]
    if not all(each.equals(labels[0]) for each in labels):
        raise SystemExit("the sides do not say the same labels")


def _table(found: list[dict[str, Any]], rows: int) -> str:
    lines = [f"{rows:,} rows\n", "| | seconds | of the processor | rows a second | peak memory, MB |", "|---|---|---|---|---|"]
    lines += [
        f"| {one['side']} | {one['seconds']:.1f} | {one['processor']:.1f} | {one['rows_per_second']:,.0f} | {one['peak_mb']:.0f} |"
        for one in found
    ]
    return "\n".join(lines)


SIDES: dict[str, Callable[[str, Path, str], dict[str, float]]] = {
    "slipway, by the bundle": _slipway,
    "pandas and mlflow.pyfunc, whole": _whole,
    "pandas and mlflow.pyfunc, by chunks": _by_chunks,
}


if __name__ == "__main__":
    main()
