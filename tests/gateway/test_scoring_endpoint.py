"""A file through the endpoint: the same answers as any caller's, and a line of the audit log for each."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pandas as pd
import pytest

from slipway import audit
from slipway.errors import GatewayUnreachableError, ScoringError, ServingError
from slipway.scoring import running
from slipway.scoring.from_endpoint import FromEndpoint
from slipway.scoring.job import job
from slipway.scoring.workspace import workspace
from slipway.settings import Settings

ROWS = pd.DataFrame({"id": ["a", "b", "c", "d"], "Age": [30, 80, 300, 31], "Oldpeak": [0.0, 2.0, 0.0, 0.1], "Sex": ["F", "M", "F", "F"]})


def settings_of(gateway, **changes):
    return Settings(**{"home": gateway.home, "gateway_port": gateway.port, "SLIPWAY_API_KEY": gateway.key} | changes)


def score(gateway, toy, source, subject=None, **changes):
    settings = settings_of(gateway, **changes)
    asked = job("toy", str(source), through="endpoint", subject=subject)
    with workspace(asked, settings) as folder:
        return running.score(replace(toy, name="toy"), asked, source, folder, settings, lambda _: None)


@pytest.mark.usefixtures("no_settings")
def test_rows_are_answered_by_the_endpoint_and_are_in_its_log(serving, toy, tmp_path):
    ROWS.to_csv(tmp_path / "rows.csv", index=False)

    scored = score(serving, toy, tmp_path / "rows.csv", max_rows=2)

    found = pd.read_csv(scored.destination)
    good = ROWS.drop(index=2)
    answered = serving.ask({"dataframe_records": good.drop(columns="id").to_dict("records")}).json()["predictions"]
    assert found["label"].tolist() == answered == [0, 1, 0]
    assert list(found)[:2] == ["row", "id"]
    assert found["row"].tolist() == [0, 1, 3]
    assert (scored.rejected, scored.versions, scored.bundle_sha256) == (1, {"1": 3}, None)
    logged = {line.prediction_id: line for line in audit.predictions(serving.home, audit.Wanted())}
    assert [logged[one].label for one in found["prediction_id"]] == [0, 1, 0]


@pytest.mark.usefixtures("no_settings")
def test_the_log_has_the_subject_of_a_row_if_a_column_names_it(serving, toy, tmp_path):
    ROWS.assign(id=["4711", "", "4713", "\u0007"]).to_csv(tmp_path / "rows.csv", index=False)

    scored = score(serving, toy, tmp_path / "rows.csv", subject="id")

    assert pd.read_csv(scored.destination)["row"].tolist() == [0, 1]
    assert pd.read_csv(scored.rejected_to)[["row", "column"]].to_numpy().tolist() == [[2, "Age"], [3, "subject"]]
    lines = {line.prediction_id: line.subject for line in audit.predictions(serving.home, audit.Wanted())}
    known, unknown = (lines[one] for one in pd.read_csv(scored.destination)["prediction_id"])
    assert known not in (None, "4711")  # encrypted
    assert unknown is None


@pytest.mark.usefixtures("no_settings")
def test_an_endpoint_that_cannot_be_asked_is_an_error_that_says_why(answering, gateway, toy, tmp_path, dead_url):
    ROWS.to_csv(tmp_path / "rows.csv", index=False)
    port = int(dead_url.rsplit(":", 1)[1])

    for asked, changes, error, message in [
        (answering, {"SLIPWAY_API_KEY": "environment"}, ServingError, "answered 401"),
        (answering, {"gateway_port": port}, GatewayUnreachableError, "slipway up"),
        (gateway, {}, ScoringError, "slipway release toy"),
    ]:
        with pytest.raises(error, match=message):
            score(asked, toy, tmp_path / "rows.csv", **changes)

    assert [path.name for path in tmp_path.glob("*rows*")] == ["rows.csv"]


@pytest.mark.usefixtures("no_settings")
def test_a_change_of_version_during_a_file_is_an_error_and_gives_no_mixture(answering):
    with FromEndpoint("toy", settings_of(answering)) as endpoint:
        with pytest.raises(ScoringError, match=r"(?s)was another version put into service.*'Age'"):
            endpoint.answer({"Age": [300], "Oldpeak": [0.0], "Sex": ["F"]})
        endpoint.contract = msgspec.structs.replace(endpoint.contract, classes=("no", "yes"))
        with pytest.raises(ScoringError, match=r"expected answers of the classes \['no', 'yes'\], received \[0, 1\] of version 1"):
            endpoint.answer({"Age": [30], "Oldpeak": [0.0], "Sex": ["F"]})
