"""Models that become ONNX graphs."""

from __future__ import annotations

from typing import Any

from slipway.bundle.compiling.compiled import Compiled, FittedPipeline
from slipway.bundle.compiling.preparation import encode_preparation
from slipway.bundle.engines.files import GRAPH, PREPARATION
from slipway.errors import CannotCompileError
from slipway.spec import Category, Date, Feature, ModelSpec, Text


def compile_graph(spec: ModelSpec, fitted: FittedPipeline) -> Compiled:
    """Compile a pipeline that skl2onnx can convert, or else one whose estimator it can, after a preparation in numpy.

    Raises:
        CannotCompileError: It can convert neither; the message has both reasons.
    """
    if not all(map(fits_tensors, spec.columns.features.values())):
        return _after_preparation(fitted, _estimator_graph(fitted))
    try:
        return Compiled("onnx", {GRAPH: compile_onnx(spec, fitted.pipeline)}, fitted.threshold)
    except CannotCompileError as whole:
        try:
            return _after_preparation(fitted, _estimator_graph(fitted))
        except CannotCompileError as parts:
            raise CannotCompileError(f"{spec.name}: {whole}\nNor in two parts: {parts}") from parts


def fits_tensors(kind: Feature) -> bool:
    """Return whether ONNX can take a column: it has no gaps, no dates, no texts, and no category with an order or with other values."""
    return not (kind.missing or isinstance(kind, Date | Text) or (isinstance(kind, Category) and (kind.other or kind.ordered)))


def compile_network(spec: ModelSpec, fitted: FittedPipeline) -> Compiled:
    """Compile a pipeline whose estimator has its own graph, after a preparation in numpy.

    The estimator's method `to_onnx() -> bytes` returns a serialised graph. Its one input is the (n, width) float32 matrix that the
    estimator was fitted on, and its last output the (n, classes) probabilities.
    """
    return _after_preparation(fitted, fitted.estimator.to_onnx())


def compile_onnx(spec: ModelSpec, pipeline: Any) -> bytes:
    """Return an ONNX graph that takes one (n, 1) tensor a raw column, in order; its last output is the (n, classes) probabilities.

    Args:
        pipeline: The fitted pipeline of the spec.
    Raises:
        CannotCompileError: skl2onnx cannot convert a part of it.
    """
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    return _converted(
        pipeline,
        [
            (name, StringTensorType([None, 1]) if isinstance(kind, Category) else FloatTensorType([None, 1]))
            for name, kind in spec.columns.features.items()
        ],
    )


def _after_preparation(fitted: FittedPipeline, graph: bytes) -> Compiled:
    return Compiled("network", {PREPARATION: encode_preparation(fitted), GRAPH: graph}, fitted.threshold)


def _estimator_graph(fitted: FittedPipeline) -> bytes:
    from skl2onnx.common.data_types import FloatTensorType

    return _converted(fitted.estimator, [("matrix", FloatTensorType([None, fitted.estimator.n_features_in_]))])


def _converted(model: Any, inputs: list[tuple[str, Any]]) -> bytes:
    from skl2onnx import convert_sklearn

    options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None  # one array, not a list of dictionaries
    try:
        graph = convert_sklearn(model, initial_types=inputs, options=options)
    except Exception as error:  # skl2onnx does not know a type, or its converter fails with any error
        raise CannotCompileError(f"skl2onnx cannot convert it ({(str(error).strip() or type(error).__name__).splitlines()[0]})") from error
    serialized: bytes = graph.SerializeToString()
    return serialized
