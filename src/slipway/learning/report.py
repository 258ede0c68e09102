"""What a release learns from the log, as Markdown for its run page."""

from __future__ import annotations

from collections.abc import Sequence

from slipway.records import DataFinding, LearntRows
from slipway.rendering.markdown import table
from slipway.spec import ModelSpec


def learning_report(spec: ModelSpec, learnt: LearntRows, findings: Sequence[DataFinding]) -> str:
    """Return counts, spans, what was left out, and how many answers of each part have an outcome."""
    span = f", answered from {learnt.first} to {learnt.last}" if learnt.first else ""
    lines = [
        f"# {spec.name}: what it learns from\n",
        f"{learnt.learnt:,} answered rows with outcomes are learnt from beside those of the data set, and the {learnt.apart:,} newest are "
        f"set apart to judge{span}. {learnt.new:,} came since the release of the version in service.\n",
        *(
            [f"**It cannot be judged by outcomes: {learnt.not_judged}. The test rows of the data set judge alone.**\n"]
            if learnt.not_judged
            else []
        ),
        *[f"**{one.reason}.**\n" for one in findings],
    ]
    if learnt.half_life_rows:
        lines.append(f"The latest rows are other than the older ones: a row counts half after {learnt.half_life_rows:,} newer ones.\n")
    if learnt.newest_rows:
        lines.append(f"The world has changed: the {learnt.newest_rows:,} newest rows count fully, and older ones little.\n")
    if learnt.versions:
        lines += table(["answered by version", "rows"], [[version, f"{rows:,}"] for version, rows in learnt.versions.items()])
    if learnt.left_out:
        lines += ["\n## Left out\n", *table(["why", "rows"], [[why, f"{rows:,}"] for why, rows in learnt.left_out.items()])]
    if learnt.coverage:
        lines += [
            "\n## Answers with an outcome\n",
            "Rows set apart count more where few answers have an outcome. If outcomes come more often for a reason that is not in the log, "
            "the figures do not show it.\n",
            *table(
                ["answers", "in all", "with an outcome", "share"],
                [[one.part, f"{one.answers:,}", f"{one.outcomes:,}", f"{one.share:.0%}"] for one in learnt.coverage],
            ),
        ]
    return "\n".join(lines)
