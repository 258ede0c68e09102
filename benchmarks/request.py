"""How long each step of a request takes inside the gateway, without network, key and log: decode, check, run, encode.

    python benchmarks/request.py [--seconds 1]

heart-failure, trained on sample rows in a temporary folder. Microseconds a request, medians; one row and a thousand rows, in
the forms that callers use, and the share of the check for repeated keys.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from slipway.bundle import contract as contracts
from slipway.bundle.compiling import compile_model, contract_columns
from slipway.bundle.contract import Contract, Probe
from slipway.bundle.deployment import Deployment, load
from slipway.bundle.store.active import Pointer
from slipway.bundle.writing import write
from slipway.catalogue import lookup
from slipway.data import samples, validation
from slipway.gateway.bodies import json_text, mlflow, predictions
from slipway.gateway.bodies.refusing import check
from slipway.gateway.bodies.shapes import ScoredRows
from slipway.records import Tuned
from slipway.training import splitting
from slipway.training.measuring import measure

HEART = "heart-failure"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each figure is measured")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        deployment, rows = _deployment(Path(folder))
    print("| body | rows | bytes | repeated keys | decode | check | run | encode | all |\n|---|---|---|---|---|---|---|---|---|")
    for count in (1, 1_000):
        for name, content in _bodies(deployment.contract, (rows * (count // len(rows) + 1))[:count]).items():
            print(_line(name, count, msgspec.json.encode(content), deployment, seconds), flush=True)


def _line(name: str, count: int, body: bytes, deployment: Deployment, seconds: float) -> str:
    contract = deployment.contract
    by_mlflow = name != "predict"
    decode: Callable[[], Any] = partial(mlflow.decode if by_mlflow else predictions.decode, "application/json", body, contract)
    columns = decode() if by_mlflow else decode()[0]
    checked = check(columns, contract)
    labels, probabilities = deployment.predict(checked)
    scored = ScoredRows(checked, labels, probabilities, ())
    steps: list[Callable[[], Any]] = [
        partial(json_text.keys_are_unique, body, msgspec.json.decode(body)),
        decode,
        partial(check, columns, contract),
        partial(deployment.predict, checked),
        partial(_encode, scored, contract, by_mlflow),
    ]
    found = [_microseconds(step, seconds) for step in steps]
    figures = " | ".join(f"{figure:.1f}" for figure in [*found, sum(found[1:])])
    return f"| {name} | {count} | {len(body):,} | {figures} |"


def _encode(scored: ScoredRows, contract: Contract, by_mlflow: bool) -> bytes:
    return msgspec.json.encode({"predictions": scored.labels} if by_mlflow else predictions.answer(scored, contract, "0" * 24))


def _bodies(contract: Contract, rows: list[list[Any]]) -> dict[str, Any]:
    names = [column.name for column in contract.columns]
    records = [dict(zip(names, row, strict=True)) for row in rows]
    return {
        "dataframe_split": {"dataframe_split": {"columns": names, "data": rows}},
        "dataframe_records": {"dataframe_records": records},
        "inputs by column": {"inputs": {name: list(cells) for name, cells in zip(names, zip(*rows, strict=True), strict=True)}},
        "predict": {"rows": records},
    }


def _microseconds(step: Callable[[], Any], seconds: float) -> float:
    taken, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        step()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1e6


def _deployment(folder: Path) -> tuple[Deployment, list[list[Any]]]:
    spec = lookup(HEART)
    rows = splitting.split(spec, validation.validate(spec, samples.generate(spec, folder).path))
    parameters = {"C": 0.5, "preparation.zeros": "keep"}
    tuned = Tuned(
        model=HEART, study="by-hand", parameters=parameters, score=0.0, metric=spec.metric, trials=1, folds=5, repeats=1, seed=42
    )  # fmt: skip
    measured = measure(spec, rows, tuned)
    compiled = compile_model(spec, measured.pipeline)
    target = spec.columns.target
    contract = Contract(
        format=contracts.FORMAT, model=HEART, registered_as=spec.registered_as, version=1, run_id="0" * 32, engine=compiled.engine,
        description=spec.description, columns=contract_columns(spec), target=target.name, classes=tuple(target.classes),
        class_meanings=tuple(target.classes.values()), positive=target.positive, threshold=compiled.threshold, data_sha256="",
        sample=True, metrics={}, mlflow_version="", created_at="",
    )  # fmt: skip
    cells = rows.test.astype(object).to_numpy().tolist()
    probe = Probe(cells[:5], measured.evaluation.labels[:5], measured.evaluation.probabilities[:5].tolist())
    write(folder / "bundle", compiled.files, contract, probe)
    return load(folder / "bundle", HEART, Pointer("bundle", spec.port, "one"), spec.port), cells


if __name__ == "__main__":
    main()
