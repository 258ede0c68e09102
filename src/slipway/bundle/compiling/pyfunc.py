"""The last resort: the pipeline itself, if no smaller engine gives the same answers."""

from __future__ import annotations

import logging
import zipfile

from slipway.bundle.compiling.compiled import Compiled, FittedPipeline
from slipway.bundle.engines.files import PIPELINE
from slipway.bundle.trusted_types import refuse_other_types_in
from slipway.errors import SlipwayError, UnsafeModelError
from slipway.spec import ModelSpec

logger = logging.getLogger(__name__)


def compile_pyfunc(spec: ModelSpec, fitted: FittedPipeline, why: SlipwayError) -> Compiled:
    """Store the fitted pipeline as a skops file, never a pickle, and log why this is necessary and what it costs.

    Args:
        why: Why the other engines cannot express it.
    Raises:
        UnsafeModelError: The pipeline has a type that is not on the allow-list and not trusted by the spec; the message includes `why`.
        SlipwayError: `why` itself, if skops cannot write the pipeline, for example one with a network.
    """
    from skops.io import dumps

    try:
        content = dumps(fitted.pipeline, compression=zipfile.ZIP_DEFLATED)
    except (TypeError, RecursionError) as error:
        raise why from error
    try:
        refuse_other_types_in(content, PIPELINE, spec.trusted)
    except UnsafeModelError as error:
        raise UnsafeModelError(f"{why}\nNor can the bundle contain the pipeline: {error}") from why
    logger.warning(
        "%s: no smaller engine answers exactly (%s), so the bundle contains the scikit-learn pipeline itself. Its gateway loads "
        "scikit-learn and pandas, which takes seconds and some 200 MB, and answers a request in tens of milliseconds.",
        spec.name,
        str(why).splitlines()[0].removeprefix(f"{spec.name}: ").rstrip(":"),
    )
    return Compiled("pyfunc", {PIPELINE: content}, fitted.threshold)
