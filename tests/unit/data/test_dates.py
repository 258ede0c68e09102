"""Dates of a file: read in the declared format as ISO text, drawn for sample rows, described and compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from slipway.bundle.compiling import contract_columns
from slipway.data import samples
from slipway.data.snapshots import SAMPLE_TABLE
from slipway.data.typed_rows import read as typed_rows
from slipway.data.validation import validate
from slipway.errors import InvalidRowsError, SpecError
from slipway.gateway.openapi import schemas
from slipway.monitoring.drift.drift import Reference, compared
from slipway.records import Snapshot
from slipway.rows.checks import Violation, expected, faults, keeps, with_gaps
from slipway.scoring.checking import _cell_by_cell
from slipway.spec import Columns, Date, ModelSpec, Target
from slipway.training.evidence.profile import as_markdown, profile
from slipway.training.splitting import split

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(*dates: str) -> Path:
        # no column determines the class by itself: every row is there with both
        lines = ["size,made,sold,wanted", *(f"{size},{date},{wanted}" for size, date in enumerate(dates) for wanted in (0, 1))]
        (tmp_path / "toy.csv").write_text("\n".join(lines) + "\n")
        return tmp_path / "toy.csv"

    return written


@pytest.fixture
def dated(toy: ModelSpec) -> Callable[..., ModelSpec]:
    def of(**changes: Any) -> ModelSpec:
        features = {
            "size": toy.columns.features["size"],
            "made": Date("Day of making", parts=("month",), **changes),
            "sold": Date("Time of sale", parts=("hour",), since="made", time=True, missing=True),
        }
        return replace(toy, columns=Columns(features, Target("wanted", {0: "left", 1: "wanted"}, positive=1)))

    return of


def test_dates_come_back_as_iso_text_whatever_the_file_writes(dated: Callable[..., ModelSpec], write: Write) -> None:
    rows = validate(dated(format="%d/%m/%Y"), write("31/12/2025,2026-01-01 10:30", "01/02/0987,2026-01-01T10:30:59.75", "29/02/2024,"))

    assert rows["made"].tolist()[::2] == ["2025-12-31", "0987-02-01", "2024-02-29"]
    assert rows["sold"].tolist()[:4:2] == ["2026-01-01T10:30:00", "2026-01-01T10:30:59"]
    assert rows["sold"].isna().tolist()[::2] == [False, False, True]


@pytest.mark.parametrize(
    ("changes", "date", "violation"),
    [
        (
            {},
            "31/12/2025,",
            "column 'made' has no dates such as 2026-11-29 in some cells: line 4 '31/12/2025',",
        ),
        ({}, "2025-02-30,", "column 'made' has no dates such as 2026-11-29 in some cells: line 4 '2025-02-30', line 5 '2025-02-30'."),
        ({}, "2025-02-20 10:30,", "column 'made' has no dates such as 2026-11-29 in some cells: line 4 '2025-02-20 10:30',"),
        ({}, ",", "column 'made' has missing values: line 4 '', line 5 ''. If cells may be missing, declare it with missing=True."),
        ({"format": "%d.%m.%y"}, "2025-02-20,", "column 'made' has no dates in the format '%d.%m.%y' in some cells: line 4 '2025-02-20',"),
        ({}, "2025-02-20,2025-02-20T10:30Z", "column 'sold' has no times such as 2026-11-29T10:30:00 in some cells: line 4"),
    ],
)
def test_a_cell_that_is_no_date_is_named(
    dated: Callable[..., ModelSpec], write: Write, changes: dict[str, Any], date: str, violation: str
) -> None:
    good = "01.02.25,2025-02-20" if changes else "2025-02-01 00:00:00,2025-02-20"
    with pytest.raises(InvalidRowsError) as refused:
        validate(dated(**changes), write(good, date))

    assert violation in str(refused.value)
    assert ("If the file writes them in another way, declare it with format=." in str(refused.value)) == ("missing" not in violation)


def test_rows_with_dates_are_kept_as_parquet(dated: Callable[..., ModelSpec], write: Write, caplog: pytest.LogCaptureFixture) -> None:
    path = write("2025-12-31,", "2025-12-30,2026-01-01T10:30:00")
    snapshot = Snapshot(model="toy", path=path, sha256="1" * 64, origin="here", rows=2, sample=False)

    first = typed_rows(dated(), snapshot)
    with caplog.at_level("INFO"):
        again = typed_rows(dated(), snapshot)

    assert "were validated by an earlier run" in caplog.text
    pd.testing.assert_frame_equal(first, again)


def test_sample_rows_have_dates_in_the_formats_of_the_file(dated: Callable[..., ModelSpec], write: Write, tmp_path: Path) -> None:
    spec = dated(format="%d/%m/%Y")
    rows = validate(spec, write(*(f"{day:02}/0{month}/2025,2025-0{month}-{day:02} 08:15" for day in range(1, 29) for month in (1, 2, 3))))

    drawn = samples.draw(spec, samples.derive(spec, rows))
    drawn.to_csv(tmp_path / "sample.csv", index=False)
    again = validate(spec, tmp_path / "sample.csv", SAMPLE_TABLE)

    assert again["made"].between("2025-01-01", "2025-03-28").all()
    assert again["sold"].between("2025-01-01T08:15:00", "2025-03-28T08:15:00").all()


def test_the_profile_shows_the_first_and_the_last_date(dated: Callable[..., ModelSpec], write: Write) -> None:
    spec = dated()
    rows = split(spec, validate(spec, write(*(f"2025-01-{day:02},{'2025-02-01' if day < 3 else ''}" for day in range(1, 29)))))

    found = profile(spec, rows)

    first, last = rows.train["made"].min(), rows.train["made"].max()
    assert found["training"]["made"] == {"count": 42, "missing": 0, "unique": rows.train["made"].nunique(), "first": first, "last": last}
    assert f"{first} to {last}" in as_markdown(found)


def test_drift_compares_the_days_between_dates_and_no_date_itself(dated: Callable[..., ModelSpec]) -> None:
    training = pd.DataFrame({"size": [1, 2], "made": ["2025-01-01", "2025-01-02"], "sold": ["2025-01-03T12:00:00", None]})
    served = pd.DataFrame({"size": [1, 2], "made": ["2026-01-01", "2026-01-02"], "sold": ["2026-02-01T06:00:00", "2026-02-01"]})

    found = {column.name: column for column in compared(dated(), Reference(training, [0, 1], [0, 1]), served, [0, 1])}

    assert list(found) == ["size", "sold in days since made", "sold is missing", "predicted wanted"]
    assert found["sold in days since made"].reference.tolist() == [2.5]
    assert found["sold in days since made"].current.tolist() == [31.25, 30]


@pytest.mark.parametrize(
    ("cell", "day", "time"),
    [
        ("2026-11-29", True, True),
        ("2026-11-29T10:30", False, True),
        ("2026-11-29 10:30:00.25", False, True),
        ("2026-11-29T10:30:00Z", False, False),
        ("2026-11-29T24:00", False, False),
        ("2026-02-29", False, False),
        ("20261129", False, False),
        ("29/11/2026", False, False),
        ("٢٠٢٦-11-29", False, False),
        ("now", False, False),
        ("2026-11-29\n", False, False),
        (20261129, False, False),
        (None, False, True),
    ],
)
def test_a_request_has_iso_dates(dated: Callable[..., ModelSpec], cell: Any, day: bool, time: bool) -> None:
    _, made, sold = contract_columns(dated(format="%d/%m/%Y"))
    good = "2026-11-30"

    assert (keeps(made, [cell]), keeps(sold, [cell])) == (day, time)
    assert (keeps(made, [cell, good]), keeps(sold, [cell, good])) == (day, time)
    assert (not faults(made, [cell, good]), not faults(sold, [good, cell])) == (day, time)


def test_an_empty_text_is_a_missing_date_and_what_is_expected_is_said(dated: Callable[..., ModelSpec]) -> None:
    _, made, sold = contract_columns(dated())

    assert with_gaps(sold, ["", "2026-11-29", None]) == [None, "2026-11-29", None]
    assert expected(made) == "a date such as 2026-11-29"
    assert expected(sold) == "a time without a zone, such as 2026-11-29T10:30:00, or null"
    assert schemas.of_column(made) == {"description": "Day of making", "type": "string", "format": "date"}
    assert schemas.of_column(sold)["type"] == ["string", "null"]


@pytest.mark.parametrize(
    ("cells", "spelled", "read"),
    [
        (pa.array(["31/12/2025", "2025-12-31"]), True, ["2025-12-31", "2025-12-31"]),
        (pa.array(["2025-12-31"]), False, ["2025-12-31"]),
        (pa.array([20453], pa.date32()), False, ["2025-12-31"]),
        (pa.array([1767139200], pa.timestamp("s")), False, ["2025-12-31"]),
    ],
)
def test_a_file_to_score_may_have_its_own_format_or_typed_dates(
    dated: Callable[..., ModelSpec], cells: Any, spelled: bool, read: list[str]
) -> None:
    found: list[Violation] = []

    assert _cell_by_cell(contract_columns(dated(format="%d/%m/%Y"))[1], cells, spelled, found) == read
    assert not found


def test_a_time_is_no_day_in_a_file_to_score(dated: Callable[..., ModelSpec]) -> None:
    _, made, sold = contract_columns(dated())
    times, found = pa.array([1767139201000000001], pa.timestamp("ns")), []

    assert _cell_by_cell(sold, times, False, found) == ["2025-12-31 00:00:01.000000"]
    assert not found
    _cell_by_cell(made, times, False, found)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Date("Made", parts=("century",)), r"Date: parts\[0\]='century'; expected one of 'year', 'month', 'weekday', 'hour'"),
        (lambda: Date("Made", parts=("year", "year")), "has a part twice"),
        (lambda: Date("Made", parts=("hour",)), "a day has no hour; set time=True"),
        (lambda: Date("Made", format="%d/%m"), r"format='%d/%m' does not write a day \(2025-12-31\) so that it can be read again"),
        (lambda: Date("Made", format="%d/%m/%Y", time=True), r"does not write a time \(2025-12-31 22:45\)"),
        (
            lambda: Columns({"made": Date("Made", since="sold")}, WANTED),
            r"made: since='sold' is no other column of dates \(there is none\)",
        ),
        (lambda: Columns({"made": Date("Made", since="made")}, WANTED), "since='made' is no other column of dates"),
        (lambda: Columns({"made": Date("Made", parts=())}, WANTED), "made: the model would see nothing of this date"),
    ],
)
def test_a_date_that_cannot_be_is_refused(declare: Callable[[], Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        declare()


WANTED = Target("wanted", {0: "left", 1: "wanted"}, positive=1)
