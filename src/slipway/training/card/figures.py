"""The figures of a model card, and what follows from them."""

from __future__ import annotations

from slipway.rendering.markdown import number, table
from slipway.training.baselines import MOST_FREQUENT, REFERENCE
from slipway.training.evidence.evidence import Evidence, Subject
from slipway.training.evidence.intervals import METHOD, Interval
from slipway.training.evidence.slices import ENOUGH_ROWS, Slice

BINARY_COLUMNS = ("accuracy", "precision", "recall", "f1", "roc_auc")
MULTICLASS_COLUMNS = ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc_ovr")


def figures(subject: Subject, evidence: Evidence) -> list[str]:
    """Every figure with its interval, and the baselines beside it."""
    baselines, measured = subject.measured.baselines, subject.measured.metrics
    lines = [
        [f"**{name}**" if name == subject.spec.metric else name, number(value), _between(evidence.intervals.get(name))]
        + [number(theirs.get(name)) for theirs in baselines.values()]
        for name, value in sorted(measured.items())
    ]
    said = {MOST_FREQUENT: "`most_frequent` always says the commonest class of the training rows."}
    if subject.spec.baseline is not None:
        said[REFERENCE] = f"`reference` is `{' '.join(repr(subject.spec.baseline).split())}` on the same columns."
    return [
        *table(["figure", "model", "95 % interval", *baselines], lines),
        "",
        f"The model is tuned and judged by **{subject.spec.metric}**. {' '.join(said[name] for name in baselines)}",
        "",
        METHOD,
    ]


def confusion(subject: Subject) -> list[str]:
    """Rows counted: true classes down, predicted classes across."""
    meanings = list(subject.spec.columns.target.classes.values())
    return table(
        ["truly \\ predicted", *meanings],
        [[meaning, *counts] for meaning, counts in zip(meanings, subject.measured.confusion_matrix, strict=True)],
    )


def slices(subject: Subject, evidence: Evidence) -> list[str]:
    """The figures of each slice, with the spec's metric and its interval first."""
    if not evidence.slices:
        return ["The spec names no slices."]
    metric = subject.spec.metric
    others = [name for name in (BINARY_COLUMNS if subject.spec.columns.target.binary else MULTICLASS_COLUMNS) if name != metric]
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


def leanings(subject: Subject, evidence: Evidence) -> list[str]:
    """Columns by permutation importance."""
    lines = [[f"`{item.column}`", f"{item.mean:.4f}", f"{item.deviation:.4f}"] for item in evidence.importances]
    return [
        f"How much {subject.spec.metric} on test rows falls when one column is shuffled. It says what the model uses, not what causes the "
        "outcome; columns that say the same share their importance.",
        "",
        *table(["column", "mean fall", "standard deviation"], lines),
    ]


def limits(subject: Subject, evidence: Evidence) -> list[str]:
    """What the figures themselves say about how far to trust them."""
    metric, rows = subject.spec.metric, len(subject.rows.test)
    said = [f"The figures are of {rows:,} rows from the same source as the training rows; elsewhere and later, measure again."]
    ours = subject.measured.metrics[metric]
    said += [
        f"The simpler model `{name}` is within the interval of {metric}: {number(theirs[metric])} against {number(ours)}."
        for name, theirs in subject.measured.baselines.items()
        if metric in evidence.intervals and theirs[metric] >= evidence.intervals[metric][0]
    ]
    said += [_below(part, metric, ours) for part in evidence.slices if _worse(part, metric, subject)]
    if small := [part.name for part in evidence.slices if not part.enough]:
        said.append(f"Too few test rows to judge: {', '.join(small)}.")
    if subject.snapshot.sample:
        said.append("Sample rows are drawn column by column: figures on them say nothing about real rows.")
    said.append("Values outside the ranges above are refused, not extrapolated.")
    return [f"- {line}" for line in said]


def _worse(part: Slice, metric: str, subject: Subject) -> bool:
    """Whether a slice is worse beyond chance: the figure of all rows lies above its interval."""
    return part.enough and part.interval is not None and part.interval[1] < subject.measured.metrics[metric]


def _below(part: Slice, metric: str, of_all: float) -> str:
    return f"Worse than on all rows for {part.name}: {metric} {number(part.figures[metric])} ({part.rows:,} rows) against {number(of_all)}."


def _between(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}"
