"""Customers of an invented telecom in a database: python examples/rows/customers.py

It is SQLite; with another address the same query runs on PostgreSQL. Nobody in it exists.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 2_000
QUERY = (
    "SELECT contract, months, monthly_charge, support_calls, paperless, p.name AS plan, churned "
    "FROM customers c JOIN plans p ON p.id = c.plan_id WHERE months > 0"
)


def tables() -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(77)
    months, calls = random.integers(0, 72, ROWS), random.poisson(1.4, ROWS)
    charge = random.gamma(9, 6, ROWS).round(2)
    contract = random.choice(["monthly", "yearly", "two years"], ROWS, p=[0.55, 0.3, 0.15])
    score = 0.5 * calls + charge / 40 - months / 20 + 1.5 * (contract == "monthly") + random.normal(0, 0.9, ROWS)
    customers = pd.DataFrame(
        {
            "id": range(1, ROWS + 1),
            "contract": contract,
            "months": months,
            "monthly_charge": pd.Series(charge).where(random.random(ROWS) > 0.05),
            "support_calls": calls,
            "paperless": np.where(random.random(ROWS) < 0.6, "yes", "no"),
            "plan_id": random.integers(1, 5, ROWS),
            "churned": np.where(score > np.quantile(score, 0.74), "yes", "no"),
        }
    )
    plans = pd.DataFrame({"id": range(1, 5), "name": ["basic", "family", "fibre", "mobile"]})
    return {"customers": customers, "plans": plans}


def write(path: Path) -> None:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        for name, rows in tables().items():
            rows.to_sql(name, database, index=False)


if __name__ == "__main__":
    place = Path(__file__).with_suffix(".db")
    write(place)
    print(f"{ROWS:,} customers are in {place}")
