"""What a person downloads: counted, numbered as in a spreadsheet, in the person's dialect, and harmless in a spreadsheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from slipway.bundle.contract import Column
from slipway.catalogue import lookup
from slipway.problems.serving import QuantityOutput
from slipway.rows.checks import Violation
from slipway.rows.uploads import PREDICTIONS, REJECTED, SHOWN_PREDICTIONS, SHOWN_REJECTED, FinishedFile, FinishTask
from slipway.scoring.uploads.finishing import finish, harmless
from tests.gateway.conftest import COLUMNS
from tests.unit.pages.conftest import contract_of_spec

AMOUNT = Column("amount", "number", "an amount", low=0, high=10)


@pytest.fixture
def contract() -> Any:
    return contract_of_spec(lookup("diabetes"), columns=COLUMNS)


def finished(folder: Path, contract: Any, predictions: str, rejected: str = "", language: str = "en") -> FinishedFile:
    (folder / PREDICTIONS).write_text(predictions)
    if rejected:
        (folder / REJECTED).write_text(rejected)
    separator, decimal = (",", ".") if language == "en" else (";", ",")
    return finish(folder, FinishTask(contract, {}, language, separator, decimal))  # type: ignore[arg-type]


def shown(path: Path) -> list[str]:
    return path.read_bytes().decode("utf-8-sig").split("\r\n")


HEAD = "row,id,label,meaning,probability_0,probability_1,version\n"


def test_predictions_are_counted_and_numbered_as_in_a_spreadsheet(tmp_path: Path, contract: Any) -> None:
    found = finished(tmp_path, contract, f"{HEAD}0,a,1,diabetes,0.25,0.75,3\n4,b,0,no diabetes,0.9,0.1,3\n5,c,1,diabetes,0.25,0.75,3\n")

    assert (found.answered, found.rejected, found.labels) == (3, 0, {"1": 2, "0": 1})
    assert [line.partition(",")[0] for line in shown(tmp_path / SHOWN_PREDICTIONS)] == ["row", "2", "6", "7", ""]
    assert not (tmp_path / SHOWN_REJECTED).exists()
    assert (tmp_path / SHOWN_PREDICTIONS).stat().st_mode & 0o777 == 0o600


def test_a_spanish_file_has_semicolons_and_decimal_commas(tmp_path: Path, contract: Any) -> None:
    finished(tmp_path, contract, f"{HEAD}0,1.5,1,diabetes,0.25,0.75,3\n", language="es")

    assert shown(tmp_path / SHOWN_PREDICTIONS)[1] == "2;1.5;1;diabetes;0,25;0,75;3"  # the person's own column stays as it came


def test_reasons_are_in_words_and_only_the_first_hundred_are_for_the_page(tmp_path: Path, contract: Any) -> None:
    lines = "".join(f'{row},Age,"a whole number from 0 to 120 (years)","""x"""\n' for row in range(150))
    last = "150,,3 cells,2 cells\n150,Sex,\"one of 'F', 'M'\",\"nothing (null, NaN or an empty cell)\"\n"
    rejected = f"row,column,expected,received\n{lines}{last}"

    found = finished(tmp_path, contract, HEAD, rejected, "es")

    assert (found.answered, found.rejected, found.violations, len(found.first)) == (0, 151, 152, 100)
    assert found.first[0] == Violation(2, "Age", "a whole number from 0 to 120 (years)", '"x"')
    lines_shown = shown(tmp_path / SHOWN_REJECTED)
    assert lines_shown[:2] == ["Fila;Columna;Se esperaba;Se recibió", '2;Age;Un número entero de 0 a 120 years;"""x"""']
    assert lines_shown[151:153] == ["152;;3 celdas;2 celdas", "152;Sex;F, M;(vacía)"]


def test_numbers_are_summed_up_by_the_lowest_the_median_and_the_highest(tmp_path: Path) -> None:
    classes = contract_of_spec(lookup("heart-failure"), columns=(AMOUNT,))
    contract = msgspec.structs.replace(classes, classes=(), class_meanings=(), quantity=QuantityOutput("days", "stay", 0.9, 1.0))
    found = finished(tmp_path, contract, "row,prediction,low,high,version\n0,4.5,1,6,3\n1,2,1,6,3\n2,9,1,10,3\n")

    assert (found.answered, found.labels, found.numbers) == (3, {}, (2.0, 4.5, 9.0))


@pytest.mark.parametrize("cell", ["=1+1", "+1+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", "=HYPERLINK(1)"])
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["-8.1", "+3", "-8,1", "-1e-05", "1.5", "a=1", ""])
def test_numbers_stay_numbers(cell: str) -> None:
    assert harmless(cell) == cell


def test_formulas_are_harmless_in_names_in_kept_cells_and_in_what_was_received(tmp_path: Path, contract: Any) -> None:
    finished(
        tmp_path,
        contract,
        'row,=1+1,label,meaning,probability_0,probability_1,version\n0,"=cmd()",1,diabetes,0.25,0.75,3\n',
        "row,column,expected,received\n1,Sex,x,=1+1\n",
    )

    assert shown(tmp_path / SHOWN_PREDICTIONS)[:2] == [
        "row,'=1+1,label,meaning,probability_0,probability_1,version",
        "2,'=cmd(),1,diabetes,0.25,0.75,3",
    ]
    assert shown(tmp_path / SHOWN_REJECTED)[1].endswith(",'=1+1")
