"""The loop in service, simulated in small: windows through the real endpoint, a watch after each, and a release that learns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployments.loop import drive, retraining
from slipway.catalogue import catalogue, lookup
from slipway.errors import SimulationError
from slipway.monitoring.simulation.course import Plan, WindowFigures
from slipway.monitoring.simulation.lines import draw_lines
from slipway.spec import Outcomes, Watch
from tests.flows.conftest import MODEL

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def quick(monkeypatch):
    """The model with windows of 200 rows, of which the first bad one raises an alarm; no slice counts."""
    spec = replace(lookup(MODEL), slices={}, watch=Watch(rows=200, minimum=60, needed=1), learns=Outcomes(fall=0.8, enough=100))
    monkeypatch.setitem(catalogue(), MODEL, spec)
    return spec


@pytest.mark.drill
def test_an_alarm_leads_to_a_release_that_learns_and_the_new_version_answers_the_next_window(released, quick):
    said = []

    found = list(drive(quick, Plan("concept", windows=3, begins=1, size=0.7), True, released.settings, said.append))

    assert [(one.number, one.drifts, sum(one.versions.values())) for one in found] == [(1, True, 200), (2, True, 200), (3, True, 200)]
    assert found[0].answered == pytest.approx(found[0].first)  # the bundle answers as the endpoint did
    assert found[0].oracle > found[0].first + 0.1  # there is something to learn
    assert (found[0].state, found[0].release) == ("alarm", "refused")  # 60 rows are set apart, which are too few to judge
    # the cool-down holds the second alarm back, and the windows stand for the time that it takes
    assert (found[1].state, found[1].release) == ("held", "promoted"), found[1].because
    assert list(found[2].versions) == [3]  # the number 2 is that of the refused one
    assert found[2].answered > found[2].first + 0.1
    lines = [(line["event"], line["started_by"], line["because"][:16]) for line in released.history()[1:3]]
    by = f"automation {retraining(MODEL)}"
    assert lines == [("refused", by, "outcomes alarm: "), ("promoted", by, "outcomes alarm: ")]


def test_without_the_loop_windows_are_watched_and_nothing_is_released(released, quick):
    [only] = drive(quick, Plan("concept", windows=1, begins=1, size=0.7), False, released.settings, lambda _: None)

    assert (only.state, only.alarm != "", only.release) == ("alarm", True, None)
    assert len(released.history()) == 1


def test_a_model_that_learns_from_no_outcomes_has_no_loop(released, quick):
    plan = Plan("concept", windows=1, begins=1, size=0.7)

    with pytest.raises(SimulationError, match=r"learns from no outcomes: add learns=Outcomes\(\.\.\.\) to its file, or use --loop off"):
        next(drive(replace(quick, learns=None), plan, True, released.settings, lambda _: None))


def test_the_drift_begins_within_the_windows():
    with pytest.raises(SimulationError, match="the drift begins at window 5: expected a window from 1 to 4"):
        Plan("concept", windows=4, begins=5, size=0.3)


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_picture_is_in_the_format_that_its_name_ends_in(quick, tmp_path, ending):
    path = tmp_path / f"loop.{ending}"
    found = [WindowFigures(n, n > 1, {1: 200}, 0.8, 0.7, 0.9, "alarm", "bad", "promoted" if n == 2 else None) for n in (1, 2, 3)]

    draw_lines(path, quick, Plan("concept", 3, 2, 0.3), found, loop=True)

    assert path.read_bytes().startswith(b"\x89PNG" if ending == "png" else b"<?xml")
