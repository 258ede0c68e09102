"""Several models in one flow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flows.fleet import fleet
from slipway.catalogue import catalogue

MODEL = "heart-failure"


@pytest.mark.timeout(300)
def test_one_model_that_fails_does_not_stop_the_rest(place, monkeypatch):
    heart = catalogue()[MODEL]
    poor = replace(heart, name="no-rows", registered_as="no_rows", port=8999, dataset=replace(heart.dataset, file="no-rows.csv"))
    monkeypatch.setitem(catalogue(), poor.name, poor)

    state = fleet([poor.name, MODEL], sample=True, trials=1, jobs=1, return_state=True)

    assert state.is_failed()
    assert state.message == "failed: no-rows"
    entries = state.result(raise_on_failure=False).entries
    assert [(entry.model, entry.outcome, entry.version) for entry in entries] == [(poor.name, "failed", None), (MODEL, "promoted", 1)]
    assert "has no statistics" in entries[0].message
