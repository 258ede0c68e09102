"""The report of a release, as Markdown."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from slipway.comparison.report import paired_lines
from slipway.data.admission import words
from slipway.records import Admission, Candidate, Snapshot, Tuned, Verdict
from slipway.rendering.markdown import number, table
from slipway.spec import ModelSpec

SAMPLE_WARNING = "**Trained on sample rows: not for use on patients or customers.**\n"


def release_report(
    spec: ModelSpec,
    snapshot: Snapshot,
    tuned: Tuned,
    candidate: Candidate,
    verdict: Verdict,
    pictures: Mapping[str, bytes],
    run_url: str | None,
) -> str:
    """Return the verdict, the figures beside the champion's and the baselines', the rows, and pictures inline.

    Args:
        pictures: The PNG of each, by its title.
    """
    champion = f"version {verdict.champion}" if verdict.champion else "none"
    registered = f"version {candidate.version} of `{candidate.registered_as}`" if candidate.version else "not registered (dry run)"
    run = f"[{candidate.run_id}]({run_url})" if run_url else f"`{candidate.run_id}`"
    return "\n".join(
        [
            f"# {spec.name}: {'passed' if verdict.passed else 'refused'}",
            SAMPLE_WARNING if snapshot.sample else "",
            f"{spec.description}\n",
            f"Candidate: {registered}. Champion: {champion}. MLflow run: {run}.\n",
            *verdict_and_figures(candidate, verdict),
            *(line for title, lines in spec.problem.tables(candidate.confusion_matrix).items() for line in (f"\n## {title}\n", *lines)),
            "\n## Pictures\n",
            *[f"![{shown}](data:image/png;base64,{base64.b64encode(picture).decode()})\n" for shown, picture in pictures.items()],
            "## Tuning\n",
            f"{tuned.trials} trials, {tuned.repeats} x {tuned.folds} folds of the training rows, seed {tuned.seed}: "
            f"{tuned.metric} {tuned.score:.4f} with "
            + ", ".join(f"`{key}` = {_short(value)}" for key, value in tuned.parameters.items())
            + ".\n",
            "## Rows\n",
            f"{snapshot.rows:,} rows from `{snapshot.origin}`, sha256 `{snapshot.sha256}`.",
        ]
    )


def verdict_and_figures(candidate: Candidate, verdict: Verdict, admission: Admission | None = None) -> list[str]:
    """Return lines with the finding of each rule of both gates, and the figures beside the champion's and the baselines'.

    If the champion answered the same rows, the lines also compare the two row by row, and on the latest rows of the log.
    """
    lines = ["## Rows\n", words.report(admission), ""] if admission and admission.findings else []
    lines += ["## Gate\n"]
    lines += [f"- {'✓' if rule.passed else '✗'} **{rule.name}**: {rule.reason}" for rule in verdict.rules]
    lines += ["\n## Figures on the test rows\n", *_champions_rows(verdict), *_figures(candidate, verdict)]
    if verdict.paired:
        lines += ["\n## Champion and candidate, row by row\n", *paired_lines(verdict.paired)]
    if verdict.recent:
        lines += ["\n## Champion and candidate on the latest rows with outcomes\n", *paired_lines(verdict.recent)]
    return lines


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _champions_rows(verdict: Verdict) -> list[str]:
    if verdict.champion and verdict.rows_compared is None:
        return ["The champion's figures are from its own release, on other rows.\n"]
    if known := verdict.rows_left_out:
        return [f"The champion's figures are of {verdict.rows_compared:,} of these rows: it was trained on the other {known:,}.\n"]
    return []


def _figures(candidate: Candidate, verdict: Verdict) -> list[str]:
    others = {"champion": verdict.champion_metrics, **candidate.baselines}
    lines = [
        [name, number(value), *[number(theirs.get(name)) for theirs in others.values()]]
        for name, value in sorted(candidate.metrics.items())
    ]
    return table(["figure", "candidate", *[name.replace("_", " ") for name in others]], lines)
