"""The verdict on a candidate: every rule, applied to what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from slipway.bundle.reading import Bundle
from slipway.gate import rules
from slipway.gate.comparison import Champion, StoredChampion, answer_test_rows, compare
from slipway.gate.footprint import Footprint, footprint
from slipway.gate.slices import Level, levels
from slipway.records import Candidate, Rule, Verdict
from slipway.spec import ModelSpec
from slipway.training.splitting import Rows


def decide(
    spec: ModelSpec, candidate: Candidate, bundle: Bundle, rows: Rows, stored: StoredChampion | Champion | None, *, to_try: bool = False
) -> Verdict:
    """Let the bundles of candidate and champion answer the same rows, measure the cost of the candidate's bundle, and judge.

    Args:
        bundle: The candidate's own; registration has proven that it answers like the measured model.
        stored: The champion; only its record if its bundle is lost; None before the first promotion.
        to_try: Whether the candidate is a challenger that is tried beside the champion; then it may be worse.
    """
    ours = answer_test_rows(spec, rows, bundle)
    champion = compare(spec, rows, candidate.data_sha256, ours, stored) if isinstance(stored, StoredChampion) else stored
    parts = levels(spec, rows.test, ours) if spec.gate.slice_floor is not None else []
    return judge(spec, candidate, champion, footprint(bundle), parts, to_try=to_try)


def judge(
    spec: ModelSpec,
    candidate: Candidate,
    champion: Champion | None,
    cost: Footprint | None = None,
    parts: Sequence[Level] = (),
    *,
    to_try: bool = False,
) -> Verdict:
    """Apply every rule, even after one has failed, so that a refusal gives all reasons. What was not measured is not judged."""
    shared = champion.comparison if champion else None
    return Verdict(
        model=spec.name,
        champion=champion.version if champion else None,
        champion_metrics=champion.figures if champion else {},
        rows_compared=shared.rows if shared else None,
        rows_left_out=shared.left_out if shared else 0,
        rules=_applied(spec, candidate, champion, cost, parts, to_try),
        paired=shared.paired if shared else None,
    )


def _applied(
    spec: ModelSpec, candidate: Candidate, champion: Champion | None, cost: Footprint | None, parts: Sequence[Level], to_try: bool
) -> list[Rule]:
    found = [rules.floor(spec, candidate)]
    if champion is not None:
        beside = [rules.no_worse(spec, candidate, champion)] + ([rules.slices_no_worse(spec, champion)] if spec.slices else [])
        if to_try:
            beside = [rules.excused(rule) for rule in beside]
        found += [beside[0], rules.no_sample_over_real(candidate, champion), *beside[1:]]
    if parts and spec.gate.slice_floor is not None:
        found.append(rules.slices_reach_floor(spec, spec.gate.slice_floor, parts))
    if cost is not None:
        found += [rules.size(spec.gate, cost), rules.latency(spec.gate, cost)]
    return found
