"""Reading a version that somebody else registered in MLflow, as an estimator of scikit-learn or of a library that follows it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from slipway.drafting.pickles import as_skops
from slipway.errors import AdoptedModelError

if TYPE_CHECKING:
    from mlflow import MlflowClient

VERSION = re.compile(r"models:/(?P<name>[^/@]+)(?:/(?P<number>\d+)|@(?P<alias>[^/@]+))")
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
    """A fitted model, and the names of its columns with their types in MLflow; a type is "" if it has no signature.

    `pickled` is the pickle that it was made of, if it was one: whose answers it must give.
    """

    name: str
    number: int
    model: Any
    columns: Mapping[str, str]
    pickled: bytes = field(default=b"", repr=False)

    @property
    def address(self) -> str:
        return f"models:/{self.name}/{self.number}"

    @property
    def classes(self) -> list[Any] | None:
        """The classes that it answers; None if it predicts a number."""
        found = np.asarray(getattr(self.model, "classes_", [])).tolist()
        return found or None  # a regressor of CatBoost has none in its list


@dataclass(frozen=True, slots=True)
class Trust:
    """What a person trusts of a version: further types, as module.Type, in a skops file, and whether its pickle may be read at all."""

    types: Collection[str] = ()
    pickle: bool = False


def read_version(client: MlflowClient, address: str, trust: Trust | None = None, columns: Collection[str] = ()) -> LoggedVersion:
    """Download a version and read it. A pickle is never read in this process; see `slipway.drafting.pickles`.

    Args:
        address: models:/NAME/VERSION or models:/NAME@ALIAS.
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
        model, pickled = _model(address, place, described.flavors, trust or Trust())
    return LoggedVersion(name, number, model, _types(address, described, model, list(columns)), pickled)


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


def _model(address: str, place: Path, flavours: Mapping[str, Mapping[str, Any]], trust: Trust) -> tuple[Any, bytes]:
    """Return the model, and its pickle if it is stored as one."""
    flavour = next((name for name in FILES if name in flavours), None)
    if flavour is None:
        raise AdoptedModelError(
            f"{address} was logged as {', '.join(sorted(set(flavours) - {'python_function'})) or 'python_function'}; `slipway adopt` reads "
            f"{', '.join(FILES)}. Log the model itself with one of these, then adopt that version."
        )
    settings = flavours[flavour]
    file = place / str(settings[FILES[flavour]])
    try:
        if file.suffix == ".skops":
            return _of_skops(f"{address}: {file.name}", file.read_bytes(), trust), b""
        if native := NATIVE.get(flavour, {}).get(file.suffix):
            return native(file, settings), b""
        pickled = file.read_bytes()
    except ImportError as error:
        raise AdoptedModelError(f"{address} needs a package that is not installed here: {error}. Install it, then adopt again.") from None
    except OSError as error:
        raise AdoptedModelError(f"{address}: its files cannot be read ({_short(error)}); the artifact store may have lost one.") from None
    if not trust.pickle:
        raise AdoptedModelError(
            f"{address} is stored as a pickle ({file.name}), which runs any code when it is read, so it is not read. Log it again "
            'where it was made, with serialization_format="skops"; or if you know who made it, adopt it with --trust-pickle: then it is '
            "read once, in a process without network and files."
        )
    model = _of_skops(f"{address}: {file.name}", as_skops(address, pickled), trust)
    if not hasattr(model, "predict"):
        raise AdoptedModelError(f"{address}: its pickle is a {type(model).__name__}, which predicts nothing.")
    return model, pickled


def _of_skops(name: str, content: bytes, trust: Trust) -> Any:
    from skops.io import loads

    from slipway.bundle.trusted_types import ALLOWED, refuse_other_types_in

    trusted = {*OF_LIBRARIES, *trust.types}
    refuse_other_types_in(content, name, trusted)
    return loads(content, trusted=[*ALLOWED, *trusted])


def _lightgbm(file: Path, settings: Mapping[str, Any]) -> Any:
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


def _xgboost(file: Path, settings: Mapping[str, Any]) -> Any:
    from xgboost import Booster, XGBClassifier, XGBRegressor

    objective = str(Booster(model_file=str(file)).save_config())
    model = XGBClassifier() if '"name":"binary:' in objective or '"name":"multi:' in objective else XGBRegressor()
    model.load_model(file)
    return model


def _catboost(file: Path, settings: Mapping[str, Any]) -> Any:
    from catboost import CatBoostClassifier, CatBoostRegressor

    kind = CatBoostClassifier if settings.get("model_type") == "CatBoostClassifier" else CatBoostRegressor
    return kind().load_model(str(file))


# flavour -> the setting that names its file
FILES: Mapping[str, str] = MappingProxyType({"sklearn": "pickled_model", "lightgbm": "data", "xgboost": "data", "catboost": "data"})
Reader = Callable[[Path, Mapping[str, Any]], Any]
# flavour -> ending of a file in the library's own format -> what reads it
NATIVE: Mapping[str, Mapping[str, Reader]] = MappingProxyType(
    {
        "lightgbm": {".lgb": _lightgbm},
        "xgboost": {".ubj": _xgboost, ".json": _xgboost, ".xgb": _xgboost},
        "catboost": {".cb": _catboost},
    }
)


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
