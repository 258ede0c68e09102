"""The model card: what a person must know before they rely on a model.

The headings follow Mitchell et al., Model Cards for Model Reporting (FAT* 2019).
"""

from __future__ import annotations

import importlib.metadata
import platform

from slipway.rendering.markdown import table
from slipway.spec import Boolean, Category, Date, Derived, Difference, Feature, Lookup, ModelSpec, Ratio, Text
from slipway.training.card.figures import figures, importances, limits, slices
from slipway.training.evidence.evidence import Evidence, TrainedModel

PACKAGES = ("slipway", "scikit-learn", "numpy", "pandas", "optuna", "skops", "mlflow")
SHOWN = 60  # values of a category in its cell


def card(trained: TrainedModel, evidence: Evidence, commit: str) -> str:
    """Return the card as Markdown; `commit` is the commit of the running code."""
    spec = trained.spec
    sections = {
        "What it is for": [spec.card.intended_use if spec.card else _missing(spec)],
        "What it is not for": [spec.card.not_for if spec.card else _missing(spec)],
        "Rows": _rows(trained),
        "Columns it needs": _columns(spec),
        "How it was made": _making(trained),
        "Figures on the test rows": figures(trained, evidence),
        **{title: lines + _not_weighted(spec) for title, lines in spec.problem.tables(trained.measured.evaluation.confusion()).items()},
        "By slice": slices(trained, evidence),
        "How the answer is decided": [spec.problem.decision(spec.metric, trained.tuned.threshold, trained.tuned.reach)],
        "Which columns matter": importances(trained, evidence),
        "Limits": limits(trained, evidence),
        **({"Types that its file trusts": _trusted(spec)} if spec.trusted else {}),
        "Versions": _versions(trained, commit),
    }
    warning = ["**Trained on sample rows: not for use on patients or customers.**", ""] if trained.snapshot.sample else []
    head = [f"# Model card: {spec.name}", "", *warning, f"{spec.description} Registered as `{spec.registered_as}`.", ""]
    return "\n".join(head + [line for title, lines in sections.items() for line in [f"## {title}", "", *lines, ""]])


def _of_log(trained: TrainedModel) -> list[str]:
    """Say which answered rows with outcomes are among the rows."""
    learnt = trained.snapshot.learnt
    if learnt is None or not (learnt.learnt or learnt.apart):
        return []
    share = learnt.learnt / len(trained.rows.train)
    versions = ", ".join(map(str, learnt.versions))
    aged = f" A row counts half after {learnt.half_life_rows:,} newer ones." if learnt.half_life_rows else ""
    return [
        f"{learnt.learnt:,} of the training rows ({share:.0%}) are answers of version {versions} whose outcome became known, answered from "
        f"{learnt.first} to {learnt.last}; the {learnt.apart:,} newest were set apart to judge.{aged} Together, the rows have the sha256 "
        f"`{trained.snapshot.sha256}`.",
        "",
    ]


def _missing(spec: ModelSpec) -> str:
    return f"Not stated: declare `card=Card(...)` in the model's file, `{spec.name.replace('-', '_')}.py`."


def _rows(trained: TrainedModel) -> list[str]:
    spec, snapshot, rows = trained.spec, trained.snapshot, trained.rows
    what = "classes" if spec.columns.target.answers_are_categories else "rows"
    shares = "each class keeps its share" if spec.split.stratify else f"{what} are split at random"
    if spec.split.by:
        shares = f"the test rows are the latest by `{spec.split.by}`"
    elif spec.split.group:
        shares = f"no `{spec.split.group}` is in both"
    of_data_set = snapshot.learnt.rows_sha256 if snapshot.learnt else snapshot.sha256
    left_out = " Rows that repeat an earlier one were left out." if spec.dataset.drop_duplicates else ""
    return [
        f"{snapshot.rows:,} rows from `{snapshot.origin}`, sha256 `{of_data_set}`.{left_out}",
        "",
        *_of_log(trained),
        f"{len(rows.train):,} training rows and {len(rows.test):,} test rows ({spec.split.test:.0%}), seed {spec.split.seed}, {shares}. "
        "Their columns are described in `evidence/profile.md`.",
        *_weights(spec),
        *(["", *[f"- {quirk}" for quirk in spec.card.quirks]] if spec.card and spec.card.quirks else []),
    ]


