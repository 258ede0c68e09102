"""How long each step of a release takes, compared with a script that one would write by hand.

    python benchmarks/release.py [--rounds 3] [--trials 40] [--json]

For example: SLIPWAY_MIRROR=/path/to/rows python benchmarks/release.py --rounds 5

The platform is started in a temporary folder on free ports. Then `slipway release heart-failure --jobs 1` and
`by_hand/heart_failure.py`, which has the same rows, search and calls of MLflow, take turns. Each runs in a process of its own and starts
a new search; figures are medians of the rounds. The first round of each is not counted, because it compiles the bytecode. Rows are the
real ones if SLIPWAY_MIRROR is set, else generated ones.

The seconds of a step are those of Prefect's task run; the long step, register, is divided at two lines of the log. Processor
seconds are of the process itself, without the servers; on a busy machine they are the more reliable figure.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from slipway.catalogue import catalogue, lookup
from slipway.data import fetching, samples
from slipway.records import Snapshot
from slipway.settings import LOOPBACK

MODEL = "heart-failure"
SLIPWAY = (sys.executable, "-m", "deployments.cli")
BY_HAND = (sys.executable, str(Path(__file__).parent / "by_hand" / "heart_failure.py"))
SEARCH, BETWEEN = "search", "between the steps"
PATIENCE = 60.0

# what is shown: Prefect's tasks of the release, and the part of the script by hand that does the same
STEPS = {
    "process, imports, session": ((), "start"),
    "rows: recover, fetch, validate": (("recover", "fetch", "validate"), "rows"),
    SEARCH: (("tune",), "search"),
    "refit and score": (("scored",), "score"),
    "pictures, tables and model into MLflow": (("logged",), "log"),
    "compile, prove, register": (("registered",), "register"),
    "judge": (("judge",), None),
    "report": (("report",), None),
    "promote, serve, smoke test, confirm": (("promote", "serve", "smoke-test", "confirm"), None),
    BETWEEN: ((), None),
    "after the last step": ((), None),
}
MARKS = {"scored": "test rows scored", "logged": "logged as run"}  # the lines of the log that end a part of register


@dataclass(frozen=True, slots=True)
class Round:
    """One process: seconds from start to end, processor seconds, seconds without the search, and seconds by step."""

    wall: float
    processor: float
    without_search: float
    steps: dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is timed (3)")
    parser.add_argument("--trials", type=int, default=lookup(MODEL).trials, help="points that each search tries (as the model's file says)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder) / "home"
        environment = _environment(home, Path(folder) / "bytecode")
        snapshot = _rows(Path(folder))
        _log(f"{'sample' if snapshot.sample else 'real'} rows; starting the platform")
        stack.callback(subprocess.run, [*SLIPWAY, "down"], env=environment, check=True, stderr=subprocess.DEVNULL)
        subprocess.run([*SLIPWAY, "up", "--json"], env=environment, check=True, stdout=subprocess.DEVNULL)
        _log("a first round of each, not counted")
        _by_hand(environment, snapshot, 1)
        _release(environment, home, snapshot, asked.trials)  # not fewer trials: the gate compares this champion with those that follow
        ours, by_hand = [], []
        for number in range(asked.rounds):
            by_hand.append(_by_hand(environment, snapshot, asked.trials))
            ours.append(_release(environment, home, snapshot, asked.trials))
            _log(f"round {number + 1} of {asked.rounds}: by hand {by_hand[-1].wall:.1f} s, release {ours[-1].wall:.1f} s")
    release, script = _median(ours), _median(by_hand)
    ratios = {
        "ratio": release.wall / script.wall,
        "ratio_without_search": release.without_search / script.without_search,
        "ratio_processor": release.processor / script.processor,
    }
    if asked.json:
        setting = {"rows": "sample" if snapshot.sample else "real", "trials": asked.trials, "rounds": asked.rounds, "cores": os.cpu_count()}
        found = {name: {"seconds": of.wall, "processor": of.processor, "steps": of.steps} for name, of in _named(release, script)}
        print(json.dumps(setting | found | ratios, indent=1))
    else:
        print(
            f"{snapshot.rows:,} {'sample' if snapshot.sample else 'real'} rows, {asked.trials} trials, medians of {asked.rounds} rounds\n"
        )
        print(_table(release, script))


def _release(environment: Mapping[str, str], home: Path, snapshot: Snapshot, trials: int) -> Round:
    shutil.rmtree(home / "studies", ignore_errors=True)  # else the search would be resumed, and end at once
    command = [*SLIPWAY, "release", MODEL, "--jobs", "1", "--trials", str(trials), "--json", *(["--sample"] if snapshot.sample else [])]
    began, processor = time.time(), _processor()
    marks: dict[str, float] = {}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = []
        for line in process.stderr or ():
            lines.append(line)
            marks |= {part: time.time() for part, said in MARKS.items() if said in line and part not in marks}
        answer = process.stdout.read() if process.stdout else ""
    ended = time.time()
    if process.returncode:
        raise SystemExit(f"the release ended with {process.returncode}:\n{''.join(lines[-10:])}{answer[-2000:]}")
    used, steps = _processor() - processor, _steps(_tasks(environment), marks, began, ended)
    return Round(ended - began, used, ended - began - steps[SEARCH], steps)


def _steps(tasks: Mapping[str, tuple[float, float]], marks: Mapping[str, float], began: float, ended: float) -> dict[str, float]:
    """Return the seconds of each step, from the start and end of each task and of each marked part of a task."""
    register_began, register_ended = tasks["register"]
    parts = {name: end - begin for name, (begin, end) in tasks.items()} | {
        "scored": marks["scored"] - register_began,
        "logged": marks["logged"] - marks["scored"],
        "registered": register_ended - marks["logged"],
    }
    first, last = min(begin for begin, _ in tasks.values()), max(end for _, end in tasks.values())
    seconds = {step: sum(parts[name] for name in names) for step, (names, _) in STEPS.items()}
    seconds["process, imports, session"] = first - began
    seconds[BETWEEN] = last - first - sum(end - begin for begin, end in tasks.values())
    seconds["after the last step"] = ended - last
    return seconds


def _tasks(environment: Mapping[str, str]) -> dict[str, tuple[float, float]]:
    """Return the start and end of each task of the latest release, as soon as Prefect's server has them all."""
    deadline = time.monotonic() + PATIENCE
    with httpx.Client(base_url=f"http://{LOOPBACK}:{environment['SLIPWAY_PREFECT_PORT']}/api", timeout=10.0) as client:

        def ask(path: str, question: dict[str, Any]) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = client.post(path, json=question).raise_for_status().json()
            return found

        # the scheduled runs are among them too, and have not started
        started = {"flows": {"name": {"any_": ["release"]}}, "flow_runs": {"start_time": {"is_null_": False}}}
        (run,) = ask("/flow_runs/filter", started | {"sort": "START_TIME_DESC", "limit": 1})
        while time.monotonic() < deadline:
            found = {task["name"].removesuffix(f"-{MODEL}"): task for task in ask("/task_runs/filter", _of_run(run["id"]))}
            if "confirm" in found and all(task["end_time"] for task in found.values()):
                return {name: (_moment(task["start_time"]), _moment(task["end_time"])) for name, task in found.items()}
            time.sleep(0.2)
    raise SystemExit(f"Prefect's server did not have all tasks within {PATIENCE:.0f} s; it has {sorted(found)}.")


