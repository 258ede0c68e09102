"""The base of the records."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

Metrics = dict[str, float]


class Record(BaseModel):
    """Immutable, and strict about its fields. It can be written as JSON and read again: Prefect stores it as text."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
