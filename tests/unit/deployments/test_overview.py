"""What the process beside the gateway says of a home: its models, promotions that were cut short, and what does not answer."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deployments.operations.overview import overview
from deployments.operations.service import service
from slipway.lifecycle.ledger import Ledger, LedgerEntry
from slipway.lifecycle.locking import exclusive
from slipway.pages.service.shapes import ModelAtAGlance, ServiceDetail, ServiceOverview
from slipway.records import Candidate, Promotion
from slipway.settings import Settings

MODEL = "heart-failure"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home where neither Prefect nor MLflow answers."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return Settings(home=tmp_path, prefect_port=1, mlflow_port=1, tracking_uri=None)


def entry(**changes: Any) -> LedgerEntry:
    parts: dict[str, Any] = {
        "event": "promoted", "model": MODEL, "version": 2, "previous": 1, "aliases": [], "stage": "", "metrics": {"accuracy": 0.9},
        "confusion_matrix": [], "data_sha256": "ab" * 32, "sample": False, "run_id": "2" * 32, "why": "passed the gate",
    }  # fmt: skip
    return LedgerEntry(**parts | changes)


def promotion() -> Promotion:
    candidate = Candidate(
        model=MODEL, registered_as="heart_failure_logistic", version=3, run_id="3" * 32, bundle="", metrics={}, confusion_matrix=[],
        data_sha256="ab" * 32, sample=False,
    )  # fmt: skip
    return Promotion(candidate=candidate, host=socket.gethostname(), pointer=None)


def glance(settings: Settings, model: str = MODEL) -> ModelAtAGlance:
    found = msgspec.convert(overview(settings), ServiceOverview)
    return next(one for one in found.models if one.model == model)


def test_an_empty_home_has_every_model_of_the_catalogue_that_has_a_service_and_none_is_in_service(settings):
    found = msgspec.convert(overview(settings), ServiceOverview)

    assert MODEL in [one.model for one in found.models]
    assert "heart-failure-boosting" not in [one.model for one in found.models]  # it challenges heart-failure
    assert {one.version for one in found.models} == {None}
    assert found.silent == ["Prefect"]
    assert list((settings.home / "bundles").glob("*")) == []


def test_a_version_that_only_the_ledger_knows_is_a_disagreement(settings):
    Ledger(settings.ledger).append(entry())
    Ledger(settings.ledger).append(entry(model="of-another-catalogue"))

    found = glance(settings)

    assert (found.version, found.figure.name, found.figure.value) == (2, "accuracy", 0.9)
    assert found.disagreements == [
        "the ledger says that version 2 is in service, and the gateway has no pointer to it",
        "the bundle of version 2, which is in service, is not whole on this host",
    ]
    other = glance(settings, "of-another-catalogue")
    assert (other.version, other.figure) == (2, None)


def test_a_promotion_that_was_cut_short_is_named_and_one_that_is_under_way_is_not(settings):
    Ledger(settings.ledger).append(entry())
    Ledger(settings.ledger).announce(promotion())

    with exclusive(MODEL, settings):
        assert glance(settings).disagreements == []

    (cut_short,) = glance(settings).disagreements
    assert cut_short.endswith("was cut short")
    assert Ledger(settings.ledger).unfinished(MODEL) is not None  # looking changes nothing


def test_one_model_in_full_is_known_by_its_file_or_by_its_lines(settings):
    Ledger(settings.ledger).append(entry(model="of-another-catalogue", run_url="http://127.0.0.1:4200/runs/flow-run/1"))

    absent, known, foreign = (
        msgspec.convert(service(settings, model), ServiceDetail) for model in ("no-such", MODEL, "of-another-catalogue")
    )

    assert (absent.known, known.known, foreign.known) == (False, True, True)
    assert (known.metric, known.lines, known.mlflow) == ("accuracy", [], "elsewhere")  # nothing is in service to be compared
    assert [(line.event, line.version, line.run_url) for line in foreign.lines] == [
        ("promoted", 2, "http://127.0.0.1:4200/runs/flow-run/1")
    ]
