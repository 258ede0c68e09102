"""The figures of a model card, and their limits."""

from __future__ import annotations

from slipway.problems.training import Interval
from slipway.rendering.markdown import number, table
from slipway.training.evidence.evidence import Evidence, TrainedModel
from slipway.training.evidence.intervals import method
from slipway.training.evidence.slices import ENOUGH_ROWS, Slice
from slipway.training.measuring import REFERENCE


def figures(trained: TrainedModel, evidence: Evidence) -> list[str]:
    """Return a table of every figure with its interval and the baselines."""
    baselines, measured = trained.measured.baselines, trained.measured.metrics
    lines = [
        [f"**{name}**" if name == trained.spec.metric else name, number(value), _between(evidence.intervals.get(name))]
        + [number(theirs.get(name)) for theirs in baselines.values()]
        for name, value in sorted(measured.items())
    ]
    notes = {name: f"`{name}` {what}" for name, what in trained.spec.problem.baseline_notes.items()}
    if trained.spec.baseline is not None:
        notes[REFERENCE] = f"`reference` is `{' '.join(repr(trained.spec.baseline).split())}` on the same columns."
    lower = ", an error: lower is better" if trained.spec.lower_is_better else ""
    return [
        *table(["figure", "model", "95 % interval", *baselines], lines),
        "",
        f"The model is tuned and judged by **{trained.spec.metric}**{lower}. {' '.join(notes[name] for name in baselines)}",
        "",
        method(trained.measured.evaluation),
    ]


def slices(trained: TrainedModel, evidence: Evidence) -> list[str]:
    """Return a table of the figures of each slice; the spec's metric and its interval are first."""
    if not evidence.slices:
        return ["The spec names no slices."]
    metric = trained.spec.metric
    others = [name for name in trained.spec.problem.slice_metrics() if name != metric]
    lines = [
        [part.name, part.rows, number(part.figures.get(metric)), _between(part.interval)]
        + [number(part.figures.get(name)) for name in others]
        + ["" if part.enough else "too few rows to judge"]
        for part in evidence.slices
    ]
    return [
        *table(["slice", "test rows", metric, "95 % interval", *others, ""], lines),
        "",
        f"A slice with fewer than {ENOUGH_ROWS} test rows is shown, not judged. An empty cell is a figure that its rows do not define.",
    ]


def importances(trained: TrainedModel, evidence: Evidence) -> list[str]:
    """Return a table of the columns by permutation importance."""
    noun, verb = ("rise", "rises") if trained.spec.lower_is_better else ("fall", "falls")
    lines = [[f"`{item.column}`", f"{item.mean:.4f}", f"{item.deviation:.4f}"] for item in evidence.importances]
    return [
        f"How much {trained.spec.metric} on test rows {verb} when one column is shuffled. It shows what the model uses, not what causes "
        "the outcome; columns with the same information share their importance.",
        "",
        *table(["column", f"mean {noun}", "standard deviation"], lines),
    ]


def limits(trained: TrainedModel, evidence: Evidence) -> list[str]:
    """Return how far the figures can be trusted, as a list."""
    metric, rows, lower = trained.spec.metric, len(trained.rows.test), trained.spec.lower_is_better
    lines = [f"The figures are of {rows:,} rows from the same source as the training rows; measure again elsewhere and later."]
    ours = trained.measured.metrics[metric]
    lines += [
        f"The simpler model `{name}` is within the interval of {metric}: {number(theirs[metric])} against {number(ours)}."
        for name, theirs in trained.measured.baselines.items()
        if metric in evidence.intervals and metric in theirs and _reaches(theirs[metric], evidence.intervals[metric], lower)
    ]
    lines += [_below(part, metric, ours) for part in evidence.slices if _worse(part, metric, trained)]
    if small := [part.name for part in evidence.slices if not part.enough]:
        lines.append(f"Too few test rows to judge: {', '.join(small)}.")
    if trained.snapshot.sample:
        lines.append("Sample rows are drawn column by column: figures on them say nothing about real rows.")
    lines.append("Values outside the ranges above are refused, not extrapolated.")
    return [f"- {line}" for line in lines]


def _reaches(figure: float, interval: Interval, lower_is_better: bool) -> bool:
    """Return whether a figure is not worse than the whole interval."""
    return figure <= interval[1] if lower_is_better else figure >= interval[0]


def _worse(part: Slice, metric: str, trained: TrainedModel) -> bool:
    """Return whether a slice is worse beyond chance: the figure of all rows is better than its interval."""
    if not part.enough or part.interval is None:
        return False
    of_all, (low, high) = trained.measured.metrics[metric], part.interval
    return low > of_all if trained.spec.lower_is_better else high < of_all


def _below(part: Slice, metric: str, of_all: float) -> str:
    return f"Worse than on all rows for {part.name}: {metric} {number(part.figures[metric])} ({part.rows:,} rows) against {number(of_all)}."


def _between(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}"
