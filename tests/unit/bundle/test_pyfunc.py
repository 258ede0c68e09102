"""Registering a model whose ONNX graph fails its proof: the bundle contains the pipeline itself, and the log says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier

from slipway.bundle.engine import by_column, open_engine
from slipway.records import Snapshot, Tuned
from slipway.settings import Settings
from slipway.spec import ModelSpec
from slipway.tracking.connection import connect
from slipway.tracking.registration import register
from slipway.tracking.registry import downloaded_bundle
from slipway.training.splitting import Rows

pytestmark = pytest.mark.slow


@pytest.fixture
def bagged(heart: ModelSpec) -> Iterator[ModelSpec]:
    """heart-failure by bagged trees, whose votes ONNX Runtime adds up in float32."""
    estimator = BaggingClassifier(n_estimators=30, max_features=0.7)
    yield replace(heart, name="bagged", registered_as="bagged", estimator=estimator, search_space={}, simplest=None)
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)


def test_a_graph_that_fails_its_proof_is_replaced_by_the_pipeline_with_a_warning(
    bagged: ModelSpec,
    snapshot: Snapshot,
    rows: Rows,
    tuned: Tuned,
    settings: Settings,
    with_mlflow: Callable[[Path], Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with_mlflow(settings.home)
    candidate = register(bagged, snapshot, rows, tuned.model_copy(update={"parameters": {}}), settings)

    with downloaded_bundle(connect(settings), candidate.run_id) as bundle:
        assert bundle.contract.engine == "pyfunc"
        assert list(bundle.files) == ["model.skops"]
        answered = open_engine(bundle).probabilities(by_column(bundle.probe.rows, bundle.contract))
    assert np.array_equal(answered, bundle.probe.probabilities)
    assert bundle.contract.output.labels(answered) == bundle.probe.labels
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING" and record.name.startswith("slipway")]
    assert len(said) == 1
    assert said[0].startswith("bagged: no smaller engine answers exactly (")
    assert "the compiled model differs from the measured model on" in said[0]
