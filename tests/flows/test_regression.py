"""A model that predicts a number, from its rows to a watched endpoint: what every place that answers for it says is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import mlflow
import numpy as np
import pandas as pd
import pytest
from optuna.distributions import IntDistribution
from sklearn.ensemble import RandomForestRegressor

from flows.promote import promote
from flows.release import release
from flows.score import score
from flows.watch import watch
from slipway import audit
from slipway.catalogue import catalogue
from slipway.client import Client, RefusedOutcomes
from slipway.data.validation import validate
from slipway.monitoring.findings import WatchReport, Window
from slipway.monitoring.simulation.drawing import simulate
from slipway.monitoring.simulation.sending import send
from slipway.scoring import outcome_files
from slipway.spec import Gate, ModelSpec, Watch
from slipway.tracking.connection import connect
from slipway.training.splitting import Rows, split
from tests.support.progression import progression

MODEL, RIVAL = "progression", "progression-forest"
QUICK = {"trials": 2, "jobs": 1, "return_state": True}

pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Regressing:
    """A regression in service, and the rows it was measured on."""

    spec: ModelSpec
    place: Any
    rows: Rows
    released: Any

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [dict(zip(self.rows.test.columns, row, strict=True)) for row in self.rows.test.astype(object).to_numpy().tolist()]

    @property
    def truth(self) -> list[float]:
        return self.rows.test_labels.tolist()

    def ask(self, path: str, content: Any) -> Any:
        return httpx.post(f"{self.place.settings.gateway_url}/models/{MODEL}/{path}", json=content, headers=self.bearer, timeout=60).json()

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.place.key}"}

    @property
    def client(self) -> Client:
        return Client(self.place.settings.gateway_url, key=self.place.key)


@pytest.fixture
def regressing(place: Any, tmp_path: Path, free_ports: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Regressing]:
    """A linear model of the logarithm in service: version 1."""
    (tmp_path / "origin").mkdir()
    monkeypatch.delenv("SLIPWAY_MIRROR", raising=False)  # the rows come from the address
    spec = progression(tmp_path / "origin", port=free_ports(1)[0], watch=Watch(rows=200, minimum=50))
    spec = replace(spec, columns=replace(spec.columns, target=replace(spec.columns.target, log=True)))
    monkeypatch.setitem(catalogue(), MODEL, spec)
    state = release(MODEL, **QUICK)
    assert state.name == "Promoted", state.message
    yield Regressing(spec, place, split(spec, validate(spec, Path(spec.dataset.origin))), state.result())
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)


def test_every_place_that_answers_predicts_the_same_numbers_with_their_intervals(regressing: Regressing, tmp_path: Path) -> None:
    settings, spec, rows = regressing.place.settings, regressing.spec, regressing.rows
    connect(settings)
    measured = mlflow.pyfunc.load_model(f"models:/{spec.registered_as}@champion").predict(rows.test)
    metrics = regressing.released.candidate.metrics
    assert np.mean(np.abs(measured - regressing.truth)) == pytest.approx(metrics["mean_absolute_error"])

    invoked = regressing.ask("invocations", {"dataframe_records": regressing.sent})["predictions"]
    predicted = regressing.ask("predict", {"rows": regressing.sent})
    with regressing.client as client:
        answers = client.predict(MODEL, regressing.sent)
        assert client.invocations(MODEL, {"dataframe_records": regressing.sent[:2]}) == invoked[:2]

    assert invoked == pytest.approx(measured.tolist(), rel=1e-9)
    assert all(type(one) is float for one in invoked)
    assert [one["prediction"] for one in predicted["predictions"]] == invoked == [one.label for one in answers]
    assert (predicted["coverage"], predicted["unit"]) == (0.9, "points")
    ends = np.array([one["interval"] for one in predicted["predictions"]])
    assert [one.interval for one in answers] == [tuple(pair) for pair in ends.tolist()]
    within = (ends[:, 0] <= regressing.truth) & (regressing.truth <= ends[:, 1])
    assert within.mean() == pytest.approx(metrics["interval_coverage"])
    assert 0.75 < within.mean() <= 1  # of 111 test rows; 90 % are expected

    document = httpx.get(f"{settings.gateway_url}/models/{MODEL}/openapi.json", headers=regressing.bearer).json()
    for name, content in (("Predictions", predicted), ("Labels", {"predictions": invoked}), ("Prediction", predicted["predictions"][0])):
        schema = document["components"]["schemas"][name] | {"components": document["components"]}
        jsonschema.validate(content, schema)

    [line] = audit.predictions(settings.home, audit.Wanted(prediction_id=answers[5].prediction_id))
    assert (line.label, line.probabilities) == (answers[5].label, list(answers[5].interval))

    rows.test.to_csv(tmp_path / "rows.csv", index=False)
    for through in ("bundle", "endpoint"):
        scored = score(MODEL, str(tmp_path / "rows.csv"), str(tmp_path / f"{through}.csv"), through, return_state=True).result()
        written = pd.read_csv(tmp_path / f"{through}.csv")
        assert written["prediction"].tolist() == pytest.approx(invoked, rel=1e-12)
        assert written[["low", "high"]].to_numpy() == pytest.approx(ends)
        assert scored.labels == {"Progression after one year": len(rows.test)}


def test_its_outcomes_are_judged_its_drift_is_found_and_a_better_challenger_is_promoted(
    regressing: Regressing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, until: Any
) -> None:
    settings, spec = regressing.place.settings, regressing.spec
    with regressing.client as client:
        answers = client.predict(MODEL, regressing.sent)
        with pytest.raises(RefusedOutcomes, match=r"outcome': expected a number from 0 to 400 \(points\), received 401"):
            client.outcomes(MODEL, [{"prediction_id": answers[0].prediction_id, "outcome": 401}])
        first = client.outcomes(MODEL, [{"prediction_id": answers[0].prediction_id, "outcome": 0.1 + 0.2}])
        again = client.outcomes(MODEL, [{"prediction_id": answers[0].prediction_id, "outcome": 0.1 + 0.2}])
    assert (first.recorded, again.repeated) == (1, 1)
    assert audit.history(settings.home, answers[0].prediction_id)[0].label == 0.1 + 0.2
    lines = [f"{answer.prediction_id},{truth!r}\n" for answer, truth in zip(answers[1:], regressing.truth[1:], strict=True)]
    (tmp_path / "outcomes.csv").write_text("prediction_id,outcome\n" + "".join(lines))
    report = outcome_files.send(MODEL, tmp_path / "outcomes.csv", settings, lambda *_: None)
    assert (report.done.recorded, report.rejected) == (len(answers) - 1, 0)

    send(spec, simulate(spec, regressing.rows, "none", 400), True, settings, lambda *_: None)
    reports = _watched(until, lambda found: len(_judged(found)) >= 2)
    served = next(window for report in reports for window in report.windows if window.drift)
    outcomes = _judged(reports)[0]
    assert not any(report.alarm for report in reports)
    assert (served.drift.prediction.distance_by, served.drift.prediction.test) == ("wasserstein", "ks")
    assert outcomes.performance.figure == pytest.approx(regressing.released.candidate.metrics["mean_absolute_error"], rel=0.2)
    assert "of the outcomes are within their interval" in outcomes.reason
    assert not outcomes.performance.worse

    send(spec, simulate(spec, regressing.rows, "concept", 400, size=1.0), True, settings, lambda *_: None)
    drifted = _watched(until, lambda found: found[-1].alarm)[-1]
    assert drifted.kind == "outcomes"
    assert "rose above the floor" in drifted.reason

    forest = replace(
        spec,
        name=RIVAL,
        challenges=MODEL,
        estimator=RandomForestRegressor(n_estimators=50),
        search_space={"max_depth": IntDistribution(3, 6)},
        gate=Gate(floor=60.0, tolerance=0.0, slice_tolerance=5.0),
    )
    monkeypatch.setitem(catalogue(), RIVAL, forest)
    challenging = release(RIVAL, **QUICK)
    assert challenging.name == "Challenging", challenging.message
    paired = challenging.result().verdict.paired
    assert paired.effect.lower_is_better
    assert paired.verdict in ("no difference shown", "champion better")
    send(spec, simulate(spec, regressing.rows, "none", 200), True, settings, lambda *_: None)
    compared = _watched(until, lambda found: found[-1].paired and found[-1].paired.rows == 200)[-1]
    assert (compared.challenger, compared.paired.repeated, compared.paired.rows) == (2, True, 200)
    promoted = promote(MODEL, because="to try it", return_state=True)
    assert promoted.name in ("Promoted", "Refused"), promoted.message


def _watched(until: Any, enough: Callable[[list[WatchReport]], Any]) -> list[WatchReport]:
    """Watch until the reports say enough: rows count two seconds after they came."""
    found: list[WatchReport] = []

    def judged() -> bool:
        found.append(watch(MODEL, return_state=True).result())
        return bool(enough(found))

    until(judged, "the watch has judged what was sent", 200)
    return found


def _judged(reports: list[WatchReport]) -> list[Window]:
    """Return the windows of outcomes that were judged."""
    return [window for report in reports for window in report.windows if window.performance]
