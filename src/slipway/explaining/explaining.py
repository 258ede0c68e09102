"""What each column adds to the answer of a version in service: exact for linear models and trees, sampled for all others."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from slipway.bundle.deployment import Deployment, give_memory_back
from slipway.bundle.reading import read
from slipway.errors import BundleError
from slipway.explaining.exact import ExactExplainer, additive
from slipway.explaining.explanation import Explanation
from slipway.explaining.mixing import Background, Row, TooManyJointError
from slipway.explaining.sampling import SamplingExplainer
from slipway.problems.serving import Answer

logger = logging.getLogger(__name__)

Explainer = ExactExplainer | SamplingExplainer

_explainers: WeakKeyDictionary[Deployment, Explainer] = WeakKeyDictionary()
_alone = threading.Lock()  # else two first callers would both make the explainer, which takes up to some seconds


def explain(deployment: Deployment, row: Row) -> Explanation:
    """Explain the answer to one checked row, given by column. See `explain_rows`."""
    columns = {name: [cell] for name, cell in row.items()}
    labels, _ = deployment.predict(columns)
    return explain_rows(deployment, columns, labels)[0]


def explain_rows(deployment: Deployment, columns: Mapping[str, Sequence[Any]], labels: Sequence[Answer]) -> list[Explanation]:
    """Explain the answers to n checked rows, given by column, that the version answered with n labels.

    Of classes, the positive one is explained, or the one that was answered if the model has no positive one. The first call for a
    version reads its bundle again, which takes up to some seconds. This blocks: call it in a thread.

    Raises:
        BundleError: The bundle is no longer in its folder, or was changed, or its trees do not add up to its answers.
    """
    explainer = _explainer_of(deployment)
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    return [explainer.explain(row, label) for row, label in zip(rows, labels, strict=True)]


def _explainer_of(deployment: Deployment) -> Explainer:
    with _alone:
        if (found := _explainers.get(deployment)) is None:
            found = _explainers[deployment] = _made(deployment)
        return found


def _made(deployment: Deployment) -> Explainer:
    started, folder, contract = time.perf_counter(), deployment.folder, deployment.contract
    try:
        bundle = read(folder, within=folder.parents[1])
    except FileNotFoundError:
        raise BundleError(f"{folder}: the bundle is gone, so its answers cannot be explained. Release the model again.") from None
    if bundle.contract != contract:
        raise BundleError(f"{folder}: expected run {contract.run_id}, received run {bundle.contract.run_id}. Release the model again.")
    background = Background.of(bundle.probe, contract)
    try:
        model = additive(bundle, background)
    except TooManyJointError as error:
        logger.info("%s version %s: contributions are sampled: %s", contract.model, contract.version, error)
        model = None
    explainer: Explainer
    if model is None:
        explainer = SamplingExplainer(deployment.engine, background, contract)
    else:
        explainer = ExactExplainer(model, contract)
        explainer.prove(deployment.engine.probabilities(model.background.columns))
    give_memory_back()
    milliseconds = (time.perf_counter() - started) * 1e3
    logger.info("%s version %s can be explained after %.0f ms", contract.model, contract.version, milliseconds)
    return explainer
