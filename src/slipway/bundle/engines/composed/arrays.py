"""The arrays and graphs of a composition's parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.engines.files import ARRAYS, unpack_all
from slipway.bundle.engines.tree_table import NAMES, SETTINGS, TreeTable
from slipway.bundle.reading import Bundle
from slipway.errors import BundleError

COMPOSITION = "composition.json"


class PartArrays:
    """The arrays of a bundle by part and name; without arrays, the bundle needs no file of them."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._stored = unpack_all(bundle) if ARRAYS in bundle.files else {}

    def of(self, at: int, name: str) -> npt.NDArray[Any]:
        """Return one array.

        Raises:
            BundleError: The bundle has none of that name.
        """
        try:
            return self._stored[f"{at}.{name}"]
        except KeyError:
            raise BundleError(f"{self.bundle.folder}: {ARRAYS} has no array {at}.{name}. Release the model again.") from None

    def trees(self, at: int) -> TreeTable:
        """Return the trees of a part."""
        found: dict[str, Any] = {name: self.of(at, name) for name in NAMES}
        settings = {name: np.asarray(found.pop(name)).item() for name in SETTINGS}
        return TreeTable(**found, **settings)

    def walk(self, at: int) -> Any:
        """Return a session of ONNX Runtime, which only the largest trees need, for the graph of a part."""
        from slipway.bundle.engines.graph import session

        return session(self.bundle, graph_name(at))


def graph_name(at: int) -> str:
    """Return the name of the graph of a part."""
    return f"{at}.onnx"