def _of_run(run_id: str) -> dict[str, Any]:
    return {"flow_runs": {"id": {"any_": [run_id]}}}


def _moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _by_hand(environment: Mapping[str, str], snapshot: Snapshot, trials: int) -> Round:
    address = f"http://{LOOPBACK}:{environment['SLIPWAY_MLFLOW_PORT']}"
    command = [*BY_HAND, str(snapshot.path), "--tracking", address, "--trials", str(trials)]
    began, processor = time.perf_counter(), _processor()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    wall = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"the script by hand failed:\n{done.stderr[-2000:]}")
    seconds = json.loads(done.stdout)["seconds"]
    seconds["start"] = wall - sum(seconds.values())
    steps = {step: seconds.get(part, 0.0) for step, (_, part) in STEPS.items()}
    return Round(wall, _processor() - processor, wall - steps[SEARCH], steps)


def _environment(home: Path, bytecode: Path) -> dict[str, str]:
    *ports, gateway, prefect, mlflow = _free_ports(len(catalogue()) + 3)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {
        "PYTHONPYCACHEPREFIX": str(bytecode),
        "SLIPWAY_HOME": str(home),
        "SLIPWAY_GATEWAY_PORT": str(gateway),
        "SLIPWAY_PREFECT_PORT": str(prefect),
        "SLIPWAY_MLFLOW_PORT": str(mlflow),
        "SLIPWAY_MODEL_PORTS": json.dumps(dict(zip(catalogue(), ports, strict=True))),
    }


def _rows(folder: Path) -> Snapshot:
    mirror = os.environ.get("SLIPWAY_MIRROR")
    return fetching.fetch(lookup(MODEL), mirror, folder) if mirror else samples.generate(lookup(MODEL), folder)


def _free_ports(wanted: int) -> list[int]:
    with ExitStack() as stack:
        return [stack.enter_context(socket.create_server((LOOPBACK, 0))).getsockname()[1] for _ in range(wanted)]


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _median(rounds: Sequence[Round]) -> Round:
    return Round(
        statistics.median(one.wall for one in rounds),
        statistics.median(one.processor for one in rounds),
        statistics.median(one.without_search for one in rounds),
        {step: statistics.median(one.steps[step] for one in rounds) for step in STEPS},
    )


def _named(release: Round, script: Round) -> list[tuple[str, Round]]:
    return [("release", release), ("by_hand", script)]


def _table(release: Round, script: Round) -> str:
    lines = ["| step | release, s | share | by hand, s |", "|---|---|---|---|"]
    for step in STEPS:
        theirs = f"{script.steps[step]:.1f}" if STEPS[step][1] else ""
        lines.append(f"| {step} | {release.steps[step]:.1f} | {release.steps[step] / release.wall:.0%} | {theirs} |")
    lines.append(f"| all | {release.wall:.1f} | | {script.wall:.1f} |")
    lines.append(f"| all but the search | {release.without_search:.1f} | | {script.without_search:.1f} |")
    lines.append(f"| processor seconds | {release.processor:.1f} | | {script.processor:.1f} |")
    lines.append(
        f"\nrelease / by hand: {release.wall / script.wall:.2f}; without the search {release.without_search / script.without_search:.2f}; "
        f"processor seconds {release.processor / script.processor:.2f}"
    )
    return "\n".join(lines)


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
