"""The last resort: the pipeline itself, when no engine that needs less answers as it does."""

from __future__ import annotations

import logging
import zipfile

from slipway.bundle.compiling.compiled import Compiled, Measured
from slipway.bundle.engines.files import PIPELINE
from slipway.bundle.trusted_types import refuse_other_types_in
from slipway.errors import SlipwayError, UnsafeModelError
from slipway.spec import ModelSpec

logger = logging.getLogger(__name__)


def compile_pyfunc(spec: ModelSpec, measured: Measured, why: SlipwayError) -> Compiled:
    """Store the fitted pipeline as a skops file, never a pickle, and say in the log what made it necessary and what it costs.

    Args:
        why: What kept the other engines from it.
    Raises:
        UnsafeModelError: The pipeline holds a type that is not on the allow-list; says `why` too.
        SlipwayError: `why` itself, when skops cannot write the pipeline at all, as with a network inside.
    """
    from skops.io import dumps

    try:
        content = dumps(measured.pipeline, compression=zipfile.ZIP_DEFLATED)
    except (TypeError, RecursionError) as error:
        raise why from error
    try:
        refuse_other_types_in(content, PIPELINE)
    except UnsafeModelError as error:
        raise UnsafeModelError(f"{why}\nNor can the bundle hold the pipeline itself: {error}") from why
    logger.warning(
        "%s: no smaller engine answers exactly (%s), so the bundle holds the scikit-learn pipeline itself. Its gateway loads "
        "scikit-learn and pandas, which takes seconds and some 200 MB, and answers a request in tens of milliseconds.",
        spec.name,
        str(why).splitlines()[0].removeprefix(f"{spec.name}: ").rstrip(":"),
    )
    return Compiled("pyfunc", {PIPELINE: content}, measured.threshold)
