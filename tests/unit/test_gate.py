"""Whether a candidate may replace the champion: every rule, its borders, and its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.bundle.compiling import contract_columns
from slipway.bundle.reading import Bundle
from slipway.gate import Champion, judge, score_champion
from slipway.records import Candidate
from slipway.spec import Category, ModelSpec
from slipway.training.evaluation import evaluate
from slipway.training.measuring import Measured
from slipway.training.splitting import Rows

Write = Callable[..., Bundle]


def champion_of(figure: float, sample: bool = False) -> Champion:
    return Champion(version=1, metrics={"accuracy": figure}, sample=sample)


def with_figure(candidate: Candidate, figure: float, sample: bool = False) -> Candidate:
    return candidate.model_copy(update={"metrics": {"accuracy": figure}, "sample": sample})


@pytest.mark.parametrize(
    ("figure", "sample", "champion", "failed"),
    [
        # heart-failure: floor 0.86, tolerance 0.005
        pytest.param(0.90, False, None, [], id="a first release above the floor passes"),
        pytest.param(0.90, True, None, [], id="so does one on sample rows"),
        pytest.param(0.86, False, None, [], id="the floor itself is reached"),
        pytest.param(0.8599, False, None, ["floor"], id="below the floor is refused"),
        pytest.param(0.90, False, champion_of(0.90), [], id="as good as the champion passes"),
        pytest.param(0.90, False, champion_of(0.905), [], id="worse by the tolerance exactly passes"),
        pytest.param(0.90, False, champion_of(0.9051), ["champion"], id="worse by more is refused"),
        pytest.param(0.95, True, champion_of(0.90), ["real rows"], id="sample rows never replace real ones, however good"),
        pytest.param(0.90, False, champion_of(0.90, sample=True), [], id="real rows replace sample rows"),
        pytest.param(0.88, False, champion_of(0.95, sample=True), ["champion"], id="though not when they do worse"),
        pytest.param(0.90, True, champion_of(0.90, sample=True), [], id="sample rows replace sample rows"),
        pytest.param(0.50, True, champion_of(0.90), ["floor", "champion", "real rows"], id="all failures are said"),
    ],
)
def test_the_gate(
    heart: ModelSpec, candidate: Candidate, figure: float, sample: bool, champion: Champion | None, failed: list[str]
) -> None:
    verdict = judge(heart, with_figure(candidate, figure, sample), champion)

    assert [rule.name for rule in verdict.rules if not rule.passed] == failed
    assert verdict.passed == (not failed)
    assert verdict.failures == [rule.reason for rule in verdict.rules if rule.name in failed]
    assert [rule.name for rule in verdict.rules] == (["floor", "champion", "real rows"] if champion else ["floor"])


@pytest.mark.parametrize("thousandths", range(861, 1_000, 7))
def test_a_figure_worse_by_the_tolerance_exactly_passes_whatever_its_rounding(
    heart: ModelSpec, candidate: Candidate, thousandths: int
) -> None:
    # with tolerance 0.010, 0.861 - 0.010 and 0.851 are different floats, and so on
    lenient = replace(heart, gate=replace(heart.gate, floor=0.0, tolerance=0.010))

    assert judge(lenient, with_figure(candidate, (thousandths - 10) / 1_000), champion_of(thousandths / 1_000)).passed
    assert not judge(lenient, with_figure(candidate, (thousandths - 10.01) / 1_000), champion_of(thousandths / 1_000)).passed


def test_a_refusal_says_each_reason_in_words(heart: ModelSpec, candidate: Candidate) -> None:
    verdict = judge(heart, with_figure(candidate, 0.5, sample=True), champion_of(0.9))

    assert verdict.failures == [
        "accuracy 0.5000 is below the floor 0.8600",
        "accuracy 0.5000 is worse than champion version 1 with 0.9000 on the same rows (tolerance 0.0050)",
        "it was trained on sample rows, and champion version 1 on real ones; release without --sample",
    ]


def test_the_verdict_carries_the_champion_it_was_held_against(heart: ModelSpec, candidate: Candidate) -> None:
    assert judge(heart, candidate, champion_of(0.9)).champion == 1
    assert judge(heart, candidate, champion_of(0.9)).champion_metrics == {"accuracy": 0.9}
    assert judge(heart, candidate, None).champion is None


def test_a_champion_is_scored_on_the_candidates_rows_by_its_own_bundle(
    heart: ModelSpec, rows: Rows, measured: Measured, write_bundle: Write, tmp_path: Path
) -> None:
    bundle = write_bundle(tmp_path / "bundle", version=4, metrics={"accuracy": 0.0})  # its own figures must not be what is told
    fewer = Rows(rows.train, rows.train_labels, rows.test.head(50), rows.test_labels.head(50))

    scored = score_champion(heart, fewer, bundle)

    expected = evaluate(heart.columns.target, fewer.test_labels.tolist(), measured.labels[:50], measured.probabilities[:50])
    assert (scored.version, scored.sample) == (4, True)
    assert scored.metrics == pytest.approx(expected, abs=1e-5)  # a probability may differ by 1e-5: see parity
    assert scored.metrics["accuracy"] == expected["accuracy"]


def test_a_champion_of_other_columns_is_held_to_the_figures_of_its_own_release(
    heart: ModelSpec, rows: Rows, write_bundle: Write, contract_of: Callable[..., Any], tmp_path: Path
) -> None:
    blood = heart.columns.features | {"BloodType": Category(("A", "0"), "Blood type")}
    with_blood = replace(heart, columns=replace(heart.columns, features=blood))

    bundle = write_bundle(tmp_path / "bundle", columns=contract_columns(with_blood), metrics={"accuracy": 0.77}, sample=False)

    assert score_champion(heart, rows, bundle) == Champion(version=1, metrics={"accuracy": 0.77}, sample=False)
