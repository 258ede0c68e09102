"""The rules of the gate. Each takes measured numbers, and returns whether the candidate passed and why."""

from __future__ import annotations

from collections.abc import Sequence

from slipway.gate.comparison import Champion, Comparison
from slipway.gate.footprint import Footprint
from slipway.gate.slices import Level, SliceDifference
from slipway.records import Candidate, Rule
from slipway.spec import Gate, ModelSpec
from slipway.training.evidence.intervals import LEVEL

ROUNDING = 1e-9  # as floats, two figures exactly a tolerance apart may differ by slightly more
BEYOND_CHANCE = f"beyond chance ({LEVEL:.0%})"


def floor(spec: ModelSpec, candidate: Candidate, fall: float = 0.0) -> Rule:
    """Hold the figure on the test rows to the floor; it may be worse by `fall` where recent rows judge."""
    figure, least, of_what = candidate.metrics[spec.metric], spec.gate.floor, "floor"
    if candidate.sample and spec.gate.sample_floor is not None:
        least, of_what = spec.gate.sample_floor, "floor for sample rows"
    if fall:
        least, of_what = (
            least + (fall if spec.lower_is_better else -fall),
            f"{of_what} {'and' if spec.lower_is_better else 'less'} {fall:g},",
        )
    if spec.lower_is_better:
        passed = figure <= least
        reason = f"{spec.metric} {figure:.4f} {'is at most' if passed else 'is above'} the {of_what} {least:.4f}"
    else:
        passed = figure >= least
        reason = f"{spec.metric} {figure:.4f} {'reaches' if passed else 'is below'} the {of_what} {least:.4f}"
    return Rule(name="floor", passed=passed, reason=reason)


def no_worse(spec: ModelSpec, candidate: Candidate, champion: Champion, tolerance: float) -> Rule:
    """Compare with the champion, within the tolerance: on the same rows, or else with the figures of the champion's own release."""
    shared = champion.comparison
    theirs = champion.figures.get(spec.metric)
    if theirs is None:
        reason = f"champion version {champion.version} has no {spec.metric}: {champion.not_compared}; only the floor counts"
        return Rule(name="champion", passed=True, reason=reason)
    ours = (shared.ours if shared else candidate.metrics)[spec.metric]
    worse = ours - theirs if spec.lower_is_better else theirs - ours
    passed = worse <= tolerance + ROUNDING
    return Rule(
        name="champion",
        passed=passed,
        reason=(
            f"{spec.metric} {ours:.4f} is {'no worse' if passed else 'worse'} than champion version {champion.version} "
            f"with {theirs:.4f} {_where(champion)} (tolerance {tolerance:.4f}){_but(champion)}"
        ),
    )


def excused(rule: Rule) -> Rule:
    """Let a rule pass that a challenger may break while it is tried; the reason keeps what was found."""
    return rule if rule.passed else rule.model_copy(update={"passed": True, "reason": f"{rule.reason}; it is tried anyway"})


def _where(champion: Champion) -> str:
    return f"on the same {champion.comparison.rows:,} rows" if champion.comparison else "in its own release"


def _but(champion: Champion) -> str:
    if champion.comparison is None:
        return f"; not on the same rows: {champion.not_compared}"
    left_out = champion.comparison.left_out
    return f"; {left_out:,} test rows that it has learnt from are left out" if left_out else ""


def no_sample_over_real(candidate: Candidate, champion: Champion) -> Rule:
    """Sample rows never replace real ones: a model trained on sample rows may only replace another such model."""
    passed = not candidate.sample or champion.sample
    if not passed:
        reason = f"it was trained on sample rows, and champion version {champion.version} on real ones; release without --sample"
    else:
        reason = "it was trained on sample rows, and so was the champion" if candidate.sample else "it was trained on real rows"
    return Rule(name="real rows", passed=passed, reason=reason)


