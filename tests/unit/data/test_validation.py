"""A file that breaks the declared columns is refused with every violation, its line and its value."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from slipway.data.validation import validate
from slipway.errors import InvalidRowsError
from slipway.spec import ModelSpec, Numeric, Target

HEADER = "size,weight,colour,wanted,id"
# no column determines the class by itself: every size, weight and colour occurs with both
GOOD = ["10,1.5,red,0,a", "10,1.5,red,1,b", "20,2.5,blue,0,c", "20,2.5,blue,1,d"]

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write lines into a file."""

    def written(*lines: str) -> Path:
        (tmp_path / "toy.csv").write_text("".join(f"{line}\n" for line in lines))
        return tmp_path / "toy.csv"

    return written


def test_valid_rows_come_back_typed_in_contract_order_without_excluded_columns(toy: ModelSpec, write: Write) -> None:
    shuffled = ["wanted,id,colour,weight,size", "0,a,red,1.5,10", "1,b,red,1.5,10", "0,c,blue,2,20", "1,d,blue,2,20"]

    rows = validate(toy, write(*shuffled))

    assert list(rows.columns) == ["size", "weight", "colour", "wanted"]
    assert [str(rows[name].dtype) for name in ("size", "weight", "wanted")] == ["int64", "float64", "int64"]
    assert rows.to_numpy(dtype=object).tolist()[2] == [20, 2.0, "blue", 0]


@pytest.mark.parametrize(
    ("line", "violation"),
    [
        ("ten,1.5,red,0,e", "column 'size' has text where numbers (cm) were expected: line 6 'ten'."),
        ("nan,1.5,red,0,e", "column 'size' has text where numbers (cm) were expected: line 6 'nan'."),
        ("10.5,1.5,red,0,e", "column 'size' has fractions where whole numbers were expected: line 6 '10.5'."),
        ("101,1.5,red,0,e", "column 'size' is outside 0 to 100 cm: line 6 '101'."),
        ("-1,1.5,red,0,e", "column 'size' is outside 0 to 100 cm: line 6 '-1'."),
        ("10,inf,red,0,e", "column 'weight' is outside 0 to 5 kg: line 6 'inf'."),
        ("10,,red,0,e", "column 'weight' has missing values: line 6 ''. If cells may be missing, declare it with missing=True."),
        ("10,1.5,,0,e", "column 'colour' has unknown categories, expected one of ['red', 'blue']: line 6 ''."),
        ("10,1.5,RED,0,e", "column 'colour' has unknown categories, expected one of ['red', 'blue']: line 6 'RED'."),
        ("10,1.5,red,2,e", "target 'wanted' has unknown classes, expected one of ['0', '1']: line 6 '2'."),
        ("10,1.5,red,,e", "target 'wanted' has unknown classes, expected one of ['0', '1']: line 6 ''."),
        ("10", "column 'weight' has missing values: line 6 ''. If cells may be missing, declare it with missing=True."),
    ],
)
def test_a_bad_cell_is_named_with_its_column_line_and_value(toy: ModelSpec, write: Write, line: str, violation: str) -> None:
    with pytest.raises(InvalidRowsError) as error:
        validate(toy, write(HEADER, *GOOD, line))

    assert f"  - {violation}\n" in str(error.value)
    assert str(error.value).startswith("toy: toy.csv breaks the columns declared in the model's file, toy.py:\n")


def test_values_on_the_borders_of_a_range_are_valid(toy: ModelSpec, write: Write) -> None:
    assert len(validate(toy, write(HEADER, *GOOD, "0,0,red,0,e", "100,5,red,1,f"))) == 6


def test_all_violations_are_reported_at_once(toy: ModelSpec, write: Write) -> None:
    with pytest.raises(InvalidRowsError) as error:
        validate(toy, write("size,colour,wanted,extra", "ten,red,0,1", "101,green,1,2", "10,red,7,3"))

    assert str(error.value).splitlines()[1:-1] == [
        "  - column 'weight' is missing; the file has ['size', 'colour', 'wanted', 'extra'].",
        "  - column 'extra' is unexpected; declare it as a feature or exclude it with a reason.",
        "  - column 'size' has text where numbers (cm) were expected: line 2 'ten'.",
        "  - column 'size' is outside 0 to 100 cm: line 3 '101'.",
        "  - column 'colour' has unknown categories, expected one of ['red', 'blue']: line 3 'green'.",
        "  - target 'wanted' has unknown classes, expected one of ['0', '1']: line 4 '7'.",
    ]


def test_of_many_bad_cells_five_are_named_and_the_others_counted(toy: ModelSpec, write: Write) -> None:
    with pytest.raises(InvalidRowsError, match=r"line 2 '101', .*, line 6 '101' and 2 more\.\n"):
        validate(toy, write(HEADER, *["101,1.5,red,0,a"] * 7, *GOOD))


