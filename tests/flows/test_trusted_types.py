"""A version of a package whose types its file trusts: released, compared with, and brought back, with the trust that was recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from lightgbm import LGBMClassifier

from flows.release import release
from flows.rollback import rollback
from slipway.bundle.store.active import active
from slipway.catalogue import catalogue, lookup
from slipway.lifecycle.ledger import Ledger
from slipway.spec import Gate
from slipway.tracking.connection import connect

MODEL = "heart-failure"
TYPES = ("lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier")
QUICK: dict[str, Any] = {"sample": True, "trials": 1, "jobs": 1, "return_state": True}

pytestmark = pytest.mark.timeout(300)


def test_an_earlier_version_comes_back_with_its_trust_after_the_file_trusts_nothing_any_more(place: Any, monkeypatch: Any) -> None:
    usual = replace(lookup(MODEL), gate=Gate(floor=0.1, tolerance=1, slice_tolerance=1, milliseconds=500))
    boosted = replace(
        usual, estimator=LGBMClassifier(n_estimators=9, objective="cross_entropy", n_jobs=1, verbose=-1), search_space={}, simplest=None
    )

    monkeypatch.setitem(catalogue(), MODEL, boosted)
    refused = release(MODEL, **QUICK)
    assert f'trusted=("{TYPES[0]}", "{TYPES[1]}",) into heart_failure.py' in str(refused.message)
    assert connect(place.settings).search_model_versions(f"name='{usual.registered_as}'") == []

    monkeypatch.setitem(catalogue(), MODEL, replace(boosted, trusted=TYPES))
    first = release(MODEL, **QUICK)
    assert first.name == "Promoted", first.message
    trusting = active(place.settings.bundles, MODEL)
    assert trusting is not None
    assert trusting.trusted == TYPES
    assert [rule.reason for rule in first.result().verdict.rules if rule.name == "trusted types"] == [
        "the model's file trusts further types: lightgbm.basic.Booster, lightgbm.sklearn.LGBMClassifier"
    ]

    monkeypatch.setitem(catalogue(), MODEL, usual)  # the file trusts nothing now
    second = release(MODEL, **QUICK)
    assert second.name == "Promoted", second.message
    assert second.result().verdict.rows_compared  # the champion was loaded, with the trust that the ledger recorded
    assert active(place.settings.bundles, MODEL).trusted == ()

    state = rollback(MODEL, because="the boosted one was better", return_state=True)

    assert state.name == "RolledBack", state.message
    back = active(place.settings.bundles, MODEL)
    assert (back.bundle, back.trusted) == (trusting.bundle, TYPES)
    assert [entry.trusted for entry in Ledger(place.settings.ledger).history(MODEL)] == [list(TYPES), [], list(TYPES)]
    shown = httpx.get(f"{place.settings.gateway_url}/models/{MODEL}", headers={"Authorization": f"Bearer {place.key}"}).json()
    assert shown["version"] == 1
