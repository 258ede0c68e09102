"""Histogram gradient boosting of scikit-learn with its defaults, as a person fits it by hand in an afternoon."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

MOST_VALUES = 255  # of a category, which is all that the estimator takes


def answers(learnt: pd.DataFrame, held_out: pd.DataFrame, target: str, *, number: bool) -> pd.DataFrame:
    """Return the answers to the held-out rows: their probabilities by class, or one column of numbers."""
    both = pd.concat([learnt, held_out]).drop(columns=target)
    features = pd.DataFrame({name: column for name in both for name, column in _columns(both[name])})
    fit, ask = features.iloc[: len(learnt)], features.iloc[len(learnt) :]
    if number:
        model = HistGradientBoostingRegressor(random_state=0).fit(fit, learnt[target])
        return pd.DataFrame({"prediction": model.predict(ask)})
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0).fit(fit, learnt[target].astype(str))
    return pd.DataFrame(model.predict_proba(ask), columns=model.classes_)


def _columns(cells: pd.Series) -> list[tuple[str, pd.Series]]:
    """Return a column as numbers or a category, a date as the day and its parts, and nothing for one that names the row."""
    name = str(cells.name)
    numbers = pd.to_numeric(cells.astype(str).str.replace(",", ".", regex=False), errors="coerce").where(cells.notna())
    if numbers.notna().sum() == cells.notna().sum():
        return [(name, numbers.astype(float))]
    dates = pd.to_datetime(cells, format="%d/%m/%Y", errors="coerce")
    if dates.notna().all():
        return [(name, dates.astype("int64").astype(float)), (f"{name} month", dates.dt.month), (f"{name} weekday", dates.dt.weekday)]
    if cells.nunique() == len(cells):
        return []
    kept = cells.value_counts().index[:MOST_VALUES]
    return [(name, cells.where(cells.isin(kept), np.nan).astype(str).astype("category"))]
