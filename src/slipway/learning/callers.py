"""Callers whose outcomes contradict the answers far more often than those of the others do: by mistake, or on purpose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import fisher_exact

from slipway.learning.joining import AnsweredRows
from slipway.spec import ModelSpec

ENOUGH = 20  # outcomes of a caller, and of the others
GAP = 0.05  # a smaller difference of the shares is no reason to ask
SIGNIFICANCE = 0.001  # over all callers together (Bonferroni)
FAR = 0.9  # quantile of the errors of all rows, from which the outcome of a regression contradicts its answer


@dataclass(frozen=True, slots=True)
class Contradicting:
    """One caller: how many outcomes it sent, their share of all, the share that contradicts the answers, and that of the others."""

    caller: str
    outcomes: int
    share: float
    contradicts: float
    others: float

    @property
    def words(self) -> str:
        return (
            f"{self.caller} sent {self.outcomes:,} of the outcomes ({self.share:.0%}), and {self.contradicts:.0%} of them contradict the "
            f"answers; of the others' outcomes {self.others:.0%} do"
        )


def contradicting(spec: ModelSpec, rows: AnsweredRows) -> list[Contradicting]:
    """Return the callers whose outcomes differ from the answers more often than all others' do, beyond chance (Fisher's exact test).

    If the outcomes of all callers contradict the answers more often than before, the world has changed, or the model was never right.
    """
    wrong, callers = _wrong(spec, rows), np.array([row.caller for row in rows.each], dtype=object)
    every = sorted(set(callers))
    found = []
    for caller in every:
        mine = callers == caller
        ours, others = wrong[mine], wrong[~mine]
        if min(len(ours), len(others)) < ENOUGH or ours.mean() - others.mean() <= GAP:
            continue
        table = [[int(ours.sum()), int((~ours).sum())], [int(others.sum()), int((~others).sum())]]
        if fisher_exact(table, alternative="greater").pvalue * len(every) < SIGNIFICANCE:
            found.append(Contradicting(caller, len(ours), len(ours) / len(rows), float(ours.mean()), float(others.mean())))
    return found


def _wrong(spec: ModelSpec, rows: AnsweredRows) -> npt.NDArray[np.bool_]:
    if spec.columns.target.answers_are_categories:
        return np.array([answer != outcome for answer, outcome in zip(rows.answers, rows.outcomes, strict=True)], dtype=np.bool_)
    errors = np.abs(np.array(rows.answers, dtype=np.float64) - np.array(rows.outcomes, dtype=np.float64))
    return np.asarray(errors > np.quantile(errors, FAR)) if len(errors) else np.zeros(0, dtype=np.bool_)
