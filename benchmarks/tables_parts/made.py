"""Tables of different kinds, the same every time: the examples, and ten that are made here. Nobody in them exists."""

from __future__ import annotations

import runpy
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

EXAMPLES = Path(__file__).parents[2] / "examples" / "rows"
ROWS, HELD_OUT = 8_000, 0.625  # 3,000 rows to learn from, and 5,000 to measure by, so that a point is more than chance
QUARTER = 0.25  # of an example, which has fewer rows, and of the time
COMMON = """
the a to and is my I for it of in on you we please hello thanks can not have with this since yesterday again week still nobody answers
already called twice want need know would like when how long help urgent customer account number home office months ago family waiting
"""
DEPARTMENTS = {
    "billing": "invoice charged refund payment paid card bill amount price euros bank receipt tax discount debit statement",
    "technical": "error router slow connection crash app update screen reset signal cable broken restart password login speed",
    "contract": "cancel move plan upgrade end address name renew offer switch sign terms transfer period notice document",
}
Measure = Literal["accuracy", "roc_auc", "share of the error"]


@dataclass(frozen=True)
class TableMade:
    """Rows to learn from and rows that nobody learns from.

    `write` writes the rows that are learnt from into a folder, and returns the arguments of `slipway new` that name them. `known_later`:
    columns that are known only when the answer is, which a person leaves out. `options`: how pandas writes the file.
    """

    name: str
    target: str
    learnt: pd.DataFrame
    held_out: pd.DataFrame
    measure: Measure
    write: Callable[[pd.DataFrame, Path], list[str]]
    options: dict[str, str]
    known_later: tuple[str, ...] = ()

    def write_held_out(self, path: Path) -> None:
        """Write the held-out rows as the rows to learn from are written."""
        self.held_out.to_csv(path, index=False, **self.options)


def every() -> list[TableMade]:
    """Return the three examples and the made tables."""
    return [_hospital(), _customers(), _progression(), *(make() for make in MADE)]


def _csv(rows: pd.DataFrame, folder: Path, options: dict[str, str]) -> list[str]:
    path = folder / "rows.csv"
    rows.to_csv(path, index=False, **options)
    return [str(path)]


def _table(
    name: str,
    rows: pd.DataFrame,
    target: str,
    measure: Measure,
    share: float = HELD_OUT,
    *,
    last: bool = False,
    by: str = "",
    **more: object,
) -> TableMade:
    """Hold a share of the rows out: at random, the last ones, or all rows of some values of a column."""
    options: dict[str, str] = more.pop("options", {})  # type: ignore[assignment]
    random = np.random.default_rng(99)
    if by:
        values = rows[by].unique()
        out = rows[by].isin(random.choice(values, int(share * len(values)), replace=False)).to_numpy()
    elif last:
        out = np.arange(len(rows)) >= (1 - share) * len(rows)
    else:
        out = random.random(len(rows)) < share
    return TableMade(name, target, rows[~out], rows[out], measure, partial(_csv, options=options), options, **more)  # type: ignore[arg-type]


def _hospital() -> TableMade:
    rows = runpy.run_path(str(EXAMPLES / "hospital.py"))["rows"]()
    return _table("hospital-stay", rows, "estancia_larga", "accuracy", QUARTER, options={"sep": ";", "encoding": "latin-1"})


def _progression() -> TableMade:
    rows = runpy.run_path(str(EXAMPLES / "progression.py"))["rows"]()
    return _table("diabetes-progression", rows, "progression", "share of the error", QUARTER)


def _customers() -> TableMade:
    """Customers in a database: those with some numbers are held out of it."""
    example = runpy.run_path(str(EXAMPLES / "customers.py"))
    query = example["QUERY"]
    tables = example["tables"]()
    out = np.random.default_rng(99).random(len(tables["customers"])) < QUARTER

    def write(_: pd.DataFrame, folder: Path) -> list[str]:
        path = folder / "customers.db"
        _into_database(path, {**tables, "customers": tables["customers"][~out]})
        return [f"sql+sqlite:///{path}", "--query", query]

    learnt, held_out = (_from_database({**tables, "customers": tables["customers"][which]}, query) for which in (~out, out))
    return TableMade("customer-churn", "churned", learnt, held_out, "roc_auc", write, {})


def _into_database(path: Path, tables: dict[str, pd.DataFrame]) -> None:
    with closing(sqlite3.connect(path)) as database:
        for name, rows in tables.items():
            rows.to_sql(name, database, index=False)


