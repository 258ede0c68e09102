"""The models there are, in short: what names, lists and schedules them. Needs neither scikit-learn nor Optuna, while the index holds."""

from __future__ import annotations

import importlib
import sys
import time
from functools import cache

from slipway.catalogue import index
from slipway.catalogue.index import Listing
from slipway.catalogue.models import Models
from slipway.catalogue.specs import catalogue
from slipway.settings import home_folder


def listings() -> Models[Listing]:
    """Return every model by name, sorted.

    Raises:
        SpecError: SLIPWAY_MODELS names no folder.
    """
    if catalogue.cache_info().currsize == 0 and (indexed := _indexed()) is not None:
        return indexed
    return _listed()


def read_again() -> None:
    """Forget what was read of the model files: one was written by this process."""
    for name in [name for name in sys.modules if name.startswith("slipway.models.")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    catalogue.cache_clear()
    _indexed.cache_clear()


@cache
def _indexed() -> Models[Listing] | None:
    """Return what the index says; make it where it is missing or out of date, and return None."""
    files, began = index.places(home_folder()), time.time_ns()
    for file in files:
        if (found := index.read(file)) is not None:
            return Models({listing.name: listing for listing in found})
    if not (models := _listed()).left_out:  # wrong files are executed each time, so that what is wrong with them is said
        index.write(files, list(models.values()), began)
    return None


def _listed() -> Models[Listing]:
    models = catalogue()
    return Models({name: Listing.of(spec) for name, spec in models.items()}, models.left_out)