def no_worse_on_recent_rows(spec: ModelSpec, recent: Comparison, version: int) -> Rule:
    """Compare with the champion on the rows of the log that were set apart, weighted for the answers without an outcome."""
    tolerance, ours, theirs = spec.gate.tolerance, recent.ours[spec.metric], recent.theirs[spec.metric]
    passed = (ours - theirs if spec.lower_is_better else theirs - ours) <= tolerance + ROUNDING
    left_out = f"; {recent.left_out:,} that one of the two has learnt from are left out" if recent.left_out else ""
    unweighted = f"; with each row counted once: {recent.paired.reason}" if recent.paired else ""
    return Rule(
        name="recent rows",
        passed=passed,
        reason=(
            f"{spec.metric} {ours:.4f} is {'no worse' if passed else 'worse'} than champion version {version} with {theirs:.4f} on the "
            f"{recent.rows:,} latest rows with outcomes (tolerance {tolerance:.4f}){left_out}{unweighted}"
        ),
    )


def better(recent: Comparison) -> bool:
    """Return whether the candidate is better than the champion, beyond chance."""
    return recent.paired is not None and recent.paired.verdict == "challenger better"


def worth_it(recent: Comparison, version: int, due: str) -> Rule:
    """Ask for a reason to replace the champion: the candidate is better beyond chance on recent rows, or a change is due anyway."""
    if better(recent):
        reason = f"it is better than champion version {version} on the latest rows, {BEYOND_CHANCE}"
    elif due:
        reason = f"it is not shown to be better than champion version {version}, but {due}"
    else:
        reason = f"no difference to champion version {version} is shown on the latest rows, and no alarm stands: it stays"
    return Rule(name="reason to change", passed=better(recent) or bool(due), reason=reason)


def slices_no_worse(spec: ModelSpec, champion: Champion, shared: Comparison | None, tolerance: float, name: str = "slices") -> Rule:
    """Compare with the champion in each slice: worse by more than the tolerance fails, unless chance explains it."""
    version = champion.version
    if shared is None:
        return Rule(name=name, passed=True, reason=f"not compared with champion version {version}: {champion.not_compared}")
    failed = [
        f"{part.name} ({part.ours:.4f} against {part.theirs:.4f} on {part.rows:,} rows)"
        for part in shared.slices
        if part.worse > tolerance + ROUNDING and part.least > 0
    ]
    what = f"worse than champion version {version}'s by more than {tolerance:.4f}, {BEYOND_CHANCE}"
    return _of_slices(name, spec, what, failed, shared.slices)


def slices_reach_floor(spec: ModelSpec, slice_floor: float, levels: Sequence[Level]) -> Rule:
    """Hold each slice to the slice floor: a figure that is worse fails, unless chance explains it."""
    lower = spec.lower_is_better
    worse = [part for part in levels if (part.best > slice_floor if lower else part.best < slice_floor)]
    failed = [f"{part.name} ({part.figure:.4f} on {part.rows:,} rows)" for part in worse]
    what = f"{'above' if lower else 'below'} the slice floor {slice_floor:.4f}, {BEYOND_CHANCE}"
    return _of_slices("slice floor", spec, what, failed, levels)


def _of_slices(name: str, spec: ModelSpec, what: str, failed: Sequence[str], parts: Sequence[SliceDifference] | Sequence[Level]) -> Rule:
    judged, skipped = [part for part in parts if part.judged], [f"{part.name} ({part.rows:,})" for part in parts if not part.judged]
    reason = f"{spec.metric} is {what}: {', '.join(failed)}" if failed else f"0 of {len(judged)} judged slices have {spec.metric} {what}"
    left_out = f"; not judged, with too few rows or one class only: {', '.join(skipped)}" if skipped else ""
    return Rule(name=name, passed=not failed, reason=reason + left_out)


def trusted_types(candidate: Candidate) -> Rule:
    return Rule(name="trusted types", passed=True, reason=f"the model's file trusts further types: {', '.join(candidate.trusted)}")


def size(gate: Gate, found: Footprint) -> Rule:
    passed = found.megabytes <= gate.megabytes
    return Rule(name="size", passed=passed, reason=f"the bundle has {found.megabytes:.2f} MB, {_budget(passed)} {gate.megabytes:g} MB")


def latency(gate: Gate, found: Footprint) -> Rule:
    passed = found.milliseconds <= gate.milliseconds
    measured = f"one row takes {found.milliseconds:.2f} ms, median of {found.probes}"
    return Rule(name="latency", passed=passed, reason=f"{measured}, {_budget(passed)} {gate.milliseconds:g} ms")


def _budget(passed: bool) -> str:
    return "within the budget of" if passed else "above the budget of"
