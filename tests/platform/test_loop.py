"""The loop on a running platform, without another hand: drift, alarm, a release that learns, and windows that are good again."""

from __future__ import annotations

import json

import pytest

from tests.platform.conftest import MODEL, Operator

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1_500)]


def test_concept_drift_leads_to_a_version_that_has_learnt_and_the_next_windows_are_good_again(operator: Operator, released: dict, tmp_path):
    path, before = tmp_path / "loop.svg", len(operator.history())

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
    for window in after:
        assert str(released["candidate"]["version"]) not in window["versions"]
        assert window["answered"] > window["first"] + 0.1
        assert window["answered"] > window["oracle"] - 0.06
    assert path.read_bytes().startswith(b"<?xml")
