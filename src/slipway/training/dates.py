"""The steps of a pipeline that turn the ISO texts of dates into numbers.

They are functions of numpy only, because a stored model must not contain functions of Slipway: numpy reads the texts, as so many units
since 1970, and interpolates them with a period to get the month, the weekday and the hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer

from slipway.spec import Date, ModelSpec
from slipway.spec.columns import Part

NO_DATE = "NaT"  # numpy's text for a missing date
NO_NUMBER = float(np.iinfo("int64").min)  # what numpy makes of it
UNITS: dict[Part, str] = {"year": "Y", "month": "M", "weekday": "D", "hour": "h"}
CYCLES: dict[Part, list[int]] = {  # the values from January, Thursday and midnight of the 1st of January 1970 on
    "month": list(range(1, 13)),
    "weekday": [3, 4, 5, 6, 0, 1, 2],
    "hour": list(range(24)),
}
SECONDS_A_DAY = 86_400


def numbers_of(spec: ModelSpec) -> Iterator[tuple[str, list[Any], list[str], bool]]:
    """Yield each part and span of each date: a name for the step, the transformers, the columns, and whether some may be missing."""
    for index, (name, kind) in enumerate(spec.columns.dates.items()):
        for part in kind.parts:
            yield f"date {index} {part}", [*since_1970(UNITS[part], kind.missing), *_cycle(part)], [name], kind.missing
        if kind.since:
            columns = [kind.since, name] if kind.fixed_day is None else [name]
            kinds = [spec.columns.dates[column] for column in columns]
            missing = any(each.missing for each in kinds)
            yield f"date {index} span", [*_span(kinds, kind.fixed_day, missing)], columns, missing


def since_1970(unit: str, missing: bool) -> list[Any]:
    """Turn ISO texts into the whole units since 1970, and missing ones into NaN."""
    read = [FunctionTransformer(np.asarray, kw_args={"dtype": dtype}) for dtype in (f"datetime64[{unit}]", "float64")]
    if not missing:
        return read
    return [
        SimpleImputer(strategy="constant", fill_value=NO_DATE, keep_empty_features=True),  # NaN; numpy itself knows None
        *read,
        SimpleImputer(missing_values=NO_NUMBER, strategy="constant", fill_value=np.nan, keep_empty_features=True),
    ]


def _cycle(part: Part) -> list[Any]:
    if part not in CYCLES:
        return []
    values = CYCLES[part]
    return [FunctionTransformer(np.interp, kw_args={"xp": list(range(len(values))), "fp": values, "period": len(values)})]


def _span(kinds: list[Date], fixed: date | None, missing: bool) -> Iterator[Any]:
    """Subtract the first date, or the fixed day, from the last; in days, with fractions if one of the dates has a time."""
    timed = any(kind.time for kind in kinds)
    yield from since_1970("s" if timed else "D", missing)
    if fixed is None:  # the second column less the first
        yield FunctionTransformer(np.diff, kw_args={"axis": 1})
    else:
        days = (fixed - date(1970, 1, 1)).days
        yield FunctionTransformer(np.diff, kw_args={"axis": 1, "prepend": float(days * SECONDS_A_DAY if timed else days)})
    if timed:
        yield FunctionTransformer(np.dot, kw_args={"b": [[1 / SECONDS_A_DAY]]})
