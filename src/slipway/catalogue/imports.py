"""Libraries that scikit-learn and Optuna import and a declaration does not need: they are loaded at their first use, if there is one."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

SELDOM_USED = ("pandas", "redis")  # a quarter of the time in which a model's file is executed


class _AtFirstUse(MetaPathFinder):
    """Finds these libraries as Python does, and has them loaded when something in them is used."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        found = PathFinder.find_spec(fullname, path, target) if fullname in SELDOM_USED else None
        if found and found.loader:
            found.loader = LazyLoader(found.loader)
        return found


@contextmanager
def loaded_at_first_use() -> Iterator[None]:
    """Load what is seldom used when it is used, not when it is imported. What was imported before stays as it is."""
    sys.meta_path.insert(0, finder := _AtFirstUse())
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
