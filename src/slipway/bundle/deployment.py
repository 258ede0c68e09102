"""From a bundle to a deployment: verified, loaded and warmed up, it answers its own probe rows before it answers any caller's."""

from __future__ import annotations

import ctypes
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from slipway.bundle.contract import Contract
from slipway.bundle.engine import Engine, by_column, open_engine
from slipway.bundle.parity import TOLERANCE
from slipway.bundle.reading import Bundle, read
from slipway.bundle.store.active import Pointer
from slipway.bundle.wording import WordsByLanguage
from slipway.errors import BundleError
from slipway.files.rights import open_to_all
from slipway.problems.serving import Answer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Deployment:
    """One version in service. A request uses the same deployment from beginning to end, so a switch never mixes two.

    `folder` has the bundle, whose files are read again by code that needs more of them than the engine keeps.
    """

    contract: Contract
    installation: str
    port: int
    engine: Engine
    folder: Path
    words: WordsByLanguage = field(default_factory=dict)

    def predict(self, columns: Mapping[str, Sequence[Any]]) -> tuple[list[Answer], list[list[float]]]:
        """Return n labels and (n, classes) probabilities for n checked rows; of a regression, n numbers and (n, 2) ends of intervals."""
        raw, output = self.engine.probabilities(columns), self.contract.output
        labels: Any = output.labels(raw)
        return labels, output.numbers(raw).tolist()


def load(folder: Path, model: str, pointer: Pointer, port: int) -> Deployment:
    """Return a deployment that answered its probe rows as the measured model did.

    Raises:
        BundleError: A file is altered or missing, the bundle belongs to another model, or its answers are not the measured ones.
    """
    started = time.perf_counter()
    if Path(pointer.bundle).name != pointer.bundle:
        raise BundleError(
            f"{model}: expected the name of a bundle in {folder.parent}, received {pointer.bundle!r}. Release the model again."
        )
    bundle = read(folder, within=folder.parents[1]).trusting(pointer.trusted)
    if place := next(filter(None, map(open_to_all, folder.iterdir())), None):
        logger.warning("%s: every user of this machine may write %s, and so change its answers. Run: chmod o-w %s", model, place, place)
    if bundle.contract.model != model:
        raise BundleError(f"{folder}: expected a bundle of {model}, received one of {bundle.contract.model}. Release {model} again.")
    engine = open_engine(bundle)
    deployment = Deployment(bundle.contract, pointer.installation, port, engine, folder, words=bundle.words)
    _answer_probe(bundle, deployment)
    give_memory_back()
    logger.info("%s version %s loaded in %.0f ms", model, bundle.contract.version, (time.perf_counter() - started) * 1e3)
    return deployment


def _answer_probe(bundle: Bundle, deployment: Deployment) -> None:
    """Check the answers to the probe rows. This is the warm-up too: the first answers of a session are slow."""
    probe = bundle.probe
    if not probe.rows:
        raise BundleError(f"{bundle.folder}: the bundle has no probe rows, so nothing proves its answers. Release the model again.")
    output = bundle.contract.output
    answers, probabilities = deployment.predict(dict(by_column(probe.rows, bundle.contract)))
    pairs = zip(probe.labels, answers, probe.probabilities, probabilities, strict=True)
    for row, (label, answer, measured, received) in enumerate(pairs):
        wrong = (
            len(measured) != len(received) or output.differ(np.array([measured]), [label], np.array([received]), [answer], TOLERANCE).any()
        )
        if wrong:
            raise BundleError(
                f"{bundle.folder}: the model does not answer as it was measured, at probe row {row}.\n"
                f"  expected {label!r} {measured}   received {answer!r} {received}\nRelease the model again with this host's software."
            )


def give_memory_back() -> None:
    """Return freed memory to the system: reading the graph of a forest takes many times its size, and glibc keeps that memory."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # only glibc has it
        trim(0)
