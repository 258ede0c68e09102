"""What MLflow runs for a Keras network: raw, named columns in, labels out.

MLflow stores this file as it is, beside the `.keras` file and the labels, and runs it when the model is loaded: so nothing
is pickled, and whoever loads the model needs Keras and not Slipway.
"""

import json
from pathlib import Path

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class Network(PythonModel):  # type: ignore[misc]
    """Answers with the most probable label of each row."""

    def load_context(self, context):  # type: ignore[no-untyped-def]
        """Load the network, with Keras refusing any code that a file might carry."""
        import keras

        self.network = keras.saving.load_model(context.artifacts["network"], safe_mode=True)
        self.classes = json.loads(Path(context.artifacts["classes"]).read_text())

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Return n labels for a frame of n rows."""
        probabilities = np.asarray(self.network.predict_on_batch(model_input.to_numpy(dtype=np.float32)))
        return np.array([self.classes[index] for index in probabilities.argmax(axis=1)], dtype=object)


set_model(Network())
