"""A fitted model and the bundle compiled from it, as a release writes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from slipway.bundle.borders import border_rows, prove_rows
from slipway.bundle.compiling import Compiled, contract_columns
from slipway.bundle.contract import FORMAT, Contract, Probe, of_output
from slipway.bundle.engine import Engine, open_engine
from slipway.bundle.reading import Bundle
from slipway.bundle.writing import write
from slipway.spec import ModelSpec

NOTHING = Probe([], [], [])


@dataclass(frozen=True)
class CompiledModel:
    """`model` is the fitted pipeline of the spec, or what is around it."""

    spec: ModelSpec
    model: Any
    compiled: Compiled
    bundle: Bundle

    @property
    def engine(self) -> Engine:
        return open_engine(self.bundle)

    @property
    def contract(self) -> Contract:
        return self.bundle.contract

    def answers(self, rows: pd.DataFrame) -> np.ndarray:
        return self.engine.probabilities(rows.to_dict("list"))

    def prove(self, rows: pd.DataFrame) -> float:
        return prove_rows(self.spec.name, self.model, self.engine, self.contract, rows)

    def border(self, rows: pd.DataFrame) -> pd.DataFrame:
        return border_rows(self.model, self.contract, rows)


def contract_for(spec: ModelSpec, compiled: Compiled, reach: float = 0.5) -> Contract:
    """The contract of a model that was never registered. `reach` is how far the interval of a number reaches."""
    return Contract(
        format=FORMAT,
        model=spec.name,
        registered_as=spec.registered_as,
        version=1,
        run_id="1" * 32,
        engine=compiled.engine,
        description=spec.description,
        columns=contract_columns(spec),
        target=spec.columns.target.name,
        data_sha256="0" * 64,
        sample=False,
        metrics={},
        mlflow_version="3.17.2",
        created_at="2026-11-01T00:00:00+00:00",
        **of_output(spec.problem.output(compiled.threshold, reach)),
    )


def bundled(spec: ModelSpec, model: Any, compiled: Compiled, folder: Path) -> CompiledModel:
    """Write the bundle of a fitted model."""
    return CompiledModel(spec, model, compiled, write(folder, compiled.files, contract_for(spec, compiled), NOTHING))
