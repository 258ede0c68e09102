"""Reading a version that somebody else registered in MLflow, as an estimator of scikit-learn or of a library that follows it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from slipway.errors import AdoptedModelError

if TYPE_CHECKING:
    from mlflow import MlflowClient

VERSION = re.compile(r"models:/(?P<name>[^/@]+)(?:/(?P<number>\d+)|@(?P<alias>[^/@]+))")
PICKLES = ("pickle", "cloudpickle")
# what skops writes of these libraries' models: the library's own text of its trees, which its own reader parses
OF_LIBRARIES = (
    "collections.OrderedDict",
    "collections.defaultdict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
    "catboost.core.CatBoostClassifier",
    "catboost.core.CatBoostRegressor",
)


@dataclass(frozen=True, slots=True)
class LoggedVersion:
    """A fitted model, and the names of its columns with their types in MLflow; a type is "" if it has no signature."""

    name: str
    number: int
    model: Any
    columns: Mapping[str, str]

    @property
    def address(self) -> str:
        return f"models:/{self.name}/{self.number}"

    @property
    def classes(self) -> list[Any] | None:
        """The classes that it answers; None if it predicts a number."""
        found = getattr(self.model, "classes_", None)
        return None if found is None else np.asarray(found).tolist()


def read_version(client: MlflowClient, address: str, trusted: Collection[str] = (), columns: Collection[str] = ()) -> LoggedVersion:
    """Download a version and read it. Nothing is unpickled.

    Args:
        address: models:/NAME/VERSION or models:/NAME@ALIAS.
        trusted: Further types, as module.Type, that a skops file may contain.
        columns: The names of its columns, in its order, if it has none itself.
    Raises:
        AdoptedModelError: There is no such version, its files are gone, or it is of a kind that cannot be adopted.
        UnsafeModelError: It contains a type that is not trusted; it was not loaded.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model

    name, number = _found(client, address)
    with tempfile.TemporaryDirectory(prefix="slipway-adopt-") as folder:
        try:
            place = Path(download_artifacts(f"models:/{name}/{number}", dst_path=folder))
            described = Model.load(str(place))
        except (MlflowException, OSError) as error:
            raise AdoptedModelError(
                f"{address}: its files cannot be read ({_short(error)}). Look whether the artifact store still has them."
            ) from None
        model = _model(address, place, described.flavors, {*OF_LIBRARIES, *trusted})
    types = _types(address, described, model, list(columns))
    return LoggedVersion(name, number, model, types)


def _found(client: MlflowClient, address: str) -> tuple[str, int]:
    from mlflow.exceptions import MlflowException

    if not (parts := VERSION.fullmatch(address)):
        raise AdoptedModelError(f"{address!r} is no version of a registered model: expected models:/NAME/VERSION or models:/NAME@ALIAS.")
    name = parts["name"]
    try:
        if parts["alias"]:
            found = client.get_model_version_by_alias(name, parts["alias"])
        else:
            found = client.get_model_version(name, parts["number"])
    except MlflowException as error:
        there = sorted(int(one.version) for one in client.search_model_versions(f"name='{name}'"))
        versions = f"{name} has the versions {there}" if there else f"MLflow has no registered model {name!r}"
        raise AdoptedModelError(f"{address} is not there ({_short(error)}): {versions}.") from None
    return name, int(found.version)


def _model(address: str, place: Path, flavours: Mapping[str, Mapping[str, Any]], trusted: Collection[str]) -> Any:
    reader = next((READERS[name] for name in READERS if name in flavours), None)
    if reader is None:
        raise AdoptedModelError(
            f"{address} was logged as {', '.join(sorted(set(flavours) - {'python_function'})) or 'python_function'}; `slipway adopt` reads "
            f"{', '.join(READERS)}. Log the model itself with one of these, then adopt that version."
        )
    try:
        return reader(address, place, next(flavours[name] for name in READERS if name in flavours), trusted)
    except ImportError as error:
        raise AdoptedModelError(f"{address} needs a package that is not installed here: {error}. Install it, then adopt again.") from None
    except OSError as error:
        raise AdoptedModelError(f"{address}: its files cannot be read ({_short(error)}); the artifact store may have lost one.") from None


def _of_skops(address: str, path: Path, trusted: Collection[str]) -> Any:
    from skops.io import loads

    from slipway.bundle.trusted_types import ALLOWED, refuse_other_types_in

    content = path.read_bytes()
    refuse_other_types_in(content, f"{address}: {path.name}", trusted)
    return loads(content, trusted=[*ALLOWED, *trusted])


