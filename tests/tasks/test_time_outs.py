"""How long a step may take and how often it is tried again, as docs/faults.md says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prefect import Task

from slipway.errors import DatasetChangedError, DatasetNotFoundError, OriginUnreachableError, ParityError, ServingError, SmokeTestError
from tasks import data, gate, patience, registry, reporting, serving, tuning

PAGE = (Path(__file__).parents[2] / "docs" / "faults.md").read_text()
STEPS: dict[str, Task] = {
    "fetch": data.fetch,
    "admit": data.admit,
    "validate": data.validate,
    "tune": tuning.tune,
    "register": registry.register,
    "judge": gate.judge,
    "promote": registry.promote,
    "report": reporting.report,
    "confirm": registry.confirm,
    "serve": serving.serve,
    "smoke-test": serving.smoke_test,
}
UNITS = {"minutes": 60, "hour": 3_600, "hours": 3_600}


def test_every_step_has_the_time_out_of_the_page():
    rows = re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \| (\d+) (minutes|hours?)\b", PAGE, re.MULTILINE)
    shown = {step: int(number) * UNITS[unit] for steps, number, unit in rows for step in re.findall(r"`(.+?)`", steps)}

    assert shown == {name: step.timeout_seconds for name, step in STEPS.items()}


def test_the_pauses_between_attempts_are_those_of_the_page():
    assert "`fetch` retries after about 2, 8 and 30 s" in PAGE
    assert data.fetch.retry_delay_seconds == [2, 8, 30]
    assert "the step waits about 2 minutes in all (30 s in the first step)" in PAGE
    assert (sum(patience.MLFLOW_DELAYS), sum(registry.recover.retry_delay_seconds)) == (126, 30)
    assert "`serve` and `smoke-test` retry three times, about 14 s in all" in PAGE
    assert sum(patience.MLFLOW_DELAYS[: patience.GATEWAY_RETRIES]) == 14


@pytest.mark.parametrize("error", [DatasetChangedError, DatasetNotFoundError, ParityError, ServingError, SmokeTestError, ValueError])
def test_what_would_end_the_same_way_is_tried_once(error):
    assert attempts(error) == 1


def test_what_may_heal_is_tried_again():
    assert attempts(OriginUnreachableError) == 4


def attempts(error: type[Exception]) -> int:
    made = []

    def step() -> None:
        made.append(error)
        raise error("the reason")

    with pytest.raises(error):
        patience.patiently(step, delays=(0, 0, 0))
    return len(made)
