"""From a table of one's own to the first right answer, and how good the drafted model is: the examples and ten tables of other kinds.

    python benchmarks/tables.py [--only NAME]... [--trials N] [--autogluon PYTHON] [--without-platform] [--json]

For example, with AutoGluon in an environment of its own:

    python -m venv /tmp/autogluon && /tmp/autogluon/bin/pip install 'autogluon.tabular[lightgbm,catboost,xgboost]'
    python benchmarks/tables.py --only messages --autogluon /tmp/autogluon/bin/python

On a platform in a temporary home, each table is drafted by `slipway new`, released as it was drafted, and asked: the seconds are those from
the first command until the endpoint has answered a held-out row as `slipway score` does. No file is edited; "edited" is the number of lines
that had to be, or "-" where a draft did not become an endpoint, with the reason. Without a platform, the draft is tuned and fitted here by
the same code as in a release: the scores are the same, and there are no seconds.

Some rows are held out: the latest where there is a trend, whole patients where rows are of patients. The score on them is the accuracy; the
area under the ROC curve of rare classes; and of a number, which share of the mean absolute error of the median is gone. Beside it is the
score of AutoGluon with a limit of one minute, if --autogluon names a Python that has it, or else that of scikit-learn's
HistGradientBoosting with its defaults. Both learn from the same rows and are tuned for the same score. They see neither ids nor what is
known only later, and dates and decimal commas are read for them, as a person would arrange it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score
from tables_parts import by_hand, fitted, made
from tables_parts.made import TableMade

POINT = 0.01
MINUTE = "60"
METRICS = {"accuracy": "accuracy", "roc_auc": "roc_auc", "share of the error": "mean_absolute_error"}


@dataclass
class Found:
    """What was measured of one table."""

    table: str
    measure: str
    seconds: float | None = None
    edited: int | None = None
    rejected: int = 0
    score: float | None = None
    other: float = float("nan")
    why: str = ""


@dataclass(frozen=True)
class Person:
    """A person with a temporary home, and with a platform there if `platform`."""

    environment: dict[str, str]
    folder: Path
    platform: bool

    def slipway(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deployments.cli", *arguments]
        return subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, text=True)

    def ask(self, name: str, row: dict[str, object]) -> dict[str, object]:
        kept = (self.folder / "home" / "credentials.env").read_text()
        key = next(line.partition("=")[2].strip("'\"") for line in kept.splitlines() if line.startswith("SLIPWAY_API_KEY="))
        url = f"http://127.0.0.1:{self.environment['SLIPWAY_GATEWAY_PORT']}/models/{name}/predict"
        answered = httpx.post(url, json={"row": row}, headers={"Authorization": f"Bearer {key}"}, timeout=30)
        return dict(answered.raise_for_status().json()["predictions"][0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", help="a table, by its name; once for each")
    parser.add_argument("--trials", type=int, help="points that the search may try; if left out, as drafted")
    parser.add_argument("--autogluon", help="a Python with AutoGluon, to compare with")
    parser.add_argument("--without-platform", action="store_true", help="fit the drafts in this process: scores, but no seconds")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args()
    tables = [table for table in made.every() if not asked.only or table.name in asked.only]
    with (
        tempfile.TemporaryDirectory() as folder,
        _person(Path(folder), [table.name for table in tables], not asked.without_platform) as person,
    ):
        found = [_measured(person, table, asked.trials, asked.autogluon) for table in tables]
    other = "AutoGluon, 1 minute" if asked.autogluon else "HistGradientBoosting by hand"
    print(json.dumps({"other": other, "tables": [asdict(one) for one in found]}, indent=1) if asked.json else _table(found, other))


@contextlib.contextmanager
def _person(folder: Path, names: list[str], platform: bool) -> Iterator[Person]:
    with contextlib.ExitStack() as taken:
        sockets = [taken.enter_context(socket.socket()) for _ in range(3 + len(names))]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        prefect, mlflow, gateway, *own = [each.getsockname()[1] for each in sockets]
    (folder / "models").mkdir()
    person = Person(
        {name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY_", "PREFECT_", "MLFLOW_"))}
        | {
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "SLIPWAY_HOME": str(folder / "home"),
            "SLIPWAY_MODELS": str(folder / "models"),
            "SLIPWAY_PREFECT_PORT": str(prefect),
            "SLIPWAY_MLFLOW_PORT": str(mlflow),
            "SLIPWAY_GATEWAY_PORT": str(gateway),
            "SLIPWAY_MODEL_PORTS": json.dumps(dict(zip(names, own, strict=True))),
        },
        folder,
        platform,
    )
    if not platform:
        yield person
        return
    try:
        _progress("starting the platform")
        person.slipway("up").check_returncode()
        yield person
    finally:
        person.slipway("down")


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _measured(person: Person, table: TableMade, trials: int | None, autogluon: str | None) -> Found:
    folder = person.folder / table.name
    folder.mkdir()
    found = Found(table.name, table.measure)
    arguments = table.write(table.learnt, folder)
    steps = [["new", table.name, *arguments, "--target", table.target]]
    if person.platform:
        steps += [["release", table.name, *(["--trials", str(trials)] if trials else [])]]
    began = time.monotonic()
    for step in steps:
        _progress(f"{table.name}: slipway {step[0]}")
        ran = person.slipway(*step)
        if ran.returncode:
            found.why = (ran.stderr.strip() or ran.stdout.strip()).splitlines()[-1]
            break
    else:
        if person.platform:
            _score(person, table, folder, found, began)
        else:
            file = person.folder / "models" / f"{table.name.replace('-', '_')}.py"
            answers, outcomes, found.rejected = fitted.answers(file, table, trials, folder)
            found.score, found.edited = _figure(table, outcomes, answers), 0
    _progress(f"{table.name}: {'AutoGluon' if autogluon else 'by hand'}")
    found.other = _other(table, folder, autogluon)
    shown = "no model" if found.score is None else f"{found.score:.4f}, and {found.other:.4f} with the other"
    after = "" if found.seconds is None else f" after {found.seconds:.0f} s"
    _progress(f"{table.name}: {shown}{after} {found.why}")
    return found


def _score(person: Person, table: TableMade, folder: Path, found: Found, began: float) -> None:
    """Ask the endpoint until an answer is right, and score the held-out rows."""
    table.write_held_out(folder / "held_out.csv")
    first = _first_row(person, table)
    answer = person.ask(table.name, first)
    found.seconds = time.monotonic() - began
    ran = person.slipway("score", table.name, str(folder / "held_out.csv"), "--to", str(folder / "answers.csv"), "--json")
    found.rejected = json.loads(ran.stdout)["rejected"]
    answers = pd.read_csv(folder / "answers.csv").set_index("row")
    scored = answers["prediction"] if "prediction" in answers else answers["label"]
    given = answer.get("prediction", answer.get("label"))
    right = str(scored.loc[0]) == str(given) if isinstance(given, str | int) else np.isclose(scored.loc[0], given)
    found.edited, found.why = (0, "") if right else (None, f"the endpoint answered {given}, and the file {scored.loc[0]}")
    truth = table.held_out[table.target].reset_index(drop=True).loc[answers.index]
    probabilities = answers.filter(regex="^probability_").rename(columns=lambda name: name.removeprefix("probability_"))
    found.score = _figure(table, truth, answers[["prediction"]] if "prediction" in answers else probabilities)


def _first_row(person: Person, table: TableMade) -> dict[str, object]:
    """Return the first held-out row as a program sends it: the columns that the model takes, with ISO dates."""
    listed = json.loads((_bundle(person, table.name) / "contract.json").read_text())
    row = table.held_out.iloc[0]
    return {column["name"]: _cell(column, row[column["name"]]) for column in listed["columns"]}


def _bundle(person: Person, name: str) -> Path:
    return max((person.folder / "home").rglob(f"{name}/*/contract.json"), key=lambda path: path.stat().st_mtime).parent


def _cell(column: dict[str, object], cell: object) -> object:
    if pd.isna(cell):
        return None
    match column["kind"]:
        case "date":
            return pd.to_datetime(str(cell), format="%d/%m/%Y" if "/" in str(cell) else "%Y-%m-%d").date().isoformat()
        case "boolean":
            return str(cell).lower() in ("true", "yes", "1")
        case "category" | "text":
            return str(cell)
    number = float(str(cell).replace(",", "."))
    return int(number) if column["kind"] == "integer" else number


def _other(table: TableMade, folder: Path, autogluon: str | None) -> float:
    hidden = [*table.known_later, *(name for name in table.learnt if name.endswith("_id") or name == "historia")]
    both = by_hand.as_read(pd.concat([table.learnt, table.held_out]).drop(columns=hidden))
    learnt, held_out = both.iloc[: len(table.learnt)], both.iloc[len(table.learnt) :]
    truth = held_out[table.target].reset_index(drop=True)
    if autogluon is None:
        return _figure(table, truth, by_hand.answers(learnt, held_out, table.target, number=table.measure == "share of the error"))
    paths = [folder / f"{name}.csv" for name in ("learnt", "asked", "autogluon")]
    learnt.to_csv(paths[0], index=False)
    held_out.drop(columns=table.target).to_csv(paths[1], index=False)
    script = Path(__file__).parent / "tables_parts" / "with_autogluon.py"
    command = [autogluon, script, paths[0], paths[1], table.target, MINUTE, METRICS[table.measure], paths[2]]
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    return _figure(table, truth, pd.read_csv(paths[2]))


def _figure(table: TableMade, truth: pd.Series, answers: pd.DataFrame) -> float:
    if table.measure == "share of the error":
        usual = mean_absolute_error(truth, np.full(len(truth), table.learnt[table.target].median()))
        return float(1 - mean_absolute_error(truth, answers["prediction"]) / usual)
    answers = answers.rename(columns=str)
    if table.measure == "roc_auc":
        return float(roc_auc_score(truth.astype(str) == answers.columns[-1], answers.iloc[:, -1]))
    return float(accuracy_score(truth.astype(str), answers.idxmax(axis=1)))


def _table(found: list[Found], other: str) -> str:
    lines = [f"| table | seconds | edited | rejected | measure | drafted | {other} |", "|---|---|---|---|---|---|---|"]
    for one in found:
        seconds = "-" if one.seconds is None else f"{one.seconds:.0f}"
        score = one.why if one.score is None else f"{one.score:.3f}"
        edited = "-" if one.edited is None else str(one.edited)
        lines.append(f"| {one.table} | {seconds} | {edited} | {one.rejected} | {one.measure} | {score} | {one.other:.3f} |")
    near = sum(one.score is not None and one.score >= one.other - POINT for one in found)
    return "\n".join([*lines, "", f"not worse by more than a point: {near} of {len(found)}"])


if __name__ == "__main__":
    main()
