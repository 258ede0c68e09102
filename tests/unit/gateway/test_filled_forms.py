"""A form that a browser sent, as a row for the API's check: a field that was forgotten never becomes a missing value."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.bundle.contract import FORMAT, Column, Contract
from slipway.gateway.bodies.refusing import check
from slipway.gateway.endpoints.pages.predicting import FilledForm
from slipway.gateway.replies import RequestError
from slipway.pages.prediction.fields import form_fields
from slipway.pages.prediction.typed_values import typed_row
from slipway.pages.prediction.words import Vocabulary

COLUMNS = (
    Column("age", "integer", "Age", low=0, high=120),
    Column("ldl", "number", "LDL", low=0, high=490, missing=True),
    Column("shop", "category", "Shop", values=("north", "south"), missing=True),
    Column("odd", "category", "Odd", values=("", "x")),  # an empty text is one of its values
    Column("note", "text", "Note", longest=20, missing=True),
)
COMPLETE = {"value:age": "61", "value:ldl": "120", "value:shop": "=north", "value:odd": "=", "value:note": "none"}


@pytest.fixture
def contract() -> Contract:
    fields: dict[str, Any] = dict.fromkeys(("registered_as", "run_id", "description", "target", "data_sha256", "mlflow_version"), "")
    return Contract(
        format=FORMAT, model="toy", version=1, engine="linear", columns=COLUMNS, classes=(0, 1), class_meanings=("no", "yes"), positive=1,
        threshold=0.5, sample=True, metrics={}, created_at="2026-11-01T00:00:00+00:00", **fields,
    )  # fmt: skip


def filled(contract: Contract, sent: dict[str, str]) -> FilledForm:
    words = Vocabulary(contract, {}, "en")
    fields = form_fields(words)
    return FilledForm(words, fields, sent, typed_row(fields, sent, "en"))


def refusal(contract: Contract, sent: dict[str, str]) -> RequestError:
    """Return how the way of a prediction refuses the form: what is wrong with the typing, then what breaks the contract."""
    with pytest.raises(RequestError) as refused:
        check(filled(contract, sent).read(contract)[0], contract)
    return refused.value


def test_a_complete_form_is_a_row(contract: Contract) -> None:
    columns, subjects = filled(contract, COMPLETE | {"subject": " 4711 "}).read(contract)

    assert check(columns, contract) == {"age": [61], "ldl": [120], "shop": ["north"], "odd": [""], "note": ["none"]}
    assert subjects == ["4711"]


@pytest.mark.parametrize("name", COMPLETE)
def test_each_field_that_was_forgotten_refuses_the_form_once(contract: Contract, name: str) -> None:
    error = refusal(contract, {key: value for key, value in COMPLETE.items() if key != name})

    assert [violation.column for violation in error.violations] == [name.removeprefix("value:")]
    assert error.total == 1


def test_an_empty_form_counts_every_field_once(contract: Contract) -> None:
    error = refusal(contract, {})

    assert (error.status, error.total) == (400, len(COLUMNS))
    assert len(filled(contract, {}).errors()) == len(COLUMNS)
