"""How far a column that grows was read, as a value of the database and as text in a manifest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from slipway.data.manifests import GrowthMark
from slipway.errors import DatasetNotFoundError

Kind = Literal["int", "float", "decimal", "str", "date", "datetime", "datetime with time zone"]

READ: dict[Kind, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "decimal": Decimal,
    "str": str,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "datetime with time zone": datetime.fromisoformat,
}


def value(mark: GrowthMark) -> Any:
    """Return the value up to which a column was read."""
    return READ[mark.kind](mark.value)


def of(model: str, column: str, last: Any, query: str) -> GrowthMark:
    """Return the mark of the highest value that was read.

    Raises:
        DatasetNotFoundError: It is of a kind that does not grow.
    """
    if (kind := _kind(last)) is None:
        raise DatasetNotFoundError(
            f"{model}: the column {column!r}, which grows_by names, has values such as {last!r}. "
            "It must hold numbers, dates, times or texts."
        )
    written = last.isoformat() if isinstance(last, date) else repr(last) if isinstance(last, float) else str(last)
    return GrowthMark(column=column, kind=kind, value=written, query=query)


def _kind(last: Any) -> Kind | None:
    if isinstance(last, bool):
        return None
    if isinstance(last, datetime):
        return "datetime with time zone" if last.tzinfo else "datetime"
    kinds: list[tuple[type, Kind]] = [(int, "int"), (float, "float"), (Decimal, "decimal"), (str, "str"), (date, "date")]
    return next((kind for of, kind in kinds if isinstance(last, of)), None)
