"""Champion and challenger on the rows that callers sent, and whose outcome came to be known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from slipway.comparison.paired import compare
from slipway.records import Paired
from slipway.spec import ClassLabel, ModelSpec
from slipway.training.evaluation import Answers


class Said(Protocol):
    """What one version said of a row: its label, and its probabilities in the order of the target's classes."""

    @property
    def version(self) -> int | None: ...
    @property
    def label(self) -> ClassLabel: ...
    @property
    def probabilities(self) -> Sequence[float]: ...


class WithOutcome(Protocol):
    """A prediction whose outcome is known, as the audit log has it; `shadow` is what the version said that did not answer."""

    @property
    def line(self) -> Said: ...
    @property
    def outcome(self) -> ClassLabel: ...
    @property
    def shadow(self) -> Said | None: ...


def compare_served(spec: ModelSpec, known: Iterable[WithOutcome], *, champion: int, challenger: int) -> Paired | None:
    """Compare two versions on the rows that both have an answer to, whichever of the two the caller got.

    The question is asked again whenever outcomes came in, so the verdict goes by an interval that holds at every look (see
    `slipway.comparison.paired.compare`). It does if `known` are all rows of the two versions so far, and not a choice of them.

    Args:
        known: Predictions with outcomes; those of other versions, or of one version only, are passed over.
        champion, challenger: The versions.
    Returns:
        None while there is no such row.
    """
    found = [(row.outcome, {said.version: said for said in (row.line, row.shadow)}) for row in known if row.shadow is not None]
    both = [(outcome, said[champion], said[challenger]) for outcome, said in found if said.keys() == {champion, challenger}]
    if not both:
        return None
    truth = [outcome for outcome, _, _ in both]
    theirs, ours = _answers(spec, truth, [said for _, said, _ in both]), _answers(spec, truth, [said for _, _, said in both])
    return compare(spec.metric, champion=theirs, challenger=ours, repeated=True, seed=spec.split.seed)


def _answers(spec: ModelSpec, truth: list[ClassLabel], said: list[Said]) -> Answers:
    return Answers(spec.columns.target, truth, [one.label for one in said], np.array([one.probabilities for one in said]))
