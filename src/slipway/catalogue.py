"""The models there are, found by walking `slipway/models/`: a new file there is a new model, nothing else to register."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache

from slipway import models
from slipway.errors import SpecError, UnknownModelError
from slipway.spec import ModelSpec


@cache
def catalogue() -> dict[str, ModelSpec]:
    """Return every model by name, sorted; the mapping is shared, so a test may add to it."""
    found = []
    for module in pkgutil.iter_modules(models.__path__):
        declared = getattr(importlib.import_module(f"{models.__name__}.{module.name}"), "MODEL", None)
        if not isinstance(declared, ModelSpec):
            raise SpecError(f"src/slipway/models/{module.name}.py declares no MODEL = ModelSpec(...).")
        found.append(declared)
    return checked(found)


def checked(specs: Iterable[ModelSpec]) -> dict[str, ModelSpec]:
    """Return the specs by name, sorted.

    Raises:
        SpecError: Two of them share a name, a registered name or a port.
    """
    by_name: dict[str, ModelSpec] = {}
    for spec in specs:
        for other in by_name.values():
            for what in ("name", "registered_as", "port"):
                if getattr(spec, what) == getattr(other, what):
                    raise SpecError(f"{other.name} and {spec.name} both have {what}={getattr(spec, what)!r}; give one of them another.")
        by_name[spec.name] = spec
    return dict(sorted(by_name.items()))


def lookup(name: str) -> ModelSpec:
    """Return one model.

    Raises:
        UnknownModelError: The catalogue has no such model; the message lists those it has.
    """
    try:
        return catalogue()[name]
    except KeyError:
        raise UnknownModelError(f"no model is called {name!r}; the catalogue has: {', '.join(catalogue())}.") from None
