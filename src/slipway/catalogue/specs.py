"""The models there are, as their files declare them: those of `slipway/models/` and of the folder that SLIPWAY_MODELS names.

A new file there is a new model, nothing else to register. Executing them imports scikit-learn and Optuna, which takes seconds; what needs
names, ports and schedules only asks `slipway.catalogue.listings`.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import traceback
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import combinations
from pathlib import Path

from slipway import models
from slipway.catalogue.imports import without_collector
from slipway.catalogue.models import Models
from slipway.errors import SpecError
from slipway.files.rights import open_to_all
from slipway.spec import ModelSpec

logger = logging.getLogger(__name__)

OWN = ("name", "registered_as", "port")  # what no two models have alike, unless one challenges the other
SHARED = ("dataset", "columns", "split", "metric", "registered_as", "port")  # by a challenger and what it challenges


@cache
def catalogue() -> Models[ModelSpec]:
    """Return every model by name, sorted; the mapping is shared, so a test may add to it.

    A file that cannot be imported, declares no model or collides with one before it is left out, and the others are as they were.

    Raises:
        SpecError: SLIPWAY_MODELS names no folder.
    """
    places, left_out = files()
    found: list[tuple[str, ModelSpec]] = []
    with without_collector():
        for module, file in places.items():
            try:
                found.append((module, declared(module, file)))
            except SpecError as error:
                left_out[_named(module)] = str(error)
    accepted: list[ModelSpec] = []
    by_name: dict[str, Path] = {}
    for module, spec in sorted(found, key=lambda one: one[1].challenges is not None):  # a challenger after its champion
        try:
            _refuse_second(spec, by_name)
            checked([*accepted, spec])
        except SpecError as error:
            left_out[_named(module)] = f"{places[module]}: {error}"
        else:
            accepted.append(spec)
            by_name[spec.name] = places[module]
    for wrong in left_out.values():
        logger.warning("left out: %s", wrong)
    return Models(checked(accepted), left_out)


def _named(module: str) -> str:
    """Return the name that the model of a file has, by the custom that all files follow."""
    return module.replace("_", "-")


def _refuse_second(spec: ModelSpec, files: Mapping[str, Path]) -> None:
    """Refuse a model whose name another file has: by the name alone, nobody could say which of the two is meant."""
    if other := files.get(spec.name):
        raise SpecError(f"{other} has name={spec.name!r} too; give one of the two another name.")


def checked(specs: Iterable[ModelSpec]) -> dict[str, ModelSpec]:
    """Return the specs by name, sorted.

    Raises:
        SpecError: Two of them share a name, or a registered name or a port although neither challenges the other; or a challenger
            does not share what it must.
    """
    specs = list(specs)
    by_name = {spec.name: spec for spec in specs}
    for spec in specs:
        if spec.challenges:
            _require_shared(spec, by_name)
    for other, spec in combinations(specs, 2):
        for what in ("name",) if spec.service == other.service else OWN:
            if getattr(spec, what) == getattr(other, what):
                raise SpecError(f"{other.name} and {spec.name} both have {what}={getattr(spec, what)!r}; give one of them another.")
    return dict(sorted(by_name.items()))


def _require_shared(spec: ModelSpec, by_name: Mapping[str, ModelSpec]) -> None:
    challenged = by_name.get(spec.service)
    if challenged is None or challenged.challenges:
        served = ", ".join(sorted(name for name, other in by_name.items() if not other.challenges))
        raise SpecError(f"{spec.name}: challenges={spec.challenges!r} is no model with a service of its own; there are: {served}.")
    if differing := [what for what in SHARED if getattr(spec, what) != getattr(challenged, what)]:
        raise SpecError(
            f"{spec.name} challenges {challenged.name}, and their {', '.join(differing)} differ: both must answer the same rows under one "
            f"name. Make it with dataclasses.replace(MODEL, ...) from {challenged.name}'s MODEL, and leave these as they are."
        )


def lookup(name: str) -> ModelSpec:
    """Return one model; see `Models.lookup`."""
    return catalogue().lookup(name)


def served(name: str) -> ModelSpec:
    """Return one model that has a service; see `Models.served`."""
    return catalogue().served(name)


def services() -> dict[str, ModelSpec]:
    """Return the models that have a service of their own, by name."""
    return catalogue().services()


def files() -> tuple[dict[str, Path], dict[str, str]]:
    """Return the model files by the name of their module, the project's own first; and what is wrong with those left out, by file.

    Raises:
        SpecError: SLIPWAY_MODELS names no folder.
    """
    found: dict[str, Path] = {}
    left_out: dict[str, str] = {}
    for folder in map(Path, models.__path__):
        if not folder.is_dir():
            raise SpecError(f"SLIPWAY_MODELS names {folder}, which is no folder. Name one that holds model files, or unset it.")
        for module, file in in_folder(folder).items():
            if module in found:
                left_out[str(file)] = f"{found[module]} and {file} have one name, so only the first can be imported; rename the second."
                continue
            found[module] = file
    return found, left_out


def in_folder(folder: Path) -> dict[str, Path]:
    """Return the model files of a folder by the name of their module; a name with an underscore in front holds what several share."""
    found = [module for module in pkgutil.iter_modules([str(folder)]) if not module.name.startswith("_")]
    return {module.name: folder / (f"{module.name}/__init__.py" if module.ispkg else f"{module.name}.py") for module in found}


def refuse_writable(file: Path) -> None:
    """Refuse a file of SLIPWAY_MODELS if every user may write it, its folder, or what it may import from there: it is run as code.

    Raises:
        SpecError: The message says what to change.
    """
    if file.is_relative_to(Path(models.__file__).parent):
        return
    package = file.parent if file.name == "__init__.py" else None
    folder = package.parent if package else file.parent
    beside = [*folder.glob("_*.py"), *folder.glob("_*/**/*.py"), folder / "__pycache__", *(package.rglob("*") if package else ())]
    for one in (file, *filter(Path.exists, beside)):
        if place := open_to_all(one):
            raise SpecError(f"{file} is run as code, and every user of this machine may write {place}. Run: chmod o-w {place}")


def declared(name: str, file: Path) -> ModelSpec:
    """Import a model's file, and return its model.

    Raises:
        SpecError: The message says what is wrong with the file, and in which line.
    """
    refuse_writable(file)
    try:
        model = getattr(importlib.import_module(f"{models.__name__}.{name}"), "MODEL", None)
    except (Exception, SystemExit) as error:
        raise SpecError(f"{_place(file, error)}: {reason(error)}") from error
    if not isinstance(model, ModelSpec):
        raise SpecError(f"{file} declares no MODEL = ModelSpec(...).")
    return model


def reason(error: BaseException) -> str:
    """Return why a model's file cannot be executed, in words."""
    if isinstance(error, SpecError):
        return str(error)
    return f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"  # of a syntax, the place is said elsewhere


def _place(file: Path, error: BaseException) -> str:
    """Return the file and the line in it that went wrong; the line alone would mean nothing to who has several such files."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    if isinstance(error, SyntaxError) and error.filename == str(file):
        lines.append(error.lineno)
    return f"{file}, line {lines[-1]}" if lines else str(file)
