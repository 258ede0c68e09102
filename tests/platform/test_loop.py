"""The loop on a running platform, without another hand: drift, alarm, a release that learns, and windows that are good again."""

from __future__ import annotations

import json
from statistics import mean

import pytest

from slipway.catalogue import lookup
from slipway.lifecycle import record
from tests.platform.conftest import MODEL, Operator

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1_500)]


@pytest.mark.usefixtures("released")
def test_concept_drift_leads_to_a_version_that_has_learnt_and_the_next_windows_are_good_again(operator: Operator, tmp_path):
    operator.slipway("resume", MODEL, "--because", "what other tests rolled back holds no release of this one")
    path, before = tmp_path / "loop.svg", len(operator.history())
    at_first = record.in_service(lookup(MODEL), operator.settings)
    assert at_first

    ran = operator.slipway(
        *("simulate", MODEL, "--drift", "concept", "--size", "0.4", "--windows", "5", "--from", "1"),
        *("--loop", "on", "--to", str(path), "--json"),
    )

    course = json.loads(ran.stdout)["course"]
    first = next(one for one in course if one["release"])
    assert (first["state"], first["release"]) == ("alarm", "promoted"), first["because"]
    lines = operator.history()[before:]
    assert [line["event"] for line in lines[:1]] == ["promoted"]
    assert lines[0]["started_by"] == f"automation slipway: retrain {MODEL}"  # of the platform, and not of the command
    after = course[first["number"] :]
    assert len(after) >= 2
    assert not any(str(at_first.version) in window["versions"] for window in after)
    answered, without, best = (mean(window[name] for window in after) for name in ("answered", "first", "oracle"))
    assert answered > without + 0.04, course
    assert answered > best - 0.08, course
    assert path.read_bytes().startswith(b"<?xml")
