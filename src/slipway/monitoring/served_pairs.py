"""Champion and challenger on served rows with known outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from slipway.comparison.paired import compare
from slipway.problems.serving import Answer
from slipway.problems.training import Evaluation
from slipway.records import Paired
from slipway.spec import ModelSpec


class VersionAnswer(Protocol):
    """The answer of one version to a row: its label, and its probabilities in the order of the target's classes.

    Of a regression, the label is the predicted number, and the probabilities are the ends of its interval.
    """

    @property
    def version(self) -> int | None: ...
    @property
    def label(self) -> Answer: ...
    @property
    def probabilities(self) -> Sequence[float]: ...


class WithOutcome(Protocol):
    """A prediction with its outcome, from the audit log. `line` is the answer the caller got, `shadow` that of the other version."""

    @property
    def line(self) -> VersionAnswer: ...
    @property
    def outcome(self) -> Answer: ...
    @property
    def shadow(self) -> VersionAnswer | None: ...


def compare_served(spec: ModelSpec, known: Iterable[WithOutcome], *, champion: int, challenger: int) -> Paired | None:
    """Compare two versions on the rows that both answered; it does not matter which answer the caller got.

    The comparison is repeated as outcomes come in, so the verdict uses an interval that holds at every look (see
    `slipway.comparison.paired.compare`). For that, `known` must be all rows of the two versions so far, not a selection.

    Args:
        known: Predictions with outcomes; those of other versions, or of one version only, are ignored.
        champion, challenger: The numbers of the versions.
    Returns:
        None if no row was answered by both.
    """
    found = [(row.outcome, {answer.version: answer for answer in (row.line, row.shadow)}) for row in known if row.shadow is not None]
    both = [(outcome, by[champion], by[challenger]) for outcome, by in found if by.keys() == {champion, challenger}]
    if not both:
        return None
    truth = [outcome for outcome, _, _ in both]
    theirs, ours = _answers(spec, truth, [answer for _, answer, _ in both]), _answers(spec, truth, [answer for _, _, answer in both])
    return compare(spec.metric, champion=theirs, challenger=ours, repeated=True, seed=spec.split.seed)


def _answers(spec: ModelSpec, truth: list[Answer], answers: list[VersionAnswer]) -> Evaluation:
    return spec.problem.evaluation(truth, [answer.label for answer in answers], np.array([answer.probabilities for answer in answers]))