def _sklearn(address: str, place: Path, flavour: Mapping[str, Any], trusted: Collection[str]) -> Any:
    if (written := flavour.get("serialization_format")) in PICKLES or not str(flavour["pickled_model"]).endswith(".skops"):
        raise AdoptedModelError(
            f"{address} is stored as a pickle ({written}), which runs any code when it is read, so it is not read. Where the model was "
            'made, log it with mlflow.sklearn.log_model(..., serialization_format="skops"), then adopt that version.'
        )
    return _of_skops(address, place / str(flavour["pickled_model"]), trusted)


def _lightgbm(address: str, place: Path, flavour: Mapping[str, Any], trusted: Collection[str]) -> Any:
    file = place / str(flavour["data"])
    if file.suffix == ".skops":
        return _of_skops(address, file, trusted)
    if file.suffix != ".lgb":
        raise AdoptedModelError(
            f"{address} is stored as a pickle ({file.name}), so it is not read. Log it again with skops, or its Booster."
        )
    from lightgbm import Booster, LGBMClassifier, LGBMRegressor
    from sklearn.preprocessing import LabelEncoder

    booster = Booster(model_file=str(file))
    objective = str(booster.dump_model()["objective"])
    kind = LGBMClassifier if objective.startswith(("binary", "multiclass")) else LGBMRegressor
    model = kind(objective=objective.partition(" ")[0])
    # the library has no way to make its estimator of a Booster
    model._Booster, model._n_features, model.fitted_ = booster, booster.num_feature(), True
    model._n_features_in = booster.num_feature()
    if kind is LGBMClassifier:
        classes = np.arange(max(2, booster.num_model_per_iteration()))
        model._classes, model._n_classes, model._le = classes, len(classes), LabelEncoder().fit(classes)
    return model


def _xgboost(address: str, place: Path, flavour: Mapping[str, Any], trusted: Collection[str]) -> Any:
    from xgboost import Booster, XGBClassifier, XGBRegressor

    file = place / str(flavour["data"])
    if file.suffix not in (".ubj", ".json", ".xgb"):
        raise AdoptedModelError(f"{address} is stored as a pickle ({file.name}), so it is not read. Log it again with model_format='ubj'.")
    objective = str(Booster(model_file=str(file)).save_config())
    model = XGBClassifier() if '"name":"binary:' in objective or '"name":"multi:' in objective else XGBRegressor()
    model.load_model(file)
    return model


def _catboost(address: str, place: Path, flavour: Mapping[str, Any], trusted: Collection[str]) -> Any:
    from catboost import CatBoostClassifier, CatBoostRegressor

    kind = CatBoostClassifier if flavour.get("model_type") == "CatBoostClassifier" else CatBoostRegressor
    return kind().load_model(str(place / str(flavour["data"])))


Reader = Callable[[str, Path, Mapping[str, Any], Collection[str]], Any]
READERS: Mapping[str, Reader] = MappingProxyType({"sklearn": _sklearn, "lightgbm": _lightgbm, "xgboost": _xgboost, "catboost": _catboost})


def _types(address: str, described: Any, model: Any, columns: list[str]) -> dict[str, str]:
    """Return the columns that the model takes, in its order, with their types in the signature."""
    inputs = described.signature.inputs if described.signature else None
    if inputs is not None and not columns and not inputs.is_tensor_spec() and inputs.has_input_names():
        return {column.name: column.type.name for column in inputs.inputs}
    names = columns or _own_names(model)
    if not names:
        raise AdoptedModelError(
            f"{address} names no columns: it has no signature, or one of tensors. Name them, in the order that the model was fitted on, "
            "with --columns age,dose,ward."
        )
    if (width := getattr(model, "n_features_in_", 0) or len(names)) != len(names):  # CatBoost says 0
        raise AdoptedModelError(f"{address} takes {width} columns, received {len(names)} names with --columns: {', '.join(names)}.")
    return dict.fromkeys(names, "")


def _own_names(model: Any) -> list[str]:
    """Return the names that a fitted model has of its columns; none if it was fitted without."""
    for names in (getattr(model, "feature_names_in_", None), getattr(model, "feature_names_", None), getattr(model, "feature_name_", None)):
        if names is not None and not all(re.fullmatch(r"(Column_|f)?\d+", str(name)) for name in names):
            return [str(name) for name in names]
    return []


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
