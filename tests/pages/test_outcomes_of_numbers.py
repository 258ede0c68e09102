"""The actual outcome of a model that predicts a number, recorded on the page and by programs."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.access import keys, users
from slipway.access.callers import Grant
from slipway.access.records import read
from slipway.bundle.cells import rows_of
from slipway.bundle.compiling import compile_model, contract_columns, words_of
from slipway.bundle.contract import FORMAT, Contract, Probe, of_output
from slipway.bundle.writing import write
from slipway.data.validation import validate
from slipway.training.pipelines import build
from tests.gateway.conftest import Gateway
from tests.pages.conftest import PASSWORD, Person, Visitor, text_of
from tests.support.progression import progression

MODEL = "progression"


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with a ridge regression in service."""
    home = tmp_path_factory.mktemp("ward")
    spec = progression(home)
    frame = validate(spec, home / "progression.csv")
    pipeline = spec.problem.wrapped(build(spec, {})).fit(frame[spec.columns.names], frame["target"])
    compiled, output = compile_model(spec, pipeline), spec.problem.output(None, 60.0)
    contract = Contract(
        format=FORMAT, model=MODEL, registered_as=spec.registered_as, version=1, run_id="1" * 32, engine=compiled.engine,
        description=spec.description, columns=contract_columns(spec), target="target", data_sha256="0" * 64, sample=False,
        metrics={}, mlflow_version="3.17.2", created_at="2026-11-01T00:00:00+00:00", **of_output(output),
    )  # fmt: skip
    head = frame[spec.columns.names].head(30)
    labels, numbers = output.of_model(pipeline, head)
    write(home / "made", compiled.files, contract, Probe(rows_of(head, contract.columns), labels, numbers.tolist()), words_of(spec))
    gateway = Gateway(home)
    keys.add(home, "tester", gateway.key)
    (home / ".env").write_text("SLIPWAY_PREFECT_PORT=1\n")
    gateway.start().serve(home / "made", MODEL)
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def nurse(ward: Gateway) -> Iterator[Visitor]:
    """A person who predicts and records outcomes, and reads Spanish, where 151,5 is written with a comma."""
    users.add(ward.home, "nora", PASSWORD, [Grant.parse("predict"), Grant.parse("outcome")], with_second_factor=True)
    person = Person(ward.home, "nora", read(ward.home).users["nora"].second_factor or "")
    with Visitor(ward.url, **{"Accept-Language": "es"}) as visitor:
        assert visitor.sign_in(person).status_code == 303
        yield visitor


def predicted(nurse: Visitor) -> str:
    """Predict on the page, and return the prediction id."""
    values = {
        "age": "59",
        "sex": "2",
        "bmi": "32,1",
        "bp": "101",
        "s1": "157",
        "s2": "93,2",
        "s3": "38",
        "s4": "4",
        "s5": "4,9",
        "s6": "87",
    }
    fields = {f"value:{name}": value for name, value in values.items()}
    reply = nurse.submit(f"/predict/{MODEL}", nurse.form(f"/predict/{MODEL}") | fields)
    assert reply.status_code == 200, text_of(reply)
    return f"{reply.headers['x-request-id']}-0"


def send(nurse: Visitor, prediction: str, outcome: str) -> httpx.Response:
    return nurse.submit("/predictions/outcome", nurse.form("/predictions") | {"prediction": prediction, "outcome": outcome})


def post(ward: Gateway, prediction: str, outcome: Any) -> httpx.Response:
    sent = {"outcomes": [{"prediction_id": prediction, "outcome": outcome}]}
    return httpx.post(f"{ward.url}/models/{MODEL}/outcomes", json=sent, headers=ward.bearer)


def recorded(home: Path, prediction: str) -> list[Any]:
    with sqlite3.connect(home / "gateway" / "audit.db") as log:
        return [row[0] for row in log.execute("SELECT label FROM outcomes WHERE prediction_id = ? ORDER BY id", (prediction,))]


def test_a_number_is_recorded_read_back_and_corrected_on_the_page(ward: Gateway, nurse: Visitor) -> None:
    prediction = predicted(nurse)

    first = send(nurse, prediction, "151,5")
    page = text_of(nurse.get(first.headers["location"]))
    corrected = send(nurse, prediction, "150 points")
    after = text_of(nurse.get(corrected.headers["location"]))
    again = send(nurse, prediction, "150")

    assert "El resultado ha quedado anotado." in page
    assert "151,5 points" in page
    assert "se ha corregido" in after
    assert re.search(r"150 points .* Antes: 151,5 points\.", after)
    assert again.headers["location"] == "/predictions?done=outcome.repeated"
    assert recorded(ward.home, prediction) == [151.5, 150]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Escriba"),
        ("mucho", "mucho"),
        ("401", "«401» no puede ser el resultado. De 0 a 400 points."),
        ("-0,1", "«-0,1» no puede ser el resultado. De 0 a 400 points."),
        ("nan", "nan"),
        ("1e999", "1e999"),
        ("=1", "=1"),
    ],
)
def test_what_is_no_number_in_range_is_refused_beside_the_field(ward: Gateway, nurse: Visitor, typed: str, said: str) -> None:
    prediction = predicted(nurse)

    reply = send(nurse, prediction, typed)

    assert reply.status_code == 400
    assert said in text_of(reply)
    assert 'id="o1"' in reply.text
    assert recorded(ward.home, prediction) == []


def test_a_program_records_and_corrects_a_number(ward: Gateway, nurse: Visitor) -> None:
    prediction = predicted(nurse)

    counts = [post(ward, prediction, outcome).json() for outcome in (0, 0.1 + 0.2, 0.1 + 0.2)]

    assert counts == [
        {"recorded": 1, "corrected": 0, "repeated": 0},
        {"recorded": 0, "corrected": 1, "repeated": 0},
        {"recorded": 0, "corrected": 0, "repeated": 1},
    ]
    assert recorded(ward.home, prediction) == [0, 0.1 + 0.2]
    assert "por key:tester." in text_of(nurse.get("/predictions"))


@pytest.mark.parametrize("outcome", ["151.5", "many", True, None, -1, 400.5, [1], 10**400])
def test_what_a_program_sends_that_is_no_number_in_range_is_refused(ward: Gateway, nurse: Visitor, outcome: Any) -> None:
    prediction = predicted(nurse)

    reply = post(ward, prediction, outcome)

    assert reply.status_code == 400
    assert recorded(ward.home, prediction) == []
