"""A BentoML service of one MLflow model, after BentoML's documentation: one worker, adaptive batching."""

from __future__ import annotations

import os

import bentoml
import mlflow.pyfunc
import numpy as np
import pandas as pd


@bentoml.service(workers=1, traffic={"timeout": 60, "max_concurrency": 512})
class Model:
    def __init__(self) -> None:
        self.model = mlflow.pyfunc.load_model(os.environ["BENTO_MODEL"])
        schema = self.model.metadata.get_input_schema()
        self.kinds = {column.name: column.type.to_numpy() for column in schema}

    @bentoml.api(batchable=True, max_batch_size=2000, max_latency_ms=100)
    def predict(self, rows: list[dict]) -> list:
        frame = pd.DataFrame(rows).astype({name: kind for name, kind in self.kinds.items() if kind != object})  # noqa: E721
        return np.asarray(self.model.predict(frame)).tolist()
