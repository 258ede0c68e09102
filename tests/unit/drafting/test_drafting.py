"""Drafts of model files from twenty different tables. Each file that was drafted is in tests/data/drafts, as a person would read it.

After an intended change: `SLIPWAY_WRITE_DRAFTS=1 pytest tests/unit/drafting`, and read the difference before it is committed.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from slipway.data.validation import validate
from slipway.drafting.code import code
from slipway.drafting.drafting import draft, executed
from slipway.errors import DraftError
from slipway.spec import CSV, Boolean, Category, Numeric

pytestmark = pytest.mark.slow

DRAFTS = Path(__file__).parents[2] / "data" / "drafts"
ROWS = 240
Write = Callable[[pd.DataFrame, Path], Path]


def people(seed: int = 1) -> pd.DataFrame:
    """A plain table; each of the others changes a part of it."""
    random = np.random.default_rng(seed)
    age, weight = random.integers(18, 90, ROWS), random.normal(75, 12, ROWS).round(1)
    smoker, sex = random.random(ROWS) < 0.3, random.choice(["F", "M"], ROWS)
    score = age / 20 + weight / 30 + smoker + random.normal(0, 0.8, ROWS)
    return pd.DataFrame({"age": age, "weight_kg": weight, "sex": sex, "smoker": smoker, "ill": (score > np.median(score)).astype(int)})


def chosen(values: list[str], seed: int = 2) -> Any:
    return np.random.default_rng(seed).choice(values, ROWS)


def gaps(cells: Any, seed: int = 3) -> pd.Series:
    return pd.Series(cells).astype(object).where(np.random.default_rng(seed).random(ROWS) > 0.2)


def as_csv(**options: Any) -> Write:
    def write(rows: pd.DataFrame, folder: Path) -> Path:
        path = folder / "people.csv"
        rows.to_csv(path, **({"index": False} | options))
        return path

    return write


def as_gzip(rows: pd.DataFrame, folder: Path) -> Path:
    path = folder / "people.csv.gz"
    path.write_bytes(gzip.compress(rows.to_csv(index=False).encode(), mtime=0))
    return path


def as_lines(rows: pd.DataFrame, folder: Path) -> Path:
    path = folder / "people.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in json.loads(rows.to_json(orient="records"))))
    return path


def as_parquet(rows: pd.DataFrame, folder: Path) -> Path:
    path = folder / "people.parquet"
    rows.to_parquet(path, index=False)
    return path


def as_excel(rows: pd.DataFrame, folder: Path) -> Path:
    pytest.importorskip("openpyxl")
    path = folder / "people.xlsx"
    rows.to_excel(path, index=False)
    return path


CODES = [f"E{number:02}" for number in range(70)]
MOMENTS = pd.date_range("2024-01-01", periods=ROWS, freq="37h").strftime("%d/%m/%Y").to_numpy()
TABLES: dict[str, tuple[pd.DataFrame, Write]] = {
    "plain": (people(), as_csv()),
    "gaps": (people().assign(age=gaps(people()["age"]), sex=gaps(people()["sex"], 4), smoker=gaps(people()["smoker"], 5)), as_csv()),
    "spanish": (
        people().rename(columns={"weight_kg": "peso (kg)", "ill": "diagnóstico"}).assign(provincia=chosen(["Cádiz", "Jaén", "Huelva"])),
        as_csv(sep=";", decimal=",", encoding="latin-1"),
    ),
    "tabs": (people(), as_csv(sep="\t")),
    "marks-of-missing": (
        people().assign(age=gaps(people()["age"]).fillna("?"), weight_kg=gaps(people()["weight_kg"]).fillna("NA")),
        as_csv(),
    ),
    "other-marks": (people().assign(lab=gaps(people()["age"]).fillna("broken")), as_csv()),
    "identifiers": (people().assign(patient_id=range(ROWS), uuid=[f"{n:08x}-77" for n in range(ROWS)], source="a", note=""), as_csv()),
    "dates": (people().assign(admitted=MOMENTS), as_csv()),
    "visits": (people().assign(patient_id=np.random.default_rng(6).integers(1, 90, ROWS)), as_csv()),
    "birthdays": (people().assign(date_of_birth=MOMENTS), as_csv()),
    "one-class-at-last": (people().sort_values("ill").reset_index(drop=True).assign(admitted=MOMENTS), as_csv()),
    "two-dates": (
        people().assign(admitted=MOMENTS, seen=pd.date_range("2024-01-02", periods=ROWS, freq="37h").strftime("%Y-%m-%d %H:%M").to_numpy()),
        as_csv(),
    ),
    "american-dates": (people().assign(admitted=pd.to_datetime(MOMENTS, dayfirst=True).strftime("%m/%d/%Y")), as_csv()),
    "free-text": (people().assign(letter=[f"the patient number {n} felt well today" for n in range(ROWS)]), as_csv()),
    "many-categories": (people().assign(town=chosen([f"town {n}" for n in range(6)] + ["far away"])), as_csv()),
    "rare-categories": (people().assign(code=np.where(np.arange(ROWS) < 200, chosen(["A", "B", "C"]), chosen(CODES))), as_csv()),
    "given-away": (people().assign(discharge=np.where(people()["ill"] == 1, "ward", "home")), as_csv()),
    "nearly-given-away": (people().assign(ward=np.where((people()["ill"] == 1) & (np.arange(ROWS) % 90 > 0), "B", "A")), as_csv()),
    "repeated": (people().assign(again=people()["sex"], pounds=(people()["weight_kg"] * 2.20462).round(3)), as_csv()),
    "number": (people().assign(cost_eur=(people()["age"] * 31.5 + 400 * people()["smoker"]).round(2)).drop(columns="ill"), as_csv()),
    "skewed-number": (people().assign(ill=np.random.default_rng(8).lognormal(3, 1.5, ROWS).round(2)), as_csv()),
    "three-classes": (people().assign(ill=chosen(["low", "mid", "high"])), as_csv()),
    "classes-with-fractions": (people().assign(ill=people()["ill"].astype(float)), as_csv()),
    "rare-class": (people().assign(ill=np.where(np.arange(ROWS) % 12 == 0, "yes", "no")), as_csv()),
    "codes": (people().assign(zip_code=np.random.default_rng(7).integers(10_000, 10_050, ROWS)), as_csv()),
    "zero-not-measured": (people().assign(pressure=np.where(np.arange(ROWS) % 9 == 0, 0, 120 + np.arange(ROWS) % 40)), as_csv()),
    "compressed": (people(), as_gzip),
    "json-lines": (people().assign(age=gaps(people()["age"])), as_lines),
    "parquet": (people().assign(age=gaps(people()["age"]).astype("Int64")), as_parquet),
    "excel": (people(), as_excel),
}


@pytest.mark.parametrize("table", TABLES)
def test_the_draft_of_a_table_is_as_a_person_read_it_and_takes_its_rows(table: str, tmp_path: Path):
    rows, write = TABLES[table]
    path = write(rows, tmp_path)

    made = draft(table, str(path), rows.columns[4])
    content = code(made)

    kept = DRAFTS / f"{table}.txt"
    shown = content.replace(str(tmp_path), "FOLDER").replace(made.source.sha256, "SHA256")  # bytes of Excel and Parquet change
    asks = "".join(f"# {ask}\n" for ask in made.asks)
    if os.environ.get("SLIPWAY_WRITE_DRAFTS"):
        kept.write_text(shown + asks, encoding="utf-8")
    assert shown + asks == kept.read_text(encoding="utf-8")
    assert len(validate(executed(content, table), path)) == ROWS
    assert all(len(line) <= 140 for line in content.splitlines())


def test_the_kinds_are_those_that_a_person_would_declare(tmp_path: Path):
    rows, write = TABLES["gaps"]

    found = {column.name: column.feature for column in draft("gaps", str(write(rows, tmp_path)), "ill").columns}

    assert found == {
        "age": Numeric(0, 180, "", "Age", integer=True, missing=True),
        "weight_kg": Numeric(0, found["weight_kg"].high, "kg", "Weight"),
        "sex": Category(("F", "M"), "Sex", missing=True),
        "smoker": Boolean("Smoker", missing=True),
    }


def test_the_result_of_a_query_is_drafted_too(tmp_path: Path):
    with sqlite3.connect(tmp_path / "crm.db") as database:
        people().to_sql("customers", database, index=False)

    made = draft("customers", f"sql+sqlite:///{tmp_path / 'crm.db'}", "ill", query="SELECT age, sex, ill FROM customers")

    spec = executed(code(made), "customers")
    assert spec.columns.names == ["age", "sex"]
    assert spec.dataset.table.sql == "SELECT age, sex, ill FROM customers"
    assert made.source.rows == ROWS


def test_the_marks_of_missing_cells_are_in_the_table(tmp_path: Path):
    rows, write = TABLES["marks-of-missing"]

    assert draft("marks", str(write(rows, tmp_path)), "ill").source.table == CSV(missing=("?", "NA"))


def test_the_floor_is_what_a_rule_of_three_leaves_reaches(tmp_path: Path):
    made = draft("plain", str(as_csv()(people(), tmp_path)), "ill")

    assert made.baselines["most_frequent"] == pytest.approx(0.5, abs=0.02)
    assert made.baselines["most_frequent"] < made.floor < made.baselines["three_leaves"]


@pytest.mark.parametrize(
    ("rows", "aim", "message"),
    [
        (people(), "il", r"no column 'il'. Did you mean 'ill'\? Its columns are 'age', 'weight_kg'"),
        (people().head(20), "ill", "has 20 rows; a model needs at least 50"),
        (people().assign(ill=1), "ill", "the same value in every row, '1'"),
        (people().assign(ill=gaps(people()["ill"])), "ill", r"has no value in \d+ of 240 rows.*Remove the rows"),
        (people().assign(ill=[*["a"] * 237, *["b"] * 3]), "ill", "at least 10 rows of each class are needed.*'b' in 3"),
        (people()[["ill"]].assign(id=range(ROWS)), "ill", "no column is left to learn from: id: it names the row"),
    ],
)
def test_a_table_that_gives_no_model_is_refused_with_the_way_out(rows: pd.DataFrame, aim: str, message: str, tmp_path: Path):
    with pytest.raises(DraftError, match=message):
        draft("refused", str(as_csv()(rows, tmp_path)), aim)


@pytest.mark.parametrize("name", ["Ward", "ward_stay", "-ward", "ward stay", "über", ""])
def test_a_name_that_no_model_can_have_is_refused(name: str, tmp_path: Path):
    with pytest.raises(DraftError, match="cannot be a model's name"):
        draft(name, str(tmp_path / "people.csv"), "ill")


HOSTILE = '"""\nraise SystemExit("run")\n"""'


def test_nothing_that_a_table_says_is_run(tmp_path: Path):
    values = [HOSTILE, "\\", "it's", 'a "b"', "x\ny", "\\'", "{0}"]
    rows = people().assign(**{HOSTILE: chosen(values), "a\nb": people()["age"] + 1.5, "# c\\": people()["weight_kg"] * -3})
    path = tmp_path / 'people".csv'
    rows.rename(columns={"ill": f"ill {HOSTILE}"}).to_csv(path, index=False)

    made = draft("hostile", str(path), f"ill {HOSTILE}")

    spec = executed(code(made), "hostile")
    assert spec.columns.target.name == f"ill {HOSTILE}"
    assert spec.columns.features[HOSTILE].values == tuple(sorted(values))
    assert {"a\nb", "# c\\"} <= set(spec.columns.names)
    assert len(validate(spec, path)) == ROWS
