"""Whether a candidate may replace the champion. Rules in, words out; nothing is changed here."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.bundle.engine import labels, open_engine
from slipway.bundle.reading import Bundle
from slipway.records import Candidate, Metrics, Rule, Verdict
from slipway.spec import ModelSpec
from slipway.training.evaluation import evaluate
from slipway.training.splitting import Rows

ROUNDING = 1e-9  # two figures exactly a tolerance apart may differ by more as floats


@dataclass(frozen=True, slots=True)
class Champion:
    """The version in service, with its figures on the candidate's test rows."""

    version: int
    metrics: Metrics
    sample: bool


def score_champion(spec: ModelSpec, rows: Rows, bundle: Bundle) -> Champion:
    """Let the champion's own bundle answer the test rows of the candidate.

    A champion of other columns or classes than the rows have cannot answer them; then the figures of its own release stand in.
    """
    contract = bundle.contract
    version = contract.version or 0
    if not {column.name for column in contract.columns} <= set(rows.test.columns) or list(contract.classes) != spec.columns.target.labels:
        return Champion(version, contract.metrics, contract.sample)
    probabilities = open_engine(bundle).probabilities({column.name: rows.test[column.name].tolist() for column in contract.columns})
    answers = labels(probabilities, contract)  # before rounding can move a tie
    probabilities /= probabilities.sum(axis=1, keepdims=True)  # float32 sums to one only within its own precision
    figures = evaluate(spec.columns.target, rows.test_labels.tolist(), answers, probabilities)
    return Champion(version, figures, contract.sample)


def judge(spec: ModelSpec, candidate: Candidate, champion: Champion | None) -> Verdict:
    """Apply every rule, also after one has failed, so that a refusal says all its reasons."""
    rules = [_floor(spec, candidate)]
    if champion is not None:
        rules += [_no_worse(spec, candidate, champion), _no_sample_over_real(candidate, champion)]
    return Verdict(
        model=spec.name,
        champion=champion.version if champion else None,
        champion_metrics=champion.metrics if champion else {},
        rules=rules,
    )


def _floor(spec: ModelSpec, candidate: Candidate) -> Rule:
    figure, floor = candidate.metrics[spec.metric], spec.gate.floor
    passed = figure >= floor
    return Rule(
        name="floor", passed=passed, reason=f"{spec.metric} {figure:.4f} {'reaches' if passed else 'is below'} the floor {floor:.4f}"
    )


def _no_worse(spec: ModelSpec, candidate: Candidate, champion: Champion) -> Rule:
    ours, theirs, tolerance = candidate.metrics[spec.metric], champion.metrics[spec.metric], spec.gate.tolerance
    passed = theirs - ours <= tolerance + ROUNDING
    return Rule(
        name="champion",
        passed=passed,
        reason=(
            f"{spec.metric} {ours:.4f} is {'no worse' if passed else 'worse'} than champion version {champion.version} "
            f"with {theirs:.4f} on the same rows (tolerance {tolerance:.4f})"
        ),
    )


def _no_sample_over_real(candidate: Candidate, champion: Champion) -> Rule:
    passed = not candidate.sample or champion.sample
    trained = "both were trained on the same kind of rows or better" if passed else "it was trained on sample rows"
    return Rule(
        name="real rows",
        passed=passed,
        reason=trained + ("" if passed else f", and champion version {champion.version} on real ones; release without --sample"),
    )