def _weights(spec: ModelSpec) -> list[str]:
    if not spec.columns.weight:
        return []
    return [
        "",
        f"Each row has a weight, `{spec.columns.weight}`: the model and the simpler models learn from it, and all figures, intervals and "
        "slices below count by it. Plots, the profile, and the comparison row by row with another version count each row once. Callers do "
        "not send it, so the figures of rows in service are without weights.",
    ]


def _not_weighted(spec: ModelSpec) -> list[str]:
    return ["", "Rows, each counted once, without its weight."] if spec.columns.weight else []


def _columns(spec: ModelSpec) -> list[str]:
    columns = spec.columns
    needed = [[f"`{name}`", *_kind(feature), feature.description] for name, feature in columns.features.items()]
    derived = [f"`{name}` = {_formula(how)}" for name, how in columns.derived.items()]
    left_out = [[f"`{name}`", reason] for name, reason in columns.excluded.items()]
    return [
        *table(["column", "unit", "range or values", "meaning"], needed),
        "",
        *(["Derived from them: " + "; ".join(derived) + ".", ""] if derived else []),
        *([*table(["left out", "because"], left_out)] if left_out else ["No column of the file is left out."]),
        "",
        f"It predicts `{columns.target.name}`: {spec.problem.meanings()}.",
    ]


def _formula(how: Derived) -> str:
    if isinstance(how, Difference):
        return f"`{how.minuend}` - `{how.subtrahend}`, instead of `{how.minuend}`"
    if isinstance(how, Ratio):
        return f"`{how.numerator}` / `{how.denominator}` (missing where that is 0)"
    if isinstance(how, Lookup):
        return f"the number of `{how.column}` in a table of {len(how.table)} values{f', instead of `{how.column}`' if how.instead else ''}"
    return " + ".join(f"{weight:g} `{name}`" for name, weight in how.weights.items())


def _kind(feature: Feature) -> tuple[str, str]:
    gaps = "; may be missing" if feature.missing else ""
    if isinstance(feature, Boolean):
        return "", f"true, false{gaps}"
    if isinstance(feature, Date):
        seen = [*feature.parts, *([f"days since {feature.since}"] if feature.since else [])]
        return "", f"{'time' if feature.time else 'date'}{', as ' if seen else ''}{', '.join(seen)}{gaps}"
    if isinstance(feature, Text):
        return "", f"text of at most {feature.longest:,} characters, as words in {feature.width:,} columns{gaps}"
    if isinstance(feature, Category):
        values, more = (" < " if feature.ordered else ", ").join(feature.values[:SHOWN]), len(feature.values) - SHOWN
        return "", values + (f" and {more:,} more" if more > 0 else "") + (", any other" if feature.other else "") + gaps
    kind = " whole" if feature.integer else ""
    return feature.unit, f"{feature.range or 'any'}{kind}{'; 0 = missing' if feature.zero_is_missing else ''}{gaps}"


def _making(trained: TrainedModel) -> list[str]:
    spec, tuned = trained.spec, trained.tuned
    chosen = ", ".join(f"`{name}` = {f'{value:.4g}' if isinstance(value, float) else value}" for name, value in tuned.parameters.items())
    rule = f" Chosen: the simplest trial, by `{spec.simplest.parameter}`, within one standard error of the best." if spec.simplest else ""
    return [
        f"`{' '.join(repr(spec.estimator).split())}` on prepared columns, with {chosen or 'nothing tuned'}.",
        "",
        f"Tuned on the training rows only: {tuned.trials} trials, {tuned.repeats} x {tuned.folds} folds, seed {tuned.seed}, "
        f"cross-validated {tuned.metric} {tuned.score:.4f}.{rule} The test rows were scored once, afterwards.",
    ]


def _trusted(spec: ModelSpec) -> list[str]:
    return [
        f"Beside the types of Slipway's own list, its stored versions may contain: {', '.join(f'`{name}`' for name in spec.trusted)}. "
        "The package that has them reads a part of the stored model itself.",
    ]


def _versions(trained: TrainedModel, commit: str) -> list[str]:
    found = [["python", platform.python_version()], *[[name, importlib.metadata.version(name)] for name in PACKAGES]]
    return [*table(["package", "version"], [*found, ["git commit", f"`{commit}`"], ["data sha256", f"`{trained.snapshot.sha256}`"]])]
