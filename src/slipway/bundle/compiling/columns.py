"""The columns of a contract."""

from __future__ import annotations

from slipway.bundle.contract import Column
from slipway.spec import Boolean, Category, Date, Feature, ModelSpec, Text


def contract_columns(spec: ModelSpec) -> tuple[Column, ...]:
    """Return the spec's features as columns of a contract."""
    return tuple(_column(name, kind) for name, kind in spec.columns.features.items())


def _column(name: str, kind: Feature) -> Column:
    if isinstance(kind, Boolean):
        return Column(name=name, kind="boolean", description=kind.description, missing=kind.missing)
    if isinstance(kind, Date):
        return Column(name=name, kind="date", description=kind.description, missing=kind.missing, time=kind.time, format=kind.format)
    if isinstance(kind, Text):
        return Column(name=name, kind="text", description=kind.description, missing=kind.missing, longest=kind.longest)
    if isinstance(kind, Category):
        return Column(name=name, kind="category", description=kind.description, values=kind.values, missing=kind.missing, other=kind.other)
    return Column(
        name=name,
        kind="integer" if kind.integer else "number",
        description=kind.description,
        unit=kind.unit,
        low=kind.low,
        high=kind.high,
        missing=kind.missing,
    )
