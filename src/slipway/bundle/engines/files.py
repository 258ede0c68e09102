"""The names of the files that compilers write and engines read, and how arrays are stored."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.bundle.contents import refuse_large_zip
from slipway.bundle.reading import Bundle
from slipway.errors import BundleError

GRAPH = "model.onnx"
ARRAYS = "model.npz"
PIPELINE = "model.skops"
PREPARATION = "preparation.json"

Array = npt.NDArray[Any]


def pack(arrays: Mapping[str, Array]) -> bytes:
    """Return arrays as a compressed .npz file; the same arrays give the same bytes."""
    buffer = BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(bundle: Bundle, names: tuple[str, ...]) -> list[Array]:
    """Return the named arrays of a bundle, in that order; nothing is unpickled.

    Raises:
        BundleError: The file is not an .npz, lacks an array, or contains objects, or expands to too much.
    """
    try:
        refuse_large_zip(bundle.file(ARRAYS), f"{bundle.folder}: {ARRAYS}")
        with np.load(BytesIO(bundle.file(ARRAYS)), allow_pickle=False) as stored:
            return [stored[name] for name in names]
    except (ValueError, KeyError, OSError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise BundleError(
            f"{bundle.folder}: {ARRAYS} does not contain the arrays {', '.join(names)} ({error}). Release the model again."
        ) from None


def unpack_all(bundle: Bundle) -> dict[str, Array]:
    """Return all arrays of a bundle by name; nothing is unpickled.

    Raises:
        BundleError: The file is not an .npz, or contains objects, or expands to too much.
    """
    try:
        refuse_large_zip(bundle.file(ARRAYS), f"{bundle.folder}: {ARRAYS}")
        with np.load(BytesIO(bundle.file(ARRAYS)), allow_pickle=False) as stored:
            return dict(stored)
    except (ValueError, KeyError, OSError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise BundleError(f"{bundle.folder}: {ARRAYS} does not contain arrays ({error}). Release the model again.") from None
