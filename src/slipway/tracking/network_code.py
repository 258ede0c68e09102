"""The code that MLflow runs for a Keras network: raw, named columns in, labels out.

MLflow stores this file as it is, beside the `.keras` file, the fitted preparation and the labels, and runs it when the model
is loaded. So nothing is pickled, and loading the model needs Keras and scikit-learn, but not Slipway.
"""

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

TRUSTED = [f"numpy.{name}" for name in ("asarray", "average", "diff", "dot", "dtype", "interp")]  # of a preparation
MOST_BYTES = 1 << 30  # that a file expands to; the largest network of ours has 0.01 GB


def refuse_large_zip(path: str) -> None:
    """Raise ValueError if a file expands to too much, before any of it is expanded: a small zip may fill the memory."""
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MOST_BYTES:
        raise ValueError(f"{path}: expected to expand to at most {MOST_BYTES:,} bytes, received {size:,}. Release the model again.")


class Network(PythonModel):  # type: ignore[misc]
    """Predicts the most probable label of each row, or decides by the threshold of the positive label."""

    def load_context(self, context):  # type: ignore[no-untyped-def]
        """Load the parts. Keras refuses code in its file, and skops refuses types that are not scikit-learn's own."""
        import keras
        from skops.io import load

        for name in ("network", "preparation"):
            refuse_large_zip(context.artifacts[name])
        self.network = keras.saving.load_model(context.artifacts["network"], safe_mode=True)
        self.preparation = load(context.artifacts["preparation"], trusted=TRUSTED)
        self.answers = json.loads(Path(context.artifacts["answers"]).read_text())

    def predict(self, context, model_input: pd.DataFrame, params=None):  # type: ignore[no-untyped-def]
        """Return n labels for a frame of n rows."""
        matrix = np.asarray(self.preparation.transform(model_input), dtype=np.float32)
        probabilities = np.asarray(self.network(matrix))
        classes, threshold = self.answers["classes"], self.answers["threshold"]
        if threshold is None:
            return np.array([classes[index] for index in probabilities.argmax(axis=1)])
        yes = classes.index(self.answers["positive"])
        return np.array([classes[yes] if hit else classes[1 - yes] for hit in probabilities[:, yes] >= threshold])


set_model(Network())
