"""A file of outcomes may also be the kind of table that the model's file declares for its rows."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import msgspec
import pytest

from slipway.bundle.contract import of_output
from slipway.catalogue import catalogue
from slipway.errors import InvalidRowsError
from slipway.problems.regression.output import QuantityOutput
from slipway.scoring.outcome_rows import read
from slipway.spec import CSV, JSONLines

SPANISH = CSV(separator=";", decimal=",", thousands=".", encoding="cp1252")
NUMBER = QuantityOutput(unit="eur", description="Cost", coverage=0.9, reach=1.0)


@pytest.fixture
def declares(monkeypatch, heart):
    """Let the model's file declare a kind of table."""

    def declare(table):
        monkeypatch.setitem(catalogue(), heart.name, replace(heart, dataset=replace(heart.dataset, table=table)))

    return declare


@pytest.fixture
def contract(answered, heart):
    return msgspec.structs.replace(answered().contract, model=heart.name)


def test_a_file_in_the_declared_dialect_has_the_rows_of_the_plain_one(tmp_path, declares, contract):
    number = msgspec.structs.replace(contract, **of_output(NUMBER))
    (tmp_path / "plain.csv").write_text("subject,outcome,observed_at\nNúñez,1234.5,\nPeña,7,2026-11-01T08:00:00Z\n", encoding="utf-8")
    spanish = "subject;outcome;observed_at\nNúñez;1.234,5;\nPeña;7;2026-11-01T08:00:00Z\n".encode("cp1252")
    (tmp_path / "spanish.csv").write_bytes(spanish)
    (tmp_path / "spanish.csv.gz").write_bytes(gzip.compress(spanish))
    lines = [{"subject": "Núñez", "outcome": 1234.5}, {"subject": "Peña", "outcome": 7, "observed_at": "2026-11-01T08:00:00Z"}]
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    expected = [{"subject": "Núñez", "outcome": 1234.5}, {"subject": "Peña", "outcome": 7, "observed_at": "2026-11-01T08:00:00Z"}]

    for name, table in {"plain.csv": SPANISH, "spanish.csv": SPANISH, "spanish.csv.gz": SPANISH, "rows.jsonl": JSONLines()}.items():
        declares(table)
        assert read(tmp_path / name, number) == expected, name


def test_a_number_that_breaks_the_declared_marks_is_wrong_in_its_row_only(tmp_path, declares, contract):
    declares(SPANISH)
    (tmp_path / "outcomes.csv").write_text("prediction_id;outcome\na-0;1,5\na-1;1.5\n")

    good, wrong = read(tmp_path / "outcomes.csv", msgspec.structs.replace(contract, **of_output(NUMBER)))

    assert good == {"prediction_id": "a-0", "outcome": 1.5}
    assert (wrong.row, wrong.column, wrong.received) == (1, "outcome", "'1.5'")


def test_only_the_encoding_may_differ(tmp_path, declares, contract):
    declares(CSV(encoding="cp1252"))
    (tmp_path / "outcomes.csv").write_bytes("subject,outcome\nMuñoz,1\n".encode("cp1252"))

    assert read(tmp_path / "outcomes.csv", contract) == [{"subject": "Muñoz", "outcome": 1}]


def test_rows_without_a_header_are_declared_and_outcomes_have_one(tmp_path, declares, contract):
    declares(CSV(separator=";", header=False, names=("Age", "Sex")))
    (tmp_path / "outcomes.csv").write_text("prediction_id;outcome\na-0;1\n")

    assert read(tmp_path / "outcomes.csv", contract) == [{"prediction_id": "a-0", "outcome": 1}]


def test_another_dialect_than_the_declared_one_is_refused_by_its_columns(tmp_path, declares, contract):
    (tmp_path / "outcomes.csv").write_text("prediction_id|outcome\na-0|1\n")

    for table in (CSV(), SPANISH):
        declares(table)
        with pytest.raises(InvalidRowsError, match=r"expected the columns outcome and prediction_id.*'prediction_id\|outcome'"):
            read(tmp_path / "outcomes.csv", contract)