def _from_database(tables: dict[str, pd.DataFrame], query: str) -> pd.DataFrame:
    with closing(sqlite3.connect(":memory:")) as database:
        for name, rows in tables.items():
            rows.to_sql(name, database, index=False)
        return pd.read_sql(query, database)


def _gaps(cells: object, share: object, random: np.random.Generator) -> pd.Series:
    column = pd.Series(cells)
    return column.where(random.random(len(column)) >= share)


def numbers_with_gaps() -> TableMade:
    random = np.random.default_rng(1)
    numbers = random.normal(size=(ROWS, 10))
    score = numbers[:, 0] * numbers[:, 1] + np.sin(2 * numbers[:, 2]) + numbers[:, 3] + (numbers[:, 4] > 0.5) + random.normal(0, 0.7, ROWS)
    # a high value of one column is missing more often: that it is missing says something
    rows = pd.DataFrame({f"lab_{place}": _gaps(numbers[:, place].round(3), 0.12, random) for place in range(9)})
    rows["lab_9"] = _gaps((numbers[:, 9] + score / 2).round(3), 0.15 + 0.3 * (score > np.median(score)), random)
    return _table("numbers-with-gaps", rows.assign(ill=np.where(score > np.median(score), "yes", "no")), "ill", "accuracy")


def categories_and_dates() -> TableMade:
    random = np.random.default_rng(2)
    towns, products = 300, 40
    town = np.minimum(random.zipf(1.3, ROWS) - 1, towns - 1)
    product, age = random.integers(0, products, ROWS), random.integers(18, 90, ROWS)
    signed_up = pd.Timestamp("2023-01-01") + pd.to_timedelta(np.sort(random.integers(0, 700, ROWS)), "D")
    silent = random.gamma(1.5, 60, ROWS).round()  # days from the contract to the last call
    effect, liking = random.normal(0, 1.2, towns), random.normal(0, 0.8, products)
    score = effect[town] + liking[product] + age / 40 - silent / 60 + random.normal(0, 0.8, ROWS)
    rows = pd.DataFrame(
        {
            "signed_up": signed_up.strftime("%Y-%m-%d"),
            "last_call": _gaps((signed_up + pd.to_timedelta(silent, "D")).strftime("%Y-%m-%d"), 0.15, random),
            "town": [f"town {number:03}" for number in town],  # most are in few rows
            "product": _gaps([f"P{number:02}" for number in product], 0.1, random),
            "age": age,
        }
    )
    return _table("categories-and-dates", rows.assign(bought=(score > np.median(score)).astype(int)), "bought", "accuracy")


def skewed_amounts() -> TableMade:
    random = np.random.default_rng(3)
    age, region = random.integers(18, 90, ROWS), random.choice(["north", "south", "east", "west"], ROWS)
    visits, chronic = random.poisson(2, ROWS), random.random(ROWS) < 0.3
    location = 5 + age / 50 + 0.35 * visits + 0.8 * chronic + 0.4 * (region == "north") + random.normal(0, 0.6, ROWS)
    rows = pd.DataFrame({"age": age, "region": region, "visits": visits, "chronic": chronic, "cost_eur": np.exp(location).round(2)})
    return _table("skewed-amounts", rows, "cost_eur", "share of the error")


def counts() -> TableMade:
    random = np.random.default_rng(4)
    temperature, weekend = random.normal(15, 8, ROWS).round(1), random.random(ROWS) < 0.28
    hour, weather = random.integers(0, 24, ROWS), random.choice(["dry", "rain", "snow"], ROWS, p=[0.7, 0.25, 0.05])
    rate = np.exp(2.2 + 0.04 * temperature + np.sin((hour - 8) / 24 * 2 * np.pi) - 0.7 * (weather != "dry") + 0.3 * weekend)
    rows = pd.DataFrame({"temperature": temperature, "weekend": weekend, "hour": hour, "weather": weather, "bikes": random.poisson(rate)})
    return _table("counts", rows, "bikes", "share of the error")


def dates_with_a_trend() -> TableMade:
    random = np.random.default_rng(5)
    many = ROWS // 2
    days = np.sort(random.integers(0, 1_460, many))
    dates = pd.Timestamp("2022-01-01") + pd.to_timedelta(days, "D")
    shop, price = random.choice(["A", "B", "C"], many), random.normal(20, 3, many).round(2)
    sold = 200 + 0.06 * days + 40 * np.sin(2 * np.pi * dates.dayofyear / 365) + 25 * (dates.dayofweek >= 5) - 4 * price
    sold = sold + 30 * (shop == "B") + random.normal(0, 10, many)
    rows = pd.DataFrame({"day": dates.strftime("%d/%m/%Y"), "shop": shop, "price": price, "sold": sold.round(1)})
    return _table("dates-with-a-trend", rows, "sold", "share of the error", QUARTER, last=True)


