"""What commands cost before they do anything: CPU seconds, seconds until the first line, and modules loaded.

python benchmarks/commands.py [--python OTHER/.venv/bin/python] [--runs 5]

Each command runs in a process of its own, in a temporary home folder where nothing was released; medians of the runs. With --python it
measures the Slipway of another folder, such as that of an earlier commit. `release` and `rollback` are given the name of no model. The
first run of all is not counted: it writes the index of the catalogue.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMANDS = (
    "--help",
    "--version",
    "release --help",
    "models",
    "history",
    "status",
    "approvals",
    "watch heart-failure --show",
    "users list",
    "keys list",
    "audit show",
    "outcomes heart-failure --history 0-0",
    "certs",
    "release no-model",
    "rollback no-model --because benchmark",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="the Python of the Slipway to measure")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        measured(given.python, ["models"], home)
        print("command\tCPU seconds\tseconds to the first line\tmodules")
        for command in COMMANDS:
            runs = [measured(given.python, command.split(), home) for _ in range(given.runs)]
            cpu, first = (statistics.median(run[place] for run in runs) for place in (0, 1))
            print(f"{command}\t{cpu:.2f}\t{first:.2f}\t{modules(given.python, command.split(), home)}", flush=True)


def measured(python: Path, arguments: list[str], home: str) -> tuple[float, float]:
    """Return the CPU seconds of a command, and the seconds until it printed its first line, to either output."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with subprocess.Popen(
        [python, "-m", "deployments.cli", *arguments],
        cwd=home,
        env=environment(python, home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        process.stdout.readline()
        first = time.monotonic() - began
        process.stdout.read()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, first


def modules(python: Path, arguments: list[str], home: str) -> int:
    """Return how many modules a command imports."""
    ran = subprocess.run(
        [python, "-X", "importtime", "-m", "deployments.cli", *arguments],
        cwd=home,
        env=environment(python, home),
        capture_output=True,
        text=True,
    )
    return ran.stderr.count("import time:") - 1  # the first line is the heading


def environment(python: Path, home: str) -> dict[str, str]:
    project = python.absolute().parents[2]
    return os.environ | {"SLIPWAY_HOME": home, "PYTHONPATH": f"{project}{os.pathsep}{project / 'src'}"}


if __name__ == "__main__":
    main()
