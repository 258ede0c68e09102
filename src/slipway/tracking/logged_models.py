"""Models as MLflow stores them: raw, named columns in, labels out, nothing pickled."""

from __future__ import annotations

import importlib.metadata
import json
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.bundle.compiling.compiled import inner
from slipway.bundle.contract import of_output
from slipway.bundle.trusted_types import ALLOWED, refuse_other_types
from slipway.spec import Boolean, Category, Date, Feature, ModelSpec, Text
from slipway.training.networks import ConvolutionalNetwork
from slipway.training.pipelines import MODEL_STEP, PREPARATION_STEP
from slipway.training.splitting import Rows

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.models.model import ModelInfo

EXAMPLE_ROWS = 5
NETWORK_CODE = Path(__file__).with_name("network_code.py")  # not imported here: MLflow runs it where it loads the model


def log_model(spec: ModelSpec, rows: Rows, model: Any) -> str:
    """Log a fitted pipeline, with what is around it, to the active run. Return its address.

    Raises:
        UnsafeModelError: It contains a type that is not on the allow-list.
    """
    described = {"name": "model", "signature": signature(spec), "input_example": _example(spec, rows)}
    pipeline = inner(model)
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(pipeline.named_steps[MODEL_STEP], ConvolutionalNetwork):
            info = _log_network(spec, pipeline, getattr(model, "threshold", None), Path(folder), described)
        else:
            info = _log_pipeline(model, Path(folder), described, spec.trusted)
    if info.signature is None:
        raise RuntimeError(f"{spec.name}: MLflow dropped the model's signature, so it would check no input of its callers.")
    return str(info.model_uri)


def signature(spec: ModelSpec) -> ModelSignature:
    """Return the schema of raw rows: `long` for whole numbers, `double` for others, `string` for texts, `boolean`.

    All are required. MLflow knows no missing whole number: a column of them that may be missing is `double`.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    def kind(feature: Feature) -> DataType:
        if isinstance(feature, Category | Date | Text):
            return DataType.string
        if isinstance(feature, Boolean):
            return DataType.boolean
        return DataType.long if feature.integer and not feature.missing else DataType.double

    target = spec.columns.target
    classes = DataType.string if target.texts else DataType.long
    return ModelSignature(
        inputs=Schema([ColSpec(kind(feature), name) for name, feature in spec.columns.features.items()]),
        outputs=Schema([ColSpec(classes if target.answers_are_categories else DataType.double, target.name)]),
    )


def _example(spec: ModelSpec, rows: Rows) -> pd.DataFrame:
    """Return the first training rows with the types of the signature: booleans with gaps are floats in validated rows."""
    example = rows.train.head(EXAMPLE_ROWS)
    gaps = [name for name, kind in spec.columns.booleans.items() if kind.missing]
    return example.assign(**{name: example[name].map({1.0: True, 0.0: False}).astype(object) for name in gaps})


def _log_pipeline(model: Any, folder: Path, described: dict[str, Any], trusted: tuple[str, ...]) -> ModelInfo:
    import mlflow

    _store(model, folder / "model.skops", trusted)
    return mlflow.sklearn.log_model(
        model,
        serialization_format="skops",
        skops_trusted_types=[*ALLOWED, *trusted],
        pip_requirements=_versions("scikit-learn", "skops", "numpy", "pandas", *_packages(trusted)),
        **described,
    )


def _log_network(spec: ModelSpec, pipeline: Any, threshold: float | None, folder: Path, described: dict[str, Any]) -> ModelInfo:
    """Log the network in the format of Keras and the preparation in that of skops, with the code that chains them."""
    import mlflow

    network, preparation, answers = folder / "network.keras", folder / "preparation.skops", folder / "answers.json"
    pipeline.named_steps[MODEL_STEP].network_.save(network)
    _store(pipeline.named_steps[PREPARATION_STEP], preparation, spec.trusted)
    decides = of_output(spec.problem.output(threshold))
    answers.write_text(json.dumps({name: decides[name] for name in ("classes", "positive", "threshold")}))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Add type hints")  # the signature has the type of each column
        return mlflow.pyfunc.log_model(
            python_model=str(NETWORK_CODE),
            artifacts={"network": str(network), "preparation": str(preparation), "answers": str(answers)},
            pip_requirements=_versions("mlflow", "tensorflow", "keras", "scikit-learn", "skops", "numpy", "pandas"),
            **described,
        )


def _store(model: Any, path: Path, trusted: tuple[str, ...]) -> None:
    from skops.io import dump

    dump(model, path)
    refuse_other_types(path, trusted)


def _packages(trusted: tuple[str, ...]) -> list[str]:
    """Return the installed packages that trusted types come from, beside those that are always named."""
    modules, installed = {name.partition(".")[0] for name in trusted}, importlib.metadata.packages_distributions()
    return sorted({package for module in modules for package in installed.get(module, [])} - {"scikit-learn", "skops", "numpy", "pandas"})


def _versions(*packages: str) -> list[str]:
    return [f"{name}=={importlib.metadata.version(name)}" for name in packages]
