"""Patients of an invented hospital in Andalusia, in the form in which such a system exports them: python examples/rows/hospital.py

Latin-1, semicolons between cells, decimal commas, days written 31/12/2025, and gaps. Nobody in it exists.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 1_200
PROVINCES = ["Almería", "Cádiz", "Córdoba", "Granada", "Huelva", "Jaén", "Málaga", "Sevilla"]


def rows() -> pd.DataFrame:
    random = np.random.default_rng(2025)

    def gaps(cells: object, share: float) -> pd.Series:
        return pd.Series(cells).astype(object).where(random.random(ROWS) >= share)

    age = random.integers(18, 96, ROWS)
    creatinine = np.clip(random.normal(1.0, 0.35, ROWS) + age / 300, 0.4, None).round(2)
    haemoglobin = random.normal(13.4, 1.8, ROWS).round(1)
    urgent, diabetic = random.random(ROWS) < 0.45, random.random(ROWS) < 0.22
    admitted = pd.Timestamp("2025-01-01") + pd.to_timedelta(random.integers(0, 330, ROWS), "D")
    score = age / 28 + 1.4 * creatinine - haemoglobin / 6 + 1.1 * urgent + 0.6 * diabetic + random.normal(0, 0.8, ROWS)
    return pd.DataFrame(
        {
            "historia": [f"HC-{number:06}" for number in random.permutation(ROWS)],
            "fecha_ingreso": admitted.strftime("%d/%m/%Y"),
            "edad": age,
            "provincia": random.choice(PROVINCES, ROWS, p=[0.08, 0.14, 0.1, 0.11, 0.06, 0.08, 0.18, 0.25]),
            "creatinina (mg/dl)": gaps(creatinine, 0.18).map(_with_comma, na_action="ignore"),
            "hemoglobina (g/dl)": gaps(haemoglobin, 0.12).map(_with_comma, na_action="ignore"),
            "ingreso_urgente": np.where(urgent, "true", "false"),
            "diabetes": gaps(np.where(diabetic, "yes", "no"), 0.1),
            "estancia_larga": np.where(score > np.quantile(score, 0.6), "sí", "no"),
        }
    )


def _with_comma(number: float) -> str:
    return f"{number}".replace(".", ",")


def write(path: Path) -> None:
    rows().to_csv(path, index=False, sep=";", encoding="latin-1", lineterminator="\n")


if __name__ == "__main__":
    place = Path(__file__).with_suffix(".csv")
    write(place)
    print(f"{ROWS:,} patients are in {place}")
