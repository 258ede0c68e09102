"""Models that become ONNX graphs."""

from __future__ import annotations

from typing import Any

from slipway.bundle.compiling.compiled import Compiled, Measured
from slipway.bundle.compiling.preparation import encode_preparation
from slipway.bundle.engines.files import GRAPH, PREPARATION
from slipway.errors import CannotCompileError
from slipway.spec import Category, ModelSpec


def compile_graph(spec: ModelSpec, measured: Measured) -> Compiled:
    """Compile any pipeline that skl2onnx can convert, or else any estimator that it can, behind a preparation in numpy.

    Raises:
        CannotCompileError: It can convert neither; names both reasons.
    """
    try:
        return Compiled("onnx", {GRAPH: compile_onnx(spec, measured.pipeline)}, measured.threshold)
    except CannotCompileError as whole:
        try:
            return _behind_preparation(measured, _estimator_graph(measured))
        except CannotCompileError as parts:
            raise CannotCompileError(f"{spec.name}: {whole}\nNor in two parts: {parts}") from parts


def compile_network(spec: ModelSpec, measured: Measured) -> Compiled:
    """Compile a pipeline whose estimator brings its own graph, behind a preparation in numpy.

    The estimator's method `to_onnx() -> bytes` gives a serialised graph with one input, the (n, width) float32 matrix that it was
    fitted on, and whose last output is the (n, classes) probabilities.
    """
    return _behind_preparation(measured, measured.estimator.to_onnx())


def compile_onnx(spec: ModelSpec, pipeline: Any) -> bytes:
    """Return an ONNX graph that takes one (n, 1) tensor a raw column, in their order, and whose last output is (n, classes) probabilities.

    Args:
        pipeline: The fitted pipeline of the spec.
    Raises:
        CannotCompileError: skl2onnx knows no conversion for a part of it.
    """
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    return _converted(
        pipeline,
        [
            (name, StringTensorType([None, 1]) if isinstance(kind, Category) else FloatTensorType([None, 1]))
            for name, kind in spec.columns.features.items()
        ],
    )


def _behind_preparation(measured: Measured, graph: bytes) -> Compiled:
    return Compiled("network", {PREPARATION: encode_preparation(measured), GRAPH: graph}, measured.threshold)


def _estimator_graph(measured: Measured) -> bytes:
    from skl2onnx.common.data_types import FloatTensorType

    return _converted(measured.estimator, [("matrix", FloatTensorType([None, measured.estimator.n_features_in_]))])


def _converted(model: Any, inputs: list[tuple[str, Any]]) -> bytes:
    from skl2onnx import convert_sklearn

    try:
        graph = convert_sklearn(model, initial_types=inputs, options={id(model): {"zipmap": False}})
    except Exception as error:  # a type that skl2onnx does not know, or whatever the converter of one it knows trips over
        raise CannotCompileError(f"skl2onnx cannot convert it ({(str(error).strip() or type(error).__name__).splitlines()[0]})") from error
    serialized: bytes = graph.SerializeToString()
    return serialized
