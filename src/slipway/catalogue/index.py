"""The index of the catalogue: a file that holds the models in short, so that most commands execute no model file.

It counts only while everything it was made from is as it was: the model files byte by byte, the files beside them, and every module of
Slipway and of the libraries that the model files import. A model file that could read anything else is never indexed.
"""

from __future__ import annotations

import ast
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import cache_from_source, find_spec
from pathlib import Path

import msgspec

from slipway import models
from slipway.files.replacing import replace
from slipway.spec import ModelSpec, Schedule

logger = logging.getLogger(__name__)

CLOCK = 20_000_000  # nanoseconds by which a file system's clock may be behind
LIBRARIES = ("catboost", "lightgbm", "optuna", "sklearn", "xgboost")  # what they say depends on their own files only
SLIPWAY = ("slipway.errors", "slipway.models", "slipway.spec", "slipway.training.networks")
STANDARD = ("__future__", "collections", "dataclasses", "enum", "functools", "itertools", "math", "typing")
PURE = LIBRARIES + SLIPWAY + STANDARD
READING = frozenset({"open", "exec", "eval", "compile", "input", "__import__", "datasets"})  # sklearn.datasets downloads and reads files


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A model in short: what its file declares of it, without rows, estimator and search."""

    name: str
    registered_as: str
    description: str
    port: int
    metric: str
    floor: float
    approval: bool
    challenges: str | None
    schedules: tuple[Schedule, ...]
    watch_schedule: Schedule
    lower_is_better: bool = False

    @property
    def service(self) -> str:
        """The name under which its versions are served: its own, or that of the model it challenges."""
        return self.challenges or self.name

    @classmethod
    def of(cls, spec: ModelSpec) -> Listing:
        return cls(
            name=spec.name,
            registered_as=spec.registered_as,
            description=spec.description,
            port=spec.port,
            metric=spec.metric,
            floor=spec.gate.floor,
            approval=spec.approval,
            challenges=spec.challenges,
            schedules=spec.schedules,
            watch_schedule=spec.watch.schedule,
            lower_is_better=spec.lower_is_better,
        )


class Index(msgspec.Struct):
    """The content of the file."""

    modules: list[str]
    fingerprint: str
    listings: list[Listing]


def places(home: Path) -> tuple[Path, Path]:
    """Return where the index may be: beside the bytecode of Slipway's model files, for all homes, else in the home folder."""
    name = f"catalogue-{sha256(repr(list(models.__path__)).encode()).hexdigest()[:8]}.json"
    return Path(cache_from_source(models.__file__)).with_name(name), home / "cache" / name


def read(file: Path) -> list[Listing] | None:
    """Return the models in short; None where there is no index, or something that it was made from has changed."""
    try:
        index = msgspec.json.decode(file.read_bytes(), type=Index)
        return index.listings if index.fingerprint == _fingerprint(index.modules) else None
    except (OSError, msgspec.DecodeError) as error:  # also a module that is gone, or a file of another version of Slipway
        logger.debug("the catalogue has no index: %s", error)
        return None


def write(files: Sequence[Path], listings: Sequence[Listing], began: int) -> None:
    """Write the index of the model files that this process has executed, to the first place that takes it.

    Where none does, commands are slow, and right.

    Args:
        files: The places; of the folder, the last part is made if need be.
        began: When the first model file was executed, in nanoseconds since the epoch. What changed since then is perhaps not what was
            executed, so nothing is written.
    """
    modules = sorted(_loaded("slipway", *LIBRARIES))
    settled = all(_changed(module) < began - CLOCK for module in modules)
    if not (settled and all(_is_pure_file(file) for file in modules if _is_model(file))):
        return
    index = Index(modules=modules, fingerprint=_fingerprint(modules), listings=list(listings))
    for file in files:
        try:
            file.parent.mkdir(exist_ok=True)
            replace(file, msgspec.json.encode(index))
        except OSError as error:
            logger.debug("the catalogue's index cannot be written: %s", error)
        else:
            return


def _changed(module: str) -> int:
    """Return when a module's file changed. Of a model file, the time that nobody can set; elsewhere that would count new links as well."""
    found = os.stat(module)
    return found.st_ctime_ns if _is_model(module) else found.st_mtime_ns


def _fingerprint(modules: Sequence[str]) -> str:
    """Return a digest that changes with the modules, with the names in the folders of models, and with what would be imported."""
    digest = sha256(repr((sys.version, [(name, _origin(name)) for name in LIBRARIES])).encode())
    for folder in models.__path__:
        digest.update(repr((folder, sorted({*os.listdir(folder)} - {"__pycache__"}))).encode())
    for module in modules:
        found = os.stat(module)
        digest.update(repr((module, found.st_ino, found.st_size, found.st_mtime_ns)).encode())
        if _is_model(module):
            digest.update(sha256(Path(module).read_bytes()).digest())
    return digest.hexdigest()


def _origin(library: str) -> str | None:
    found = find_spec(library)
    return found.origin if found else None


def _loaded(*packages: str) -> set[str]:
    """Return the files of the packages' modules that this process has imported."""
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    return {file for name, file in files.items() if file and name.partition(".")[0] in packages}


def _is_model(file: str) -> bool:
    return file != models.__file__ and any(file.startswith(f"{folder}{os.sep}") for folder in models.__path__)


def _is_pure_file(file: str) -> bool:
    return file.endswith(".py") and all(_is_pure(node) for node in ast.walk(ast.parse(Path(file).read_bytes())))


def _is_pure(node: ast.AST) -> bool:
    """Return whether a piece of a model file depends on nothing but its text and `PURE` modules."""
    match node:
        case ast.Import(names=names):
            return all(_is_pure_module(name.name) for name in names)
        case ast.ImportFrom(level=0, module=module, names=names):
            return all(_is_pure_module(f"{module}.{name.name}") for name in names)
        case ast.ImportFrom(level=level):
            return level == 1
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            return name not in READING
    return True


def _is_pure_module(name: str) -> bool:
    return f"{name}.".startswith(tuple(f"{pure}." for pure in PURE)) and READING.isdisjoint(name.split("."))
