"""A version that was made elsewhere, through the whole release: proven, judged, served; and a worse one after it refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from lightgbm import LGBMClassifier
from skops.io import dumps

from flows.release import release
from slipway.bundle.cells import rows_of
from slipway.bundle.compiling import contract_columns
from slipway.bundle.store.active import active
from slipway.catalogue import catalogue, lookup
from slipway.data import samples
from slipway.data.validation import validate
from slipway.files.checksums import digest
from slipway.lifecycle.ledger import Ledger
from slipway.spec import Adopted, Gate, ModelSpec
from slipway.tracking.connection import connect
from slipway.training.pipelines import build
from slipway.training.splitting import split

MODEL = "heart-failure"
TYPES = ("lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier")

pytestmark = pytest.mark.timeout(300)


def made_elsewhere(folder: Path, name: str, **settings: Any) -> ModelSpec:
    """The model with the pipeline of somebody else in the place of its estimator."""
    usual = replace(lookup(MODEL), gate=Gate(floor=0.1, tolerance=0.01), search_space={}, simplest=None, trusted=TYPES)
    boosted = replace(usual, estimator=LGBMClassifier(n_jobs=1, verbose=-1, **settings))
    rows = split(boosted, validate(boosted, samples.generate(boosted, folder).path))
    content = dumps(build(boosted, {}).fit(rows.train, rows.train_labels))
    (folder / f"{name}.skops").write_bytes(content)
    return replace(usual, estimator=Adopted(f"models:/heart/{name}", folder / f"{name}.skops", digest(content), "classes"))


def test_an_adopted_version_is_served_and_a_worse_one_is_refused(place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = made_elsewhere(tmp_path, "good", n_estimators=40)
    monkeypatch.setitem(catalogue(), MODEL, good)

    state = release(MODEL, sample=True, because="adopts models:/heart/good", return_state=True)

    assert state.name == "Promoted", state.message
    result, client = state.result(), connect(place.settings)
    assert (result.tuned.trials, result.tuned.parameters) == (0, {})
    tags = client.get_model_version(good.registered_as, "1").tags
    assert tags["slipway.adopted"] == "models:/heart/good"
    assert Ledger(place.settings.ledger).history(MODEL)[0].because == "adopts models:/heart/good"
    rows = validate(good, samples.generate(good, tmp_path).path).head(200)
    answered = httpx.post(
        f"{place.settings.gateway_url}/models/{MODEL}/predict",
        json={"rows": [dict(zip(good.columns.names, row, strict=True)) for row in rows_of(rows, contract_columns(good))]},
        headers={"Authorization": f"Bearer {place.key}"},
    ).json()
    measured = build(good, {}).predict_proba(rows)[:, 1]
    assert np.array([one["probabilities"]["1"] for one in answered["predictions"]]) == pytest.approx(measured, abs=1e-12)

    served = active(place.settings.bundles, MODEL)
    monkeypatch.setitem(catalogue(), MODEL, made_elsewhere(tmp_path, "bad", n_estimators=1, num_leaves=2))
    refused = release(MODEL, sample=True, return_state=True)

    assert refused.name == "Refused", refused.message
    assert active(place.settings.bundles, MODEL) == served
