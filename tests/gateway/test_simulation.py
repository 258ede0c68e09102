"""A simulated stream through the real gateway: under its own key, which is revoked at its end, with outcomes of its predictions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from slipway import audit
from slipway.access import keys
from slipway.access.callers import Grant
from slipway.access.keys import KeyNameTakenError
from slipway.client import RecordedOutcomes
from slipway.errors import SimulationError
from slipway.lifecycle.locking import simulating
from slipway.monitoring.simulation import sending
from slipway.monitoring.simulation.drawing import Stream
from slipway.settings import Settings
from slipway.spec import Category, Columns, Numeric, Watch

pytestmark = pytest.mark.usefixtures("no_settings")


@pytest.fixture
def spec(toy):
    """The columns of the gateway's toy, and windows of ten rows."""
    features = {
        "Age": Numeric(0, 120, "years", "Age", integer=True),
        "Oldpeak": Numeric(-10, 10, "mm", "Depression"),
        "Sex": Category(("F", "M"), "Sex"),
    }
    return replace(toy, columns=Columns(features, toy.columns.target), watch=Watch(rows=10, minimum=5))


@pytest.fixture
def stream():
    rows = pd.DataFrame({"Age": range(20, 45), "Oldpeak": [0.5] * 25, "Sex": ["F", "M", "F", "M", "M"] * 5})
    return Stream(rows, [0, 1, 0, 0, 1] * 5)


@pytest.fixture
def settings(answering):
    return Settings(home=answering.home, gateway_port=answering.port)


def test_rows_are_answered_in_their_order_and_their_outcomes_are_known(spec, stream, settings):
    progress = []

    sent = sending.send(spec, stream, True, settings, lambda *part: progress.append(part))

    assert (sent.rows, sent.versions, sent.outcomes) == (25, {1: 25}, RecordedOutcomes(25, 0, 0))
    assert progress[0] == ("rows", 2, 25)  # five requests fill a window
    assert progress[-1] == ("outcomes", 25, 25)
    later = datetime.now(UTC) + timedelta(seconds=5)
    lines = [one for one in audit.known_outcomes(settings.home, "toy", since=None, until=later) if one.line.key == "key:simulation"]
    assert [one.line.row for one in lines] == stream.rows.astype(object).to_numpy().tolist()
    assert [one.outcome for one in lines] == stream.outcomes


def test_the_key_is_gone_afterwards_and_both_acts_are_logged(spec, stream, settings):
    sending.send(spec, stream, False, settings, lambda *_: None)

    assert "simulation" not in keys.listed(settings.home)
    acts = [(act.what, act.about) for act in audit.administration(settings.home, audit.Wanted(limit=2))]
    assert acts == [("revoke key", "simulation"), ("add key", "simulation: predict:toy, outcome:toy; for a day")]


def test_the_key_of_a_killed_simulation_is_replaced_and_another_key_is_not(spec, stream, settings):
    keys.issue(settings.home, "simulation", [Grant("predict", "toy")], days=1)
    assert sending.send(spec, stream, False, settings, lambda *_: None).rows == 25

    keys.issue(settings.home, "simulation", [Grant("predict", "toy")])
    try:
        with pytest.raises(KeyNameTakenError, match="'simulation'"):
            sending.send(spec, stream, False, settings, lambda *_: None)
        assert "simulation" in keys.listed(settings.home)
    finally:
        keys.revoke(settings.home, "simulation")


def test_rows_that_the_gateway_refuses_are_said_and_the_key_is_gone(spec, stream, settings):
    stream.rows.loc[13, "Age"] = 900

    with pytest.raises(SimulationError, match=r"toy: 12 rows and 0 outcomes are in the log, then: (.|\n)*Age"):
        sending.send(spec, stream, True, settings, lambda *_: None)

    assert "simulation" not in keys.listed(settings.home)


def test_two_simulations_do_not_share_a_key(spec, stream, settings):
    with simulating(settings), pytest.raises(SimulationError, match="another simulation is running"):
        sending.send(spec, stream, False, settings, lambda *_: None)
