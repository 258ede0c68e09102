"""The columns of a contract."""

from __future__ import annotations

from slipway.bundle.contract import Column
from slipway.spec import Category, ModelSpec


def contract_columns(spec: ModelSpec) -> tuple[Column, ...]:
    """Return the spec's features as columns of a contract."""
    return tuple(
        Column(name=name, kind="category", description=kind.description, values=kind.values)
        if isinstance(kind, Category)
        else Column(
            name=name,
            kind="integer" if kind.integer else "number",
            description=kind.description,
            unit=kind.unit,
            low=kind.low,
            high=kind.high,
        )
        for name, kind in spec.columns.features.items()
    )
