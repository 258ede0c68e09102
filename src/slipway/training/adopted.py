"""Reading a fitted model that was made elsewhere; see `slipway.spec.adopted`."""

from __future__ import annotations

from typing import Any

from sklearn.frozen import FrozenEstimator
from skops.io import loads

from slipway.bundle.trusted_types import ALLOWED, refuse_other_types_in
from slipway.errors import AdoptedModelError
from slipway.files.checksums import digest
from slipway.spec import Adopted, ModelSpec


def frozen(spec: ModelSpec, adopted: Adopted) -> Any:
    """Return the stored pipeline, whose `fit` changes nothing.

    Raises:
        AdoptedModelError: The file is missing, or is not the one that was adopted.
        UnsafeModelError: It contains a type that neither our list nor the model's file trusts; it was not loaded.
    """
    try:
        content = adopted.file.read_bytes()
    except OSError as error:
        raise AdoptedModelError(
            f"{spec.name}: {adopted.file} cannot be read ({error.strerror}). It is what `slipway adopt {adopted.version}` stored beside "
            f"{spec.model_file}: put it back, or adopt the version again."
        ) from None
    if digest(content) != adopted.sha256:
        raise AdoptedModelError(
            f"{spec.name}: {adopted.file} is not the file that was adopted: expected sha256 {adopted.sha256}, received {digest(content)}. "
            f"Put the right one back, or adopt {adopted.version} again."
        )
    refuse_other_types_in(content, adopted.file.name, spec.trusted)
    return FrozenEstimator(loads(content, trusted=[*ALLOWED, *spec.trusted]))
