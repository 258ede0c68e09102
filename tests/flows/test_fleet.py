"""Several models in one flow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from flows.fleet import fleet
from slipway.catalogue import catalogue
from slipway.spec import ModelSpec

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
    assert "there are no statistics" in entries[0].message


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have a catalogue of some models alone."""

    def keep(*specs: ModelSpec) -> None:
        for name in list(catalogue()):
            monkeypatch.delitem(catalogue(), name)
        for spec in specs:
            monkeypatch.setitem(catalogue(), spec.name, spec)

    return keep


def test_an_error_of_several_lines_is_shown_whole_and_a_model_whose_file_is_wrong_is_named(place, only, monkeypatch, tmp_path):
    (rows := tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    heart = catalogue()[MODEL]
    changed = replace(heart, name="changed", registered_as="changed", port=8999, dataset=replace(heart.dataset, origin=str(rows)))
    monkeypatch.setitem(catalogue().left_out, "ward-stay", "ward_stay.py, line 3: port='8001' is a text")
    only(changed)

    state = fleet(jobs=1, return_state=True)

    assert (state.is_failed(), state.message) == (True, "failed: changed")
    entries = state.result(raise_on_failure=False).entries
    assert [(entry.model, entry.outcome) for entry in entries] == [("changed", "failed"), ("ward-stay", "wrong file")]
    assert entries[0].message.startswith(f"changed: {rows} has changed. expected sha256 {heart.dataset.sha256} received sha256 ")
    assert entries[0].message.endswith("review it and pin the new checksum in the model's file, changed.py.")
    assert entries[1].message == "ward_stay.py, line 3: port='8001' is a text"

    only()
    assert fleet(jobs=1, return_state=True).message == "0 models released; left out, because the file of each is wrong: ward-stay"
