"""The verdict on a candidate: every rule, applied to what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from slipway.bundle.reading import Bundle
from slipway.gate import rules
from slipway.gate.comparison import Champion, Comparison, StoredChampion, answer_test_rows, compare, compare_recent
from slipway.gate.footprint import Footprint, footprint
from slipway.gate.slices import Level, levels
from slipway.records import Candidate, Rule, Verdict
from slipway.spec import ModelSpec
from slipway.training.splitting import Rows


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why there is a candidate. `to_try`: as a challenger that is tried beside the champion; then it may be worse.

    `due`: why the champion is to be replaced even by a version that is only no worse, such as an alarm; "" if a schedule had no other
    reason than new rows. `not_judged`: why the rows set apart do not judge.
    """

    to_try: bool = False
    due: str = ""
    not_judged: str = ""


USUAL = Occasion(due="a person wants it")


def decide(
    spec: ModelSpec, candidate: Candidate, bundle: Bundle, rows: Rows, stored: StoredChampion | Champion | None, occasion: Occasion = USUAL
) -> Verdict:
    """Let the bundles of candidate and champion answer the same rows, measure the cost of the candidate's bundle, and judge.

    Args:
        bundle: The candidate's own; registration has proven that it answers like the measured model.
        stored: The champion; only its record if its bundle is lost; None before the first promotion.
    """
    ours = answer_test_rows(spec, rows, bundle)
    champion = compare(spec, rows, candidate.data_sha256, ours, stored) if isinstance(stored, StoredChampion) else stored
    if champion and rows.recent is not None and not occasion.not_judged:
        found = compare_recent(spec, rows, bundle, stored) if isinstance(stored, StoredChampion) else champion.not_compared
        if isinstance(found, str):
            occasion = replace(occasion, not_judged=found)
        else:
            champion = replace(champion, recent=found)
    parts = levels(spec, rows.test, ours) if spec.gate.slice_floor is not None else []
    return judge(spec, candidate, champion, footprint(bundle), parts, occasion)


def judge(
    spec: ModelSpec,
    candidate: Candidate,
    champion: Champion | None,
    cost: Footprint | None = None,
    parts: Sequence[Level] = (),
    occasion: Occasion = USUAL,
) -> Verdict:
    """Apply every rule, even after one has failed, so that a refusal gives all reasons. What was not measured is not judged."""
    shared = champion.comparison if champion else None
    recent = champion.recent if champion else None
    return Verdict(
        model=spec.name,
        champion=champion.version if champion else None,
        champion_metrics=champion.figures if champion else {},
        rows_compared=shared.rows if shared else None,
        rows_left_out=shared.left_out if shared else 0,
        rules=_applied(spec, candidate, champion, cost, parts, occasion),
        paired=shared.paired if shared else None,
        recent=recent.paired if recent else None,
    )


def _applied(
    spec: ModelSpec, candidate: Candidate, champion: Champion | None, cost: Footprint | None, parts: Sequence[Level], occasion: Occasion
) -> list[Rule]:
    recent = champion.recent if champion else None
    # what the latest rows contradict beyond chance, the test rows need not decide: they are older
    fall = (spec.learns.fall if spec.learns and recent and rules.better(recent) else None) or 0.0
    found = [rules.floor(spec, candidate, fall)]
    if champion is not None:
        tolerance, of_slices = (max(one, fall) for one in (spec.gate.tolerance, spec.gate.slice_tolerance))
        beside = [rules.no_worse(spec, candidate, champion, tolerance)]
        if spec.slices:
            beside.append(rules.slices_no_worse(spec, champion, champion.comparison, of_slices))
        if recent:
            beside += _on_recent_rows(spec, champion, recent, occasion)
        if occasion.to_try:
            beside = [rules.excused(rule) for rule in beside]
        found += [beside[0], rules.no_sample_over_real(candidate, champion), *beside[1:]]
        if spec.learns and occasion.not_judged:
            found.append(Rule(name="recent rows", passed=True, reason=f"it cannot be judged by outcomes: {occasion.not_judged}"))
    if parts and spec.gate.slice_floor is not None:
        found.append(rules.slices_reach_floor(spec, spec.gate.slice_floor, parts))
    if candidate.trusted:
        found.append(rules.trusted_types(candidate))
    if cost is not None:
        found += [rules.size(spec.gate, cost), rules.latency(spec.gate, cost)]
    return found


def _on_recent_rows(spec: ModelSpec, champion: Champion, recent: Comparison, occasion: Occasion) -> list[Rule]:
    found = [rules.no_worse_on_recent_rows(spec, recent, champion.version), rules.worth_it(recent, champion.version, occasion.due)]
    if spec.slices:
        # where the world has changed, no model is better everywhere: a slice may lose what all rows together gain
        gain = (recent.theirs[spec.metric] - recent.ours[spec.metric]) * (1 if spec.lower_is_better else -1)
        tolerance = max(spec.gate.slice_tolerance, gain if rules.better(recent) else 0.0)
        found.append(rules.slices_no_worse(spec, champion, recent, tolerance, "slices of recent rows"))
    return found
