"""Keras and TensorFlow as Slipway runs them: imported late, on one thread, reproducible, and quiet."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from slipway.files.standard_error import discarded_standard_error

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its reordered sums make two runs of one seed differ


@cache
def keras() -> Any:
    """Import Keras, which takes seconds, and return the module."""
    with discarded_standard_error():  # TensorFlow's C++ parts report a missing GPU there before any setting reaches them
        import keras
        import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(1)  # trials run in parallel, and layers this small gain nothing
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    return keras


def as_onnx(network: Any) -> bytes:
    """Return a network as a serialised ONNX graph. The network must have answered once before."""
    with tempfile.TemporaryDirectory() as folder, _exporter_quiet():
        path = Path(folder) / "network.onnx"
        network.export(path, format="onnx", verbose=False)
        return path.read_bytes()


@contextmanager
def _exporter_quiet() -> Iterator[None]:
    """Silence the exporter's messages about its own code, on its own logger and on the root logger."""
    root, exporter, level = logging.getLogger(), logging.getLogger("tf2onnx"), logging.getLogger("tf2onnx").level
    handler = logging.NullHandler()  # without a handler, the first message on the root logger would set one up for all loggers
    exporter.setLevel(logging.ERROR)
    root.addHandler(handler)
    root.addFilter(_not_of_the_exporter)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        root.removeFilter(_not_of_the_exporter)
        root.removeHandler(handler)
        exporter.setLevel(level)


def _not_of_the_exporter(record: logging.LogRecord) -> bool:
    return "tf2onnx" not in record.pathname
