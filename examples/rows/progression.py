"""How far diabetes progresses in a year, for 442 patients, with gaps: python examples/rows/progression.py

The rows are those of scikit-learn's `load_diabetes`, unscaled: Efron, Hastie, Johnstone and Tibshirani, Least Angle Regression, Annals of
Statistics 32 (2004). Every eighth value of a blood test is left out, as if it had not been measured.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes

BLOOD_TESTS = {"s1": "total_cholesterol", "s2": "ldl", "s3": "hdl", "s4": "cholesterol_ratio", "s5": "log_triglycerides", "s6": "glucose"}


def rows() -> pd.DataFrame:
    random = np.random.default_rng(442)
    found = load_diabetes(as_frame=True, scaled=False).frame.rename(columns={"bp": "blood_pressure (mm Hg)", **BLOOD_TESTS})
    found["sex"] = found["sex"].map({1.0: "male", 2.0: "female"})
    found["age"] = found["age"].astype(int)
    for name in BLOOD_TESTS.values():
        found[name] = found[name].where(random.random(len(found)) >= 1 / 8)
    return found.rename(columns={"target": "progression"})


def write(path: Path) -> None:
    rows().to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    place = Path(__file__).with_suffix(".csv")
    write(place)
    print(f"442 patients are in {place}")
