"""Keras networks behind scikit-learn's interface. TensorFlow is imported only while a network is built."""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its reordered sums make two runs of one seed differ

Matrix = npt.NDArray[np.float32]


class ConvolutionalNetwork(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Rescaling - Conv1D - MaxPooling1D - Flatten - Dense, trained by Adam with early stopping.

    The rescaling standardises each column by the mean and deviation of the rows it is fitted on, so the stored network takes raw
    numbers and is the whole model. A part of those rows, stratified, says when to stop; the best epoch's weights are kept.
    """

    def __init__(
        self,
        filters: int = 32,
        kernel_size: int = 2,
        learning_rate: float = 1e-3,
        batch_size: int = 32,
        epochs: int = 100,
        patience: int = 10,
        validation: float = 0.15,
        random_state: int | None = None,
    ) -> None:
        self.filters = filters
        self.kernel_size = kernel_size
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.validation = validation
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Train on (n, columns) numbers and n labels."""
        keras = _keras()
        rows = np.asarray(X, dtype=np.float32)
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        keras.utils.set_random_seed(self.random_state or 0)
        fit, watch, fit_codes, watch_codes = train_test_split(
            rows, codes, test_size=self.validation, random_state=self.random_state, stratify=codes
        )
        self.network_ = self._built(keras, rows)
        self.network_.fit(
            fit,
            fit_codes,
            validation_data=(watch, watch_codes),
            epochs=self.epochs,
            batch_size=self.batch_size,
            verbose=0,
            callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=self.patience, restore_best_weights=True)],
        )
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return (n, classes) probabilities of (n, columns) numbers."""
        # predict_on_batch skips the input pipeline that `predict` builds anew for every call
        return np.asarray(self.network_.predict_on_batch(np.asarray(X, dtype=np.float32)), dtype=np.float64)

    def predict(self, X: Any) -> Any:
        """Return the most probable class of each row."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _built(self, keras: Any, rows: Matrix) -> Any:
        layers = keras.layers
        mean, spread = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
        scale = 1 / np.where(spread > 0, spread, 1.0)
        network = keras.Sequential(
            [
                keras.Input((rows.shape[1],)),
                # not Normalization: tf2onnx leaves its constants out of the graph
                layers.Rescaling(scale=scale.tolist(), offset=(-mean * scale).tolist()),
                layers.Reshape((rows.shape[1], 1)),
                layers.Conv1D(self.filters, self.kernel_size, activation="relu"),
                layers.MaxPooling1D(2),
                layers.Flatten(),
                layers.Dense(len(self.classes_), activation="softmax"),
            ]
        )
        network.compile(optimizer=keras.optimizers.Adam(self.learning_rate), loss="sparse_categorical_crossentropy")
        return network


def _keras() -> Any:
    import keras
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    return keras
