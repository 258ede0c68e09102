"""The contract of a bundle with its callers: columns, classes, threshold, and the version it was measured as."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from slipway.bundle.contents import content_of
from slipway.errors import BundleError
from slipway.problems.serving import Answer, ClassLabel, ClassOutput, Output, QuantityOutput

CONTRACT = "contract.json"
PROBE = "probe.json"
MANIFEST = "manifest.json"
FORMAT = 1

EngineName = Literal["onnx", "network", "linear", "trees", "boosting", "histogram", "ensemble", "svm", "composed", "pyfunc"]
T = TypeVar("T")


class Column(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One column that a caller sends. Numbers have `low`, `high` and `unit`, categories have `values`.

    `missing`: a cell may be null, or left out. `other`: a text that is none of the values is taken too.
    `time`: a date may have a time. `format`: how the dates of a file are written, if not as ISO text; requests have ISO text.
    `longest`: the most characters of a text that is written freely.
    """

    name: str
    kind: Literal["number", "integer", "category", "boolean", "date", "text"]
    description: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    missing: bool = False
    other: bool = False
    time: bool = False
    format: str = ""
    longest: int = 0

    @property
    def is_text(self) -> bool:
        return self.kind in ("category", "date", "text")

    @property
    def is_number(self) -> bool:
        return self.kind in ("number", "integer")


class Contract(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Everything that a server must know to answer for one version.

    `classes` are in the order of the probabilities. If `threshold` is None, the most probable class is the answer (the first one at a
    tie); otherwise the model is binary and answers `positive` if its probability is >= threshold. `engine` names the engine that
    answers from the model files, and so what a server must have installed: see `slipway.bundle.engine.open_engine`. A regression has a
    `quantity` and no classes.
    """

    format: int
    model: str
    registered_as: str
    version: int | None
    run_id: str
    engine: EngineName
    description: str
    columns: tuple[Column, ...]
    target: str
    classes: tuple[ClassLabel, ...]
    class_meanings: tuple[str, ...]
    positive: ClassLabel | None
    threshold: float | None
    data_sha256: str
    sample: bool
    metrics: dict[str, float]
    mlflow_version: str
    created_at: str
    quantity: QuantityOutput | None = None

    @property
    def output(self) -> Output:
        """What the version answers: labels, records and schemas, by the kind of problem."""
        return self.quantity or ClassOutput(self.classes, self.class_meanings, self.positive, self.threshold)


def of_output(output: Output) -> dict[str, Any]:
    """Return the fields of a contract that say what a version answers."""
    if isinstance(output, QuantityOutput):
        return {"classes": (), "class_meanings": (), "positive": None, "threshold": None, "quantity": output}
    return {"classes": output.classes, "class_meanings": output.meanings, "positive": output.positive, "threshold": output.threshold}


def with_version(contract: Contract, version: int | None) -> Contract:
    """Return the same contract with the version that the model was registered as."""
    return msgspec.structs.replace(contract, version=version)


def with_engine(contract: Contract, engine: EngineName) -> Contract:
    """Return the same contract for the model compiled for another engine."""
    return msgspec.structs.replace(contract, engine=engine)


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Held-out rows, (n, columns) in contract order, and the measured model's answers: n labels, (n, classes) probabilities.

    Of a regression, the labels are the predicted numbers, and `probabilities` has the (n, 2) ends of their intervals.
    """

    rows: list[list[float | int | str | bool | None]]
    labels: list[Answer]
    probabilities: list[list[float]]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """sha256 of every other file in the folder, by file name."""

    files: dict[str, str]


def decode(path: Path, kind: type[T], within: Path | None = None) -> T:
    """Read one JSON file of a bundle. It must be inside the folder `within`, by default its own, also when links are followed.

    Raises:
        BundleError: The file is missing, or this version of Slipway cannot read it.
    """
    try:
        return decode_bytes(content_of(path, within or path.parent), kind, path)
    except FileNotFoundError:
        raise BundleError(f"{path.parent}: {path.name} is missing; the bundle is incomplete. Release the model again.") from None


def decode_bytes(content: bytes, kind: type[T], path: Path) -> T:
    """Decode the content of one JSON file of a bundle; `path` is named in the error.

    Raises:
        BundleError: This version of Slipway cannot read it.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise BundleError(f"{path}: not a bundle file this version of Slipway can read ({error}). Release the model again.") from None