def groups() -> TableMade:
    random = np.random.default_rng(6)
    patients = ROWS // 5
    patient = random.integers(0, patients, ROWS)
    age, frailty = random.integers(30, 90, patients), random.normal(0, 0.8, patients)
    pressure, pulse = random.normal(130, 15, ROWS).round(), random.normal(75, 10, ROWS).round()
    score = age[patient] / 15 + frailty[patient] + (pressure - 130) / 15 + np.abs(pulse - 75) / 10 + random.normal(0, 0.7, ROWS)
    rows = pd.DataFrame({"patient_id": patient, "age": age[patient], "pressure": pressure, "pulse": pulse})
    return _table("groups", rows.assign(fell=np.where(score > np.median(score), "yes", "no")), "fell", "accuracy", by="patient_id")


def imbalanced_classes() -> TableMade:
    random = np.random.default_rng(7)
    amount, hour = random.lognormal(3, 1, ROWS).round(2), random.integers(0, 24, ROWS)
    abroad, age = random.random(ROWS) < 0.15, random.integers(0, 60, ROWS)
    score = np.log(amount) + 1.5 * abroad + 1.2 * (hour < 5) - age / 30 + random.normal(0, 0.9, ROWS)
    rows = pd.DataFrame({"amount": amount, "hour": hour, "abroad": abroad, "months_as_customer": age})
    return _table("imbalanced-classes", rows.assign(fraud=(score > np.quantile(score, 0.94)).astype(int)), "fraud", "roc_auc")


def messages() -> TableMade:
    """Messages of customers to three departments: most words are common, some are those of a department, and some are mistyped."""
    random = np.random.default_rng(8)
    common, words = COMMON.split(), {name: text.split() for name, text in DEPARTMENTS.items()}
    share = 1 / np.arange(1, len(common) + 1)  # as in any language, the first words are the most frequent
    department = random.choice(list(words), ROWS, p=[0.4, 0.35, 0.25])
    texts = []
    for own in department:
        others = [word for name in words if name != own for word in words[name]]
        chosen = [
            *random.choice(common, 4 + random.poisson(8), p=share / share.sum()),
            *random.choice(words[own], random.poisson(2.2)),
            *random.choice(others, random.poisson(0.7)),
        ]
        texts.append(" ".join(_mistyped(word, random) if random.random() < 0.04 else word for word in random.permutation(chosen)))
    by_phone = random.random(ROWS) < np.where(department == "technical", 0.6, 0.3)
    rows = pd.DataFrame({"channel": np.where(by_phone, "phone", "mail"), "months": random.integers(0, 120, ROWS), "message": texts})
    return _table("messages", rows.assign(department=department), "department", "accuracy")


def _mistyped(word: str, random: np.random.Generator) -> str:
    """Return a word with one letter left out."""
    place = random.integers(len(word))
    return word[:place] + word[place + 1 :]


def wide() -> TableMade:
    random = np.random.default_rng(9)
    numbers = random.normal(size=(ROWS // 2, 150)).round(3)
    score = numbers[:, :12] @ random.normal(0, 0.6, 12) + numbers[:, 12] * numbers[:, 13] + random.normal(0, 0.6, len(numbers))
    rows = pd.DataFrame(numbers, columns=[f"gene_{place:03}" for place in range(150)])
    return _table("wide", rows.assign(responds=np.where(score > 0, "yes", "no")), "responds", "accuracy")


def leaky_column() -> TableMade:
    random = np.random.default_rng(10)
    age, income = random.integers(18, 90, ROWS), random.lognormal(7.5, 0.5, ROWS).round()
    score = age / 30 - np.log(income) + random.normal(0, 0.6, ROWS)
    left = score > np.median(score)
    rows = pd.DataFrame({"age": age, "income": income, "closing_letter": np.where(left, "sent", "none"), "left": left.astype(int)})
    return _table("leaky-column", rows, "left", "accuracy", known_later=("closing_letter",))


MADE = (
    numbers_with_gaps,
    categories_and_dates,
    skewed_amounts,
    counts,
    dates_with_a_trend,
    groups,
    imbalanced_classes,
    messages,
    wide,
    leaky_column,
)
