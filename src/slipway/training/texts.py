"""The steps of a pipeline that turn texts into the numbers of their words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from slipway.spec import ModelSpec, Text


def numbers_of(spec: ModelSpec) -> Iterator[tuple[str, Any, list[str]]]:
    """Yield the transformer of each text: a name for the step, the transformer, and the column. A missing text is a row of zeros."""
    for index, (name, kind) in enumerate(spec.columns.texts.items()):
        yield f"text {index}", make_pipeline(*_as_list(kind), _hashing(kind), TfidfTransformer()), [name]


def _as_list(kind: Text) -> list[Any]:
    """Turn one column of a frame into a list of texts, by functions of numpy: a stored model must not contain functions of Slipway."""
    empty = [_emptying(np.nan), _emptying(None)] if kind.missing else []  # MLflow passes null on as None
    return [*empty, FunctionTransformer(np.ravel)]


def _emptying(missing: float | None) -> SimpleImputer:
    return SimpleImputer(missing_values=missing, strategy="constant", fill_value="", keep_empty_features=True)


def _hashing(kind: Text) -> HashingVectorizer:
    return HashingVectorizer(n_features=kind.width, strip_accents="unicode", alternate_sign=False, norm=None)
