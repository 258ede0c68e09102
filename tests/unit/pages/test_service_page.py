"""The page of a model in service: as large as it can become, and with as little as there can be."""

from __future__ import annotations

import re

import pytest

from slipway.monitoring.latest import LatencySpan
from slipway.pages.languages import Language
from slipway.pages.rendering import View, render
from slipway.pages.service.detail import shown_service
from slipway.pages.service.shapes import (
    JudgedWindow,
    LedgerLine,
    MeasuredFigure,
    ModelAtAGlance,
    RaisedAlarm,
    ServiceDetail,
    TriedVersion,
)
from slipway.pages.service.states import Traffic

AT = "2026-11-30T05:00:00.000+00:00"
COLUMNS = [f"Curricular units 2nd sem (evaluations) {number}" for number in range(36)]
LONG = "recall < 0.8 & precision > 0.9; " * 100


def page(detail: ServiceDetail, language: Language = "en") -> str:
    shown = shown_service(detail, Traffic(3, requests=1), language)
    values = {"detail": detail, "shown": shown, "zone": "UTC", "model": detail.glance.model, "acts": [], "done": ""}
    return render("service/model.html", View(language), **values).decode()


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def full() -> ServiceDetail:
    line = LedgerLine(
        "refused", 3, 2, AT, "anna@clinic", LONG, "schedule release", LONG[1:], 0.9, True, "http://127.0.0.1:4200/runs/flow-run/1"
    )
    served = [JudgedWindow(n, "served", AT, AT, 500, True, True, "drifted", COLUMNS[0], 2.5, COLUMNS) for n in range(15)]
    known = [
        JudgedWindow(n, "outcomes", AT, AT, 500, True, False, "500 outcomes", figure=0.9, low=0.8, high=0.95, registered=0.9, floor=0.8)
        for n in range(15)
    ]
    glance = ModelAtAGlance("toy", 3, AT, True, challenger=TriedVersion(4, 0.1, None, 2000, 1900, "it is better"))
    return ServiceDetail(
        glance=glance, description="Whether a toy is wanted.", metric="accuracy", run_id="3" * 32, line=line, data_sha256="ab" * 32,
        figures=[MeasuredFigure(name, 0.9, 0.85, 0.95) for name in ("accuracy", "f1", "recall", "precision", "roc_auc")], test_rows=184,
        windows=[*served, *known], alarms=[RaisedAlarm("drift", 3, AT, LONG)] * 5,
        latency=[LatencySpan(f"2026-11-30T{hour:02}:00:00+00:00", 100, 1.0, 5.0) for hour in range(24)], lines=[line] * 20,
        mlflow="disagrees", mlflow_disagreements=["the alias champion is on version 2 instead of on version 3"] * 3,
        mlflow_run="http://127.0.0.1:5000/#/run", mlflow_version="http://127.0.0.1:5000/#/version",
        model_card="http://127.0.0.1:5000/#/card", has_report=True,
    )  # fmt: skip


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_page_with_all_that_there_can_be_is_smaller_than_60_kb(language):
    found = page(full(), language)

    assert len(found.encode()) < 60_000
    assert found.count('<svg class="trend"') == 3
    assert "+33" in found  # of 36 columns that drifted, three have their names
    assert re.search(r"recall &lt; 0\.8[^<]{,500}…", found)


def test_it_links_to_run_version_model_card_and_report_and_says_how_to_put_mlflow_in_line():
    found = page(full())

    for address in ("http://127.0.0.1:4200/runs/flow-run/1", "http://127.0.0.1:5000/#/run", "http://127.0.0.1:5000/#/version",
                    "http://127.0.0.1:5000/#/card", "/service/toy/report"):  # fmt: skip
        assert f'href="{address}"' in found
    said = text_of(found)
    assert "accuracy 0.900 (0.850 to 0.950)" in said
    assert "On 184 test rows; 95% intervals in brackets." in said
    assert "MLflow&#39;s alias and stage say something else: the alias champion is on version 2" in said
    assert "slipway reconcile toy" in said
    assert "of the latest 2" not in said
    assert "Of the latest 2 000 rows that both answered, they gave the same answer to 95.0%." in said
    assert "The watch proposes to promote it: it is better" in said


def test_a_model_that_was_never_released_says_how_to_release_it():
    said = text_of(page(ServiceDetail(ModelAtAGlance("toy"))))

    for words in ("Not in service", "No version is in service. To put one into service: slipway release toy", "Not watched yet",
                  "The watch has raised no alarm.", "The ledger has no line about this model."):  # fmt: skip
        assert words in said
