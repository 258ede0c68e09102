"""Which types a stored scikit-learn model may hold. The list stands here, in code: a list stored beside the model proves nothing."""

from __future__ import annotations

from pathlib import Path

from slipway.errors import UnsafeModelError

ALLOWED = (
    "numpy.average",
    "numpy.diff",
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.tree._tree.Tree",
)


def refuse_other_types(path: Path) -> None:
    """Look into a skops file without loading it; see `refuse_other_types_in`."""
    refuse_other_types_in(path.read_bytes(), path.name)


def refuse_other_types_in(content: bytes, name: str) -> None:
    """Look into the bytes of a skops file without loading them; `name` says in an error where they stand.

    Raises:
        UnsafeModelError: They hold a type that skops does not trust by itself and that is not on our list.
    """
    from skops.io import get_untrusted_types

    if strangers := sorted(set(get_untrusted_types(data=content)) - set(ALLOWED)):
        raise UnsafeModelError(
            f"{name} holds the types {strangers}, which are not on the allow-list in slipway/bundle/trusted_types.py. "
            "It was not loaded. If they belong to a model of yours, review them and add them there."
        )
