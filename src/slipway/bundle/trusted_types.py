"""The types that a stored scikit-learn model may contain. The list is in the code: a list stored beside the model would prove nothing."""

from __future__ import annotations

from pathlib import Path

from slipway.bundle.contents import refuse_large_zip
from slipway.errors import BundleError, UnsafeModelError

ALLOWED = (
    "numpy.asarray",
    "numpy.average",
    "numpy.clip",
    "numpy.diff",
    "numpy.dot",
    "numpy.dtype",
    "numpy.interp",
    "numpy.prod",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)


def refuse_other_types(path: Path) -> None:
    """Inspect a skops file without loading it; see `refuse_other_types_in`."""
    refuse_other_types_in(path.read_bytes(), path.name)


def refuse_other_types_in(content: bytes, name: str) -> None:
    """Inspect the content of a skops file without loading it; `name` is named in the error.

    Raises:
        UnsafeModelError: It has a type that skops does not trust by itself and that is not on our list.
        BundleError: It is not a skops file, or expands to too much.
    """
    from skops.io import get_untrusted_types

    try:
        refuse_large_zip(content, name)
        found = set(get_untrusted_types(data=content))
    except BundleError:
        raise
    except Exception as error:  # of a malformed schema, skops raises any error
        raise BundleError(f"{name} is not a skops file ({type(error).__name__}: {error}). Release the model again.") from None
    if strangers := sorted(found - set(ALLOWED)):
        raise UnsafeModelError(
            f"{name} contains the types {strangers}, which are not on the allow-list in slipway/bundle/trusted_types.py. "
            "It was not loaded. If they belong to a model of yours, review them and add them there."
        )
