"""Turning a measured scikit-learn pipeline into an ONNX graph with its preparation inside."""

from __future__ import annotations

from typing import Any

from slipway.bundle.contract import Column
from slipway.spec import Category, ModelSpec


def compile_onnx(spec: ModelSpec, pipeline: Any) -> bytes:
    """Return an ONNX graph that takes one (n, 1) tensor a raw column, and whose last output is (n, classes) probabilities.

    Args:
        pipeline: The fitted pipeline of the spec.
    """
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    inputs = [
        (name, StringTensorType([None, 1]) if isinstance(kind, Category) else FloatTensorType([None, 1]))
        for name, kind in spec.columns.features.items()
    ]
    graph = convert_sklearn(pipeline, initial_types=inputs, options={id(pipeline): {"zipmap": False}})
    serialized: bytes = graph.SerializeToString()
    return serialized


def contract_columns(spec: ModelSpec) -> tuple[Column, ...]:
    """Return the spec's features as a contract promises them to callers."""
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
