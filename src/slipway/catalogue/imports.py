"""How the libraries that model files import are loaded quickly.

Most of the time in which a model's file is executed goes into modules that scikit-learn and Optuna import, and that no declaration uses.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from slipway import models

# module -> what other libraries import from it by name, and do not use before they are used themselves
SELDOM_USED: dict[str, tuple[str, ...]] = {
    "narwhals": (),
    "numpy.f2py": (),
    "pandas": (),
    "redis": (),
    "scipy.integrate": ("trapezoid",),
    "scipy.interpolate": ("BSpline",),
    "scipy.linalg.interpolative": ("interp_decomp",),
    "scipy.spatial.transform": (),
    "scipy.stats": ("chi2", "gmean", "rankdata", "spearmanr"),  # a third of the time
}


@contextmanager
def without_collector() -> Iterator[None]:
    """Import without the garbage collector, which would scan the modules again and again and find nothing.

    That takes a fifth less time. What the modules hold stays for good, so later collections need not look at it either.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_on:
            gc.enable()


@contextmanager
def loaded_at_first_use() -> Iterator[None]:
    """Load what is seldom used when it is used, not when it is imported. What was imported before stays as it is."""
    sys.meta_path.insert(0, finder := _AtFirstUse())
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _forget(*SELDOM_USED)


class _AtFirstUse(MetaPathFinder, Loader):
    """Finds these libraries as Python does, and gives an `_Unloaded` in place of each; a library that was used is given as it is."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        inside = isinstance(sys.modules.get(fullname.rpartition(".")[0]), _Unloaded)
        if not inside and (fullname not in SELDOM_USED or fullname in self._given):
            return None
        self._given.add(fullname)
        found = PathFinder.find_spec(fullname, path, target)
        if found:
            found.loader = self
        return found

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python to make the module."""

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _Unloaded


class _Unloaded(ModuleType):
    """A module that is imported when something in it is used; see `SELDOM_USED`."""

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":  # Python asks every module; one that is a package has it
            raise AttributeError(name)
        if name in SELDOM_USED.get(self.__name__, ()) and not _asks_a_model_file():
            return _Unread(self.__name__, name)
        return getattr(_imported(self.__name__), name)


class _Unread:
    """Something in a module that is imported when this is called, or something in it is used."""

    def __init__(self, module: str, name: str) -> None:
        self._read: Callable[[], Any] = lambda: getattr(_imported(module), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._read()(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read(), name)


def _asks_a_model_file() -> bool:
    """Return whether a model's file imports something: that may become a part of the declaration, so it gets the thing itself."""
    importing: str = sys._getframe(2).f_globals.get("__name__", "")
    return importing.startswith(f"{models.__name__}.")


def _imported(name: str) -> ModuleType:
    _forget(*(library for library in SELDOM_USED if _is_in(name, library)))
    return import_module(name)


def _forget(*libraries: str) -> None:
    """Forget which modules of the libraries are not loaded, so that the next import loads them."""
    for name, module in [*sys.modules.items()]:
        if isinstance(module, _Unloaded) and any(_is_in(name, library) for library in libraries):
            del sys.modules[name]
            package, _, own = name.rpartition(".")
            if package in sys.modules:
                vars(sys.modules[package]).pop(own, None)


def _is_in(module: str, library: str) -> bool:
    return f"{module}.".startswith(f"{library}.")