def test_a_blank_line_is_skipped_and_still_counted(toy: ModelSpec, write: Write) -> None:
    assert len(validate(toy, write(HEADER, *GOOD, ""))) == 4

    # header 1, blank 2, GOOD 3 to 6, blank 7
    with pytest.raises(InvalidRowsError, match="line 8 '101'"):
        validate(toy, write(HEADER, "", *GOOD, "", "101,1.5,red,0,e"))


def test_rows_longer_than_the_header_are_refused_rather_than_read_shifted(toy: ModelSpec, write: Write) -> None:
    with pytest.raises(InvalidRowsError, match="the rows have more cells than the header has columns"):
        validate(toy, write(HEADER, *[f"7,{line}" for line in GOOD]))


def test_one_row_longer_than_the_others_is_refused_with_its_line(toy: ModelSpec, write: Write) -> None:
    with pytest.raises(InvalidRowsError, match=r"the file is not CSV in UTF-8: .*Expected 5 fields in line 6, saw 6"):
        validate(toy, write(HEADER, *GOOD, "10,1.5,red,0,e,more"))


def test_an_empty_file_is_refused(toy: ModelSpec, write: Write) -> None:
    with pytest.raises(InvalidRowsError, match="the file is empty; a header and rows were expected"):
        validate(toy, write())


def test_a_header_without_rows_is_refused(toy: ModelSpec, write: Write) -> None:
    with pytest.raises(InvalidRowsError, match="the file has a header but no rows"):
        validate(toy, write(HEADER))


def test_rows_of_one_class_only_are_refused(toy: ModelSpec, write: Write) -> None:
    with pytest.raises(InvalidRowsError, match="target 'wanted' has no row of class 1"):
        validate(toy, write(HEADER, GOOD[0], GOOD[2]))


def test_a_column_that_reveals_the_answer_is_refused(toy: ModelSpec, write: Write) -> None:
    # red is always left, blue always wanted
    with pytest.raises(InvalidRowsError, match="column 'colour' determines the target 'wanted' by itself: it leaks the answer"):
        validate(toy, write(HEADER, "10,1.5,red,0,a", "10,1.5,blue,1,b", "20,2.5,red,0,c", "20,2.5,blue,1,d"))


def test_labels_may_be_texts(toy: ModelSpec, write: Write) -> None:
    columns = replace(toy.columns, target=Target("wanted", {"no": "left", "yes": "wanted"}, positive="yes"))
    lines = [line.replace(",0,", ",no,").replace(",1,", ",yes,") for line in GOOD]

    rows = validate(replace(toy, columns=columns), write(HEADER, *lines))

    assert rows["wanted"].tolist() == ["no", "yes", "no", "yes"]


def test_a_file_saved_by_a_spreadsheet_with_bom_and_crlf_reads_the_same(toy: ModelSpec, write: Write, tmp_path: Path) -> None:
    plain = validate(toy, write(HEADER, *GOOD))
    (tmp_path / "excel.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join([HEADER, *GOOD, ""]).encode())

    pd.testing.assert_frame_equal(validate(toy, tmp_path / "excel.csv"), plain)


def test_a_file_that_is_not_utf8_is_refused_as_such(toy: ModelSpec, tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("\n".join([HEADER, *GOOD, "10,1.5,größe,0,e", ""]).encode("latin-1"))

    with pytest.raises(InvalidRowsError, match=r"latin\.csv is encoded as 'cp1252', but the model's file says 'utf-8'\. Write encoding"):
        validate(toy, tmp_path / "latin.csv")


def test_a_wide_table_is_read_without_a_warning_of_a_library(toy: ModelSpec, write: Write) -> None:
    wide = {f"number {place}": Numeric(0, 9, "mm", "A number") for place in range(150)}
    columns = replace(toy.columns, features=wide, excluded={})
    header = ",".join([*wide, "wanted"])
    lines = [",".join([str(row % 7 + place % 3) for place in range(150)] + [str(row % 2)]) for row in range(20)]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = validate(replace(toy, columns=columns), write(header, *lines))

    assert rows.shape == (20, 151)


def test_a_million_cells_of_a_wide_table_need_less_than_two_seconds(toy: ModelSpec, write: Write) -> None:
    wide = {f"number {place}": Numeric(0, 99, "mm", "A number") for place in range(300)}
    header = ",".join([*wide, "wanted"])
    lines = [",".join([f"{(row * 31 + place * 17) % 9_973 / 101:.4f}" for place in range(300)] + [str(row % 2)]) for row in range(2_000)]
    spec, path = replace(toy, columns=replace(toy.columns, features=wide, excluded={})), write(header, *lines)
    validate(spec, path)  # imports libraries

    before = time.process_time()  # what other programs take does not count
    validate(spec, path)

    assert time.process_time() - before < 2 * 0.6  # 602,000 cells


def test_the_real_rows_are_valid(heart: ModelSpec, real_csv: Path) -> None:
    rows = validate(heart, real_csv)

    assert len(rows) == 918
    assert rows["HeartDisease"].value_counts().to_dict() == {1: 508, 0: 410}
