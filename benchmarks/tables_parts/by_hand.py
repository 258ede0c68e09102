"""What a person does with a table without Slipway: read its columns as what they are, and fit scikit-learn's gradient boosting."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer

MOST_VALUES = 255  # of a category: the estimator takes no more
WORDS = 300  # of a text


def as_read(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with decimal commas as numbers and dates as dates, as a person has pandas read them."""
    return pd.DataFrame({name: _as_read(rows[name]) for name in rows})


def _as_read(cells: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(cells):
        return cells
    filled, texts = cells.notna(), cells.astype(str)
    for read in (
        pd.to_numeric(texts.str.replace(",", ".", regex=False), errors="coerce"),
        pd.to_datetime(texts, format="%d/%m/%Y", errors="coerce"),
        pd.to_datetime(texts, format="%Y-%m-%d", errors="coerce"),
    ):
        if read[filled].notna().all():
            return read.where(filled)
    return cells


def answers(learnt: pd.DataFrame, held_out: pd.DataFrame, target: str, *, number: bool) -> pd.DataFrame:
    """Return the answers to the held-out rows: their probabilities by class, or one column of numbers."""
    both = pd.concat([learnt, held_out]).drop(columns=target)
    features = pd.concat([_features(both[name], len(learnt)) for name in both], axis=1)
    fit, ask = features.iloc[: len(learnt)], features.iloc[len(learnt) :]
    if number:
        model = HistGradientBoostingRegressor(random_state=0).fit(fit, learnt[target])
        return pd.DataFrame({"prediction": model.predict(ask)})
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0).fit(fit, learnt[target].astype(str))
    return pd.DataFrame(model.predict_proba(ask), columns=model.classes_)


def _features(cells: pd.Series, learnt: int) -> pd.DataFrame:
    """Return a column as numbers or a category, a date as the day and its parts, and a text as the weights of its words."""
    name = str(cells.name)
    if pd.api.types.is_bool_dtype(cells) or pd.api.types.is_numeric_dtype(cells):
        return cells.astype(float).to_frame()
    if pd.api.types.is_datetime64_any_dtype(cells):
        days = (cells - pd.Timestamp(1970, 1, 1)).dt.days
        return pd.DataFrame({name: days, f"{name} month": cells.dt.month, f"{name} weekday": cells.dt.weekday})
    if cells.nunique() > 0.9 * len(cells):
        words = TfidfVectorizer(max_features=WORDS).fit(cells.iloc[:learnt])
        weights = words.transform(cells).toarray()
        return pd.DataFrame(weights, cells.index, [f"{name} {word}" for word in words.get_feature_names_out()])
    kept = cells.iloc[:learnt].value_counts().index[: MOST_VALUES - 1]
    return cells.where(cells.isin(kept), np.nan).astype(str).astype("category").to_frame()
