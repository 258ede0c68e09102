"""Keras networks behind scikit-learn's interface. TensorFlow is imported only while a network is built."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split

from slipway.training.keras_runtime import as_onnx
from slipway.training.keras_runtime import keras as load_keras

ASKED_AT_ONCE = 8_192  # rows; limits the memory of the convolution's output

Matrix = npt.NDArray[np.float32]


class ConvolutionalNetwork(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Conv1D - MaxPooling1D - Flatten - Dense, trained by Adam with a learning rate that falls to 0 along half a cosine.

    It is trained twice. The first training holds out a stratified part of the rows, and finds the epoch, of at most `epochs`, with the
    lowest loss on them; it stops `patience` epochs after that. The second training uses all rows for that number of epochs. The schedule
    is that of Loshchilov and Hutter, SGDR (2017), without restarts. `l2` penalises the last layer. `balance` weighs each class by
    (its share times the number of classes) ** -balance: with 0 every row counts the same, with 1 every class. The same seed gives the
    same network.
    """

    def __init__(
        self,
        filters: int = 32,
        kernel_size: int = 3,
        learning_rate: float = 3e-3,
        l2: float = 3e-3,
        balance: float = 0.0,
        batch_size: int = 64,
        epochs: int = 12,
        patience: int = 4,
        validation: float = 0.15,
        random_state: int | None = None,
    ) -> None:
        self.filters = filters
        self.kernel_size = kernel_size
        self.learning_rate = learning_rate
        self.l2 = l2
        self.balance = balance
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.validation = validation
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on (n, columns) numbers and n labels. `sample_weight`: (n,) for how much each row counts; None if all count the same."""
        keras = load_keras()
        rows = np.asarray(X, dtype=np.float32)
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        keras.backend.clear_session()  # or it would keep every earlier network
        given = [] if sample_weight is None else [np.asarray(sample_weight, dtype=np.float32)]
        parts = train_test_split(rows, codes, *given, test_size=self.validation, random_state=self.random_state, stratify=codes)
        learnt, held_out = parts[0::2], parts[1::2]
        stopping = keras.callbacks.EarlyStopping(monitor="val_loss", patience=self.patience)
        _, losses = self._trained(keras, *learnt, epochs=self.epochs, validation_data=tuple(held_out), callbacks=[stopping])
        self.epochs_ = 1 + int(np.argmin(losses["val_loss"]))
        network, _ = self._trained(keras, rows, codes, *given, epochs=self.epochs_)
        # the last layer adds up hundreds of products: in single precision, two runtimes would round them differently
        self.network_ = self._built(keras, rows.shape[1], precision="float64")
        self.network_.set_weights(network.get_weights())
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return (n, classes) probabilities of (n, columns) numbers."""
        rows = np.asarray(X, dtype=np.float32)
        # called as a function: `predict` builds an input pipeline for every call, and a graph for every new number of rows
        parts = [np.asarray(self.network_(rows[at : at + ASKED_AT_ONCE])) for at in range(0, len(rows), ASKED_AT_ONCE)]
        return np.concatenate(parts).astype(np.float64)

    def predict(self, X: Any) -> Any:
        """Return the most probable class of each row."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def to_onnx(self) -> bytes:
        """Return the network as a serialised ONNX graph: one (n, columns) float32 input, (n, classes) probabilities out."""
        return as_onnx(self.network_)

    def _trained(
        self, keras: Any, rows: Matrix, codes: Any, weights: Any = None, *, epochs: int, **options: Any
    ) -> tuple[Any, dict[str, list[float]]]:
        """Train a network for that many epochs of the schedule; return it with its losses by epoch."""
        keras.utils.set_random_seed(self.random_state or 0)
        steps = -(-len(rows) // self.batch_size)
        shares = np.bincount(codes, weights) / (len(codes) if weights is None else weights.sum())
        network = self._built(keras, rows.shape[1], precision="float32")
        network.compile(
            optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(self.learning_rate, steps * self.epochs)),
            loss="sparse_categorical_crossentropy",
            steps_per_execution=steps,  # a whole epoch without returning to Python takes a third of the time
        )
        of_class = (shares * len(shares)) ** -self.balance
        # Keras takes weights of classes or of rows
        counted = {"class_weight": dict(enumerate(of_class))} if weights is None else {"sample_weight": weights * of_class[codes]}
        training = network.fit(rows, codes, epochs=epochs, batch_size=self.batch_size, verbose=0, **counted, **options)
        return network, training.history

    def _built(self, keras: Any, width: int, precision: str) -> Any:
        layers, penalty = keras.layers, keras.regularizers.L2(self.l2)
        return keras.Sequential(
            [
                keras.Input((width,)),
                layers.Reshape((width, 1)),
                layers.Conv1D(self.filters, self.kernel_size, activation="relu"),
                layers.MaxPooling1D(2),
                layers.Flatten(),
                layers.Dense(len(self.classes_), activation="softmax", kernel_regularizer=penalty, dtype=precision),
            ]
        )
