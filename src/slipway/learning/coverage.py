"""How far the outcomes speak for all answers: often they come for some only, such as for those who were examined because of the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.learning.joining import AnsweredRows, Joined
from slipway.records import Covered
from slipway.spec import ModelSpec, Outcomes
from slipway.training.evidence.slices import masks

BANDS = 5
SELDOM = 0.02  # of the answers: a label that is given less often decides nothing
ANSWER = "answer "  # what the parts by label begin with
MOST_WEIGHT = 25.0  # that one row stands for others, in multiples of the median
Cells = npt.NDArray[np.int64]


def coverage(spec: ModelSpec, found: Joined) -> list[Covered]:
    """Return how many answers there were, and how many of them have an outcome: by answer, by band of its score, and by slice."""
    return [
        Covered(part=part, answers=int(everyone.sum()), outcomes=int(ours.sum()))
        for part, everyone, ours in _parts(spec, found)
        if everyone.any()
    ]


def objection(learns: Outcomes, covered: Sequence[Covered]) -> str:
    """Return why a release cannot be judged by rows with outcomes, in words; "" if it can."""
    labels = [one for one in covered if one.part.startswith(ANSWER)]
    total = sum(one.answers for one in labels)
    few = [one for one in labels if one.answers >= SELDOM * total and one.share < learns.coverage]
    said = ", ".join(f"{one.outcomes:,} of {one.answers:,} with the {one.part}" for one in few)
    return f"too few answers have an outcome ({said}; at least {learns.coverage:.0%} are needed)" if few else ""


def weights(found: Joined, rows: AnsweredRows) -> npt.NDArray[np.float64]:
    """Return for how many answers each row set apart stands, with a mean of 1.

    It is the inverse of the share of answers with an outcome among those of the same label and band (Horvitz and Thompson, Journal of
    the American Statistical Association 47, 1952), at most 25 times the median. It mends what depends on the answer; if outcomes come
    more often for another reason, nothing in the log shows it.
    """
    if not len(rows):
        return np.ones(0)
    edges = _edges(found.scores)
    everyone = _cells(found.answers, found.scores, edges)
    ours = _cells(found.rows.answers, found.rows.scores, edges)
    known = {cell: everyone.count(cell) / ours.count(cell) for cell in set(ours)}
    counted = np.array([known[cell] for cell in _cells(rows.answers, rows.scores, edges)], dtype=np.float64)
    counted = np.clip(np.nan_to_num(counted, nan=1.0), 1e-9, None)
    counted = np.minimum(counted, MOST_WEIGHT * np.median(counted))
    scaled: npt.NDArray[np.float64] = counted / counted.mean()
    return scaled


def _parts(spec: ModelSpec, found: Joined) -> Iterator[tuple[str, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    """Yield what a part is, which of all answers are in it, and which of the rows with an outcome."""
    edges = _edges(found.scores)
    if spec.columns.target.answers_are_categories:
        for label in dict.fromkeys(found.answers):
            yield f"{ANSWER}{label}", _equal(found.answers, label), _equal(found.rows.answers, label)
    else:
        yield f"{ANSWER}of any size", np.ones(len(found.answers), dtype=np.bool_), np.ones(len(found.rows), dtype=np.bool_)
    everyone, ours = (
        np.searchsorted(edges, np.array(scores, dtype=np.float64), side="left") for scores in (found.scores, found.rows.scores)
    )
    ends = [-np.inf, *edges, np.inf]
    for band, (low, high) in enumerate(pairwise(ends)):
        yield _band(low, high), everyone == band, ours == band
    for (_, name, theirs), (_, _, mine) in zip(masks(spec, found.features), masks(spec, found.rows.features), strict=True):
        yield name, theirs, mine


def _band(low: float, high: float) -> str:
    if np.isinf(low):
        return "any score" if np.isinf(high) else f"score up to {high:.2g}"
    return f"score above {low:.2g}" if np.isinf(high) else f"score {low:.2g} to {high:.2g}"


def _edges(scores: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return the borders of bands with as many answers each."""
    known = np.array([score for score in scores if not np.isnan(score)], dtype=np.float64)
    return np.unique(np.quantile(known, np.arange(1, BANDS) / BANDS, method="inverted_cdf")) if len(known) else np.zeros(0)


def _cells(answers: Sequence[Any], scores: Sequence[float], edges: npt.NDArray[np.float64]) -> list[tuple[Any, int]]:
    bands = np.searchsorted(edges, np.array(scores, dtype=np.float64), side="left").tolist()
    labels = [answer if isinstance(answer, int | str) else "" for answer in answers]
    return list(zip(labels, bands, strict=True))


def _equal(answers: Sequence[Any], label: Any) -> npt.NDArray[np.bool_]:
    return np.array([answer == label for answer in answers], dtype=np.bool_)
