"""Registering a model whose ONNX graph fails its proof: the bundle contains the pipeline itself, and the log says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

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
def nearest(heart: ModelSpec) -> Iterator[ModelSpec]:
    """heart-failure by neighbours in a ball tree, whose distances ONNX Runtime computes in float32."""
    estimator = KNeighborsClassifier(6, algorithm="ball_tree")
    yield replace(heart, name="nearest", registered_as="nearest", estimator=estimator, search_space={}, simplest=None, learns=None)
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)


def test_a_graph_that_fails_its_proof_is_replaced_by_the_pipeline_with_a_warning(
    nearest: ModelSpec,
    snapshot: Snapshot,
    rows: Rows,
    tuned: Tuned,
    settings: Settings,
    with_mlflow: Callable[[Path], Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with_mlflow(settings.home)
    candidate = register(nearest, snapshot, rows, tuned.model_copy(update={"parameters": {}}), settings)

    with downloaded_bundle(connect(settings), candidate.run_id) as bundle:
        assert bundle.contract.engine == "pyfunc"
        assert list(bundle.files) == ["model.skops"]
        answered = open_engine(bundle).probabilities(by_column(bundle.probe.rows, bundle.contract))
    assert np.array_equal(answered, bundle.probe.probabilities)
    assert bundle.contract.output.labels(answered) == bundle.probe.labels
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING" and record.name.startswith("slipway")]
    assert len(said) == 1
    assert said[0].startswith("nearest: no smaller engine answers exactly (")
    assert "the compiled model differs from the measured model on" in said[0]
