"""What is wrong with model files, all of it and each with its line. Only the files themselves are executed."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from slipway import models
from slipway.catalogue import source, specs
from slipway.catalogue.imports import loaded_at_first_use, without_collector
from slipway.errors import AdoptedModelError, SpecError, UnsafeModelError, UnstorableEstimatorError
from slipway.problems.estimators import is_plain
from slipway.spec import ModelSpec
from slipway.spec.declarations import Collector, collecting

PROJECT = Path(models.__file__ or "").parent


@dataclass(frozen=True, order=True, slots=True)
class FileFault:
    """Something wrong in a line of a file; 1 is the first line."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {' '.join(self.message.split())}"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file of the catalogue declares for its model alone; None where that does not show before it is executed."""

    file: Path
    name: str | None
    registered_as: str | None
    port: int | None
    service: str | None


def chosen(files: Sequence[Path]) -> list[Path]:
    """Return the model files among files and folders, each once; those of the catalogue if none are named.

    Raises:
        SpecError: SLIPWAY_MODELS names no folder, or a folder has no model file.
    """
    for folder in files:
        if folder.is_dir() and not specs.in_folder(folder):
            raise SpecError(f"{folder} has no model file: those end with .py, and do not begin with an underscore. Name another folder.")
    named = [inside for file in files for inside in (specs.in_folder(file).values() if file.is_dir() else [file])]
    of_catalogue = [] if files else [*specs.files()[0].values(), *map(Path, specs.files()[1])]
    return [Path(path) for path in dict.fromkeys(map(os.path.abspath, [*named, *of_catalogue]))]


def faults(files: Sequence[Path]) -> list[FileFault]:
    """Return everything that is wrong with model files, in the catalogue or not, by file and line.

    They are compared with the other files of the catalogue, too. Those are read and not executed, but for what a challenger challenges.

    Args:
        files: Absolute paths.
    """
    found: set[FileFault] = set()
    folders = {str(file.parent) for file in files} | {str(PROJECT)}
    with (
        loaded_at_first_use(),
        without_collector(),
        collecting(lambda name: name != models.__file__ and str(Path(name).parent) in folders) as collector,
    ):
        executed = {file: _executed(file, collector, found) for file in files if _may_be_executed(file, found)}
        for file, spec in executed.items():
            found |= {*_unstorable(file, spec)} if spec else set()
    for place, fault in collector.faults:
        found.add(FileFault(place.file, source.line_of(place, fault.path), fault.message))
    sound = {file: spec for file, spec in executed.items() if spec is not None}
    modules = {_module(file): file for file in files}
    taken = [_taken(file) for module, file in specs.files()[0].items() if module not in modules]
    for file, spec in executed.items():
        own = Taken(file, spec.name, spec.registered_as, spec.port, spec.service) if spec else _taken(file)
        found |= {*_collisions(own, taken), *(_against_champion(file, spec, sound) if spec else ())}
        taken.append(own)
    return sorted(found)


def _may_be_executed(file: Path, found: set[FileFault]) -> bool:
    """Return whether the catalogue would execute a file; one that is not in the catalogue always may be."""
    of_catalogue, second = specs.files()
    try:
        if message := second.get(str(file)):
            raise SpecError(message)
        if file in map(Path.absolute, of_catalogue.values()):
            specs.refuse_writable(file)
    except SpecError as error:
        found.add(FileFault(str(file), 1, str(error)))
        return False
    return True


def _executed(file: Path, collector: Collector, found: set[FileFault]) -> ModelSpec | None:
    """Execute a file; return its model, if nothing is wrong with it."""
    before = len(collector.faults)
    try:
        with _as_module(file) as name, redirect_stdout(sys.stderr):  # what the file prints is no part of the answer
            made = spec_from_file_location(name, file, submodule_search_locations=[str(file.parent)] if file.stem == "__init__" else None)
            if made is None or made.loader is None:
                raise SpecError("the name of a model's file ends with .py; rename it.")
            sys.modules[name] = module = module_from_spec(made)
            made.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        if len(collector.faults) == before:  # else it may follow from them
            found.add(FileFault(str(file), _line(file, error), specs.reason(error)))
        return None
    if len(collector.faults) > before:
        return None
    declared = getattr(module, "MODEL", None)
    if isinstance(declared, ModelSpec):
        return declared
    others = [name for name, value in vars(module).items() if isinstance(value, ModelSpec)]
    hint = f" Write MODEL in place of {others[0]}." if others else ""
    found.add(FileFault(str(file), source.line_of_model(file), f"it declares no MODEL = ModelSpec(...).{hint}"))
    return None


@contextmanager
def _as_module(file: Path) -> Iterator[str]:
    """Give the name that a file has as a module of the catalogue, with the files beside it; everything is forgotten afterwards."""
    path, before, writes = list(models.__path__), dict(sys.modules), sys.dont_write_bytecode
    folder = file.parent.parent if file.stem == "__init__" else file.parent
    models.__path__[1:] = [str(folder), *path[1:]]
    sys.dont_write_bytecode = True  # nothing is left beside the file
    try:
        yield f"{models.__name__}.{_module(file)}"
    finally:
        models.__path__[:] = path
        sys.dont_write_bytecode = writes
        for name, module in [*sys.modules.items()]:
            if name.startswith(f"{models.__name__}.") and module is not before.get(name):
                del sys.modules[name]
        sys.modules.update({name: module for name, module in before.items() if name.startswith(f"{models.__name__}.")})


def _module(file: Path) -> str:
    return file.parent.name if file.stem == "__init__" else file.stem


def _line(file: Path, error: BaseException) -> int:
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno or 1
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return (lines[-1] if lines else None) or 1


def _unstorable(file: Path, spec: ModelSpec) -> Iterator[FileFault]:
    """Yield what keeps a model from being stored, or from being read where it was adopted.

    Only a parameter that is not plain can, and to look at it takes seconds.
    """
    if is_plain(spec.estimator):
        return
    from slipway.training.pipelines import require_storable

    try:
        require_storable(spec)
    except (UnstorableEstimatorError, AdoptedModelError, UnsafeModelError) as error:
        yield FileFault(str(file), source.line_of_model(file, "estimator"), str(error))


def _taken(file: Path) -> Taken:
    try:
        shown = source.constants(file)
    except OSError:
        shown = {}
    return Taken(file, shown.get("name"), shown.get("registered_as"), shown.get("port"), shown.get("challenges") or shown.get("name"))


def _collisions(own: Taken, taken: Sequence[Taken]) -> Iterator[FileFault]:
    for other in taken:
        for what in ("name",) if own.service == other.service else specs.OWN:
            value = getattr(own, what)
            if value is not None and value == getattr(other, what):
                message = f"{other.file} has {what}={value!r} too; give one of the two another."
                yield FileFault(str(own.file), source.line_of_model(own.file, what), message)


def _against_champion(file: Path, spec: ModelSpec, sound: dict[Path, ModelSpec]) -> Iterator[FileFault]:
    """Yield what a challenger does not share with the model that it challenges, which is executed for it."""
    if not spec.challenges:
        return
    found = [one for one in sound.values() if one.name == spec.challenges]
    for module, other in specs.files()[0].items():
        if not found and _taken(other).name == spec.challenges:
            found = [specs.declared(module, other)]
    try:
        specs.checked([spec, *found])
    except SpecError as error:
        yield FileFault(str(file), source.line_of_model(file, "challenges"), str(error))
