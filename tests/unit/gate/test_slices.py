"""No slice pays for the average: a slice that is worse, and not by chance, refuses the candidate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

from slipway.bundle.compiling import compile_model
from slipway.bundle.contract import Contract, Probe
from slipway.bundle.reading import Bundle
from slipway.bundle.writing import write
from slipway.gate import Champion, Comparison, Footprint, StoredChampion, decide, judge
from slipway.gate.slices import Level, SliceDifference, differences, levels
from slipway.problems.classification.evaluation import Evaluation
from slipway.records import Candidate, Rule, Snapshot, Tuned, Verdict
from slipway.spec import Gate, ModelSpec
from slipway.training.evidence.intervals import LEVEL
from slipway.training.measuring import measure
from slipway.training.seen_rows import learnt
from slipway.training.splitting import Rows

FREE = Footprint(megabytes=0.0, milliseconds=0.0, probes=1)


@pytest.fixture(scope="module")
def sliced(toy: ModelSpec) -> ModelSpec:
    return replace(toy, slices={"colour": ()})


def toys(red: int, blue: int) -> pd.DataFrame:
    return pd.DataFrame({"size": 5, "weight": 1.0, "colour": ["red"] * red + ["blue"] * blue})


def answers(spec: ModelSpec, right: list[bool], truth: list[int] | None = None) -> Evaluation:
    """Answers that are right where `right` says so; every other row is of class 1 if no truth is given."""
    truth = truth or [index % 2 for index in range(len(right))]
    labels = [true if hit else 1 - true for true, hit in zip(truth, right, strict=True)]
    wanted = np.array(labels, dtype=np.float64)
    return Evaluation(spec.columns.target, truth, labels, np.column_stack([1 - wanted, wanted]))


def right_but(rows: int, *wrong: range) -> list[bool]:
    return [not any(index in part for part in wrong) for index in range(rows)]


def verdict_on(spec: ModelSpec, candidate: Candidate, slices: list[SliceDifference], levels: list[Level] | None = None) -> Verdict:
    figures = {"accuracy": 0.9}
    champion = Champion(3, figures, sample=False, comparison=Comparison(200, 0, figures, figures, slices))
    return judge(spec, candidate.model_copy(update={"metrics": figures}), champion, FREE, levels or [])


def rule(verdict: Verdict, name: str) -> Rule:
    (found,) = [rule for rule in verdict.rules if rule.name == name]
    return found


# how far chance reaches


def test_both_models_meet_the_same_resampled_rows(sliced: ModelSpec) -> None:
    # the champion is wrong on 60 of 200, the candidate on the same and 10 more: drawn apart, 0.05 would be within chance
    # (standard error of either about sqrt(.7 * .3 / 200) = .03); on the same rows, only the ten decide
    theirs, ours = answers(sliced, right_but(200, range(60))), answers(sliced, right_but(200, range(70)))

    red, _ = differences(sliced, toys(200, 0), ours, theirs)

    assert (red.rows, red.ours, red.theirs) == (200, 0.65, 0.7)
    # rows lost in a resample: binomial of 200 draws at .05, of which 2.5 % are below 4 or 5: 10 - 1.96 * sqrt(200 * .05 * .95)
    assert 0.015 <= red.least <= 0.025


def test_what_is_lost_on_some_rows_and_won_on_others_may_be_chance(sliced: ModelSpec) -> None:
    theirs, ours = answers(sliced, right_but(200, range(20))), answers(sliced, right_but(200, range(5, 35)))

    red, _ = differences(sliced, toys(200, 0), ours, theirs)

    # lost are rows 20 to 34, won are rows 0 to 4: worse by 10 of 200, give or take 1.96 * sqrt(20) = 8.8
    assert red.worse == pytest.approx(0.05)
    assert 0 < red.least < 0.015
    ours = answers(sliced, right_but(200, range(10, 35)))  # lost 20 to 34, won 0 to 9: by 5 of 200, give or take 9.8
    red, _ = differences(sliced, toys(200, 0), ours, theirs)
    assert red.worse == pytest.approx(0.025)
    assert red.least < 0


def test_three_lost_rows_are_chance_and_six_are_not(sliced: ModelSpec) -> None:
    # a resample holds none of k rows with probability (1 - k/n)^n, about e^-k: 5 % of three, 0.2 % of six; 2.5 % is the border
    theirs = answers(sliced, right_but(100))

    three, _ = differences(sliced, toys(100, 0), answers(sliced, right_but(100, range(3))), theirs)
    six, _ = differences(sliced, toys(100, 0), answers(sliced, right_but(100, range(6))), theirs)

    assert three.least == 0
    assert six.least > 0


def test_the_same_rows_give_the_same_interval(sliced: ModelSpec) -> None:
    theirs, ours = answers(sliced, right_but(200, range(60))), answers(sliced, right_but(200, range(70)))

    assert repr(differences(sliced, toys(120, 80), ours, theirs)) == repr(differences(sliced, toys(120, 80), ours, theirs))


def test_a_slice_of_few_rows_or_of_one_class_is_not_judged(sliced: ModelSpec) -> None:
    ranked = replace(sliced, metric="roc_auc")
    one_class = answers(ranked, right_but(49), truth=[1] * 30 + [0, 1] * 9 + [0])

    red, blue = differences(ranked, toys(30, 19), one_class, one_class)  # 20 rows are enough

    assert (red.judged, blue.judged) == (False, False)
    assert [part.judged for part in levels(ranked, toys(30, 19), one_class)] == [False, False]
    assert [part.judged for part in levels(ranked, toys(29, 20), one_class)] == [False, True]


def test_a_model_that_never_says_yes_does_not_escape_by_having_no_precision(sliced: ModelSpec) -> None:
    precise = replace(sliced, metric="precision")
    truth = [0, 1] * 20
    theirs = answers(precise, right_but(40), truth)
    silent = Evaluation(precise.columns.target, truth, [0] * 40, np.tile([1.0, 0.0], (40, 1)))

    red, _ = differences(precise, toys(40, 0), silent, theirs)

    assert (red.ours, red.theirs, red.least) == (0.0, 1.0, 1.0)


def test_the_level_of_a_slice_is_the_candidates_own_with_the_end_of_its_interval(sliced: ModelSpec) -> None:
    ours = answers(sliced, right_but(70, range(10), range(40, 60)))

    red, blue = levels(sliced, toys(40, 30), ours)

    assert (red.figure, blue.figure) == (0.75, pytest.approx(1 / 3))
    assert blue.best == answers(sliced, right_but(30, range(20))).exact_intervals(LEVEL)["accuracy"][1]


# numbers to words


@pytest.mark.parametrize(
    ("part", "passed"),
    [
        pytest.param(SliceDifference("colour = red", 50, 0.88, 0.90, 0.01), True, id="worse by the tolerance exactly passes"),
        pytest.param(SliceDifference("colour = red", 50, 0.8799, 0.90, 0.01), False, id="worse by more is refused"),
        pytest.param(SliceDifference("colour = red", 50, 0.70, 0.90, 0.0), True, id="unless chance explains it"),
        pytest.param(SliceDifference("colour = red", 50, 0.95, 0.90), True, id="better passes"),
        pytest.param(SliceDifference("colour = red", 5), True, id="too few rows are not judged"),
    ],
)
def test_a_slice_is_held_to_the_champion(sliced: ModelSpec, candidate: Candidate, part: SliceDifference, passed: bool) -> None:
    verdict = verdict_on(sliced, candidate, [part])

    assert rule(verdict, "slices").passed == verdict.passed == passed


def test_a_refusal_names_the_slices_that_are_worse_and_those_that_were_not_judged(sliced: ModelSpec, candidate: Candidate) -> None:
    parts = [
        SliceDifference("colour = red", 1_234, 0.8, 0.9, 0.05),
        SliceDifference("colour = blue", 50, 0.7, 0.9, 0.01),
        SliceDifference("size < 10", 80, 0.9, 0.9),
        SliceDifference("size >= 10", 7),
    ]

    assert verdict_on(sliced, candidate, parts).failures == [
        "accuracy is worse than champion version 3's by more than 0.0200, beyond chance (95%): colour = red (0.8000 against 0.9000 on "
        "1,234 rows), colour = blue (0.7000 against 0.9000 on 50 rows); not judged, with too few rows or one class only: size >= 10 (7)"
    ]
    assert rule(verdict_on(sliced, candidate, parts[2:]), "slices").reason == (
        "0 of 1 judged slices have accuracy worse than champion version 3's by more than 0.0200, beyond chance (95%); "
        "not judged, with too few rows or one class only: size >= 10 (7)"
    )


@pytest.mark.parametrize(("upper", "passed"), [(0.6999, False), (0.7, True)])
def test_a_slice_is_below_its_floor_only_if_all_of_its_interval_is(
    sliced: ModelSpec, candidate: Candidate, upper: float, passed: bool
) -> None:
    spec = replace(sliced, gate=Gate(floor=0.8, slice_floor=0.7))
    parts = [Level("colour = red", 60, 0.6, upper), Level("colour = blue", 80, 0.9, 0.95), Level("size < 10", 3)]

    first = judge(spec, candidate.model_copy(update={"metrics": {"accuracy": 0.9}}), None, FREE, parts)

    assert first.passed == rule(first, "slice floor").passed == passed
    skipped = "; not judged, with too few rows or one class only: size < 10 (3)"
    assert rule(first, "slice floor").reason == skipped.join(
        ["0 of 2 judged slices have accuracy below the slice floor 0.7000, beyond chance (95%)", ""]
        if passed
        else ["accuracy is below the slice floor 0.7000, beyond chance (95%): colour = red (0.6000 on 60 rows)", ""]
    )


def test_a_model_without_slices_has_no_such_rule(toy: ModelSpec, candidate: Candidate) -> None:
    assert [rule.name for rule in verdict_on(toy, candidate, []).rules] == ["floor", "champion", "real rows", "size", "latency"]


# bundles to words


@pytest.fixture
def planted(
    heart: ModelSpec, rows: Rows, tuned: Tuned, contract_of: Callable[..., Contract], tmp_path: Path
) -> Callable[[str, str | None], Bundle]:
    """Write the bundle of a tree that has learnt the opposite of the truth about one sex, or nothing wrong."""
    spec = replace(heart, estimator=DecisionTreeClassifier(max_depth=8, random_state=1), search_space={}, simplest=None)

    def planted(name: str, sex: str | None) -> Bundle:
        labels = rows.train_labels.where(rows.train["Sex"] != sex, 1 - rows.train_labels)
        measured = measure(spec, replace(rows, train_labels=labels), tuned.model_copy(update={"parameters": {}}))
        compiled = compile_model(spec, measured.pipeline)
        probe = Probe(
            rows.test.head(5).astype(object).to_numpy().tolist(),
            measured.evaluation.labels[:5],
            measured.evaluation.probabilities[:5].tolist(),
        )
        contract = contract_of(engine=compiled.engine, metrics=measured.metrics, sample=False)
        return write(tmp_path / name, compiled.files, contract, probe)

    return planted


def test_a_candidate_that_fails_the_women_is_refused_though_the_average_is_accepted(
    heart: ModelSpec, candidate: Candidate, rows: Rows, snapshot: Snapshot, planted: Callable[[str, str | None], Bundle]
) -> None:
    spec = replace(heart, gate=Gate(floor=0.5, tolerance=0.5), slices={"Sex": ()})
    same_data: Any = candidate.model_copy(update={"data_sha256": snapshot.sha256})
    stored = StoredChampion(planted("champion", None), learnt(rows.train))

    verdict = decide(spec, same_data, planted("candidate", "F"), rows, stored)

    assert [rule.name for rule in verdict.rules if not rule.passed] == ["slices"]
    women = (rows.test["Sex"] == "F").sum()
    assert rule(verdict, "slices").reason.startswith(
        "accuracy is worse than champion version 1's by more than 0.0200, beyond chance (95%): Sex = F ("
    )
    assert rule(verdict, "slices").reason.endswith(f" on {women} rows)")  # and no word of the men
    assert decide(spec, same_data, planted("again", None), rows, stored).passed


def test_a_first_release_that_fails_the_women_is_refused_by_the_slice_floor(
    heart: ModelSpec, candidate: Candidate, rows: Rows, planted: Callable[[str, str | None], Bundle]
) -> None:
    spec = replace(heart, gate=Gate(floor=0.7, slice_floor=0.7), slices={"Sex": ()})

    failed = decide(spec, candidate, planted("failing", "F"), rows, None)

    assert [rule.name for rule in failed.rules if not rule.passed] == ["slice floor"]
    assert "beyond chance (95%): Sex = F (" in rule(failed, "slice floor").reason
    assert decide(spec, candidate, planted("fair", None), rows, None).passed


def test_only_the_rows_that_both_are_compared_on_count_in_a_slice(
    heart: ModelSpec, candidate: Candidate, rows: Rows, planted: Callable[[str, str | None], Bundle]
) -> None:
    spec = replace(heart, gate=Gate(floor=0.5, tolerance=0.5), slices={"Sex": ()})
    women = rows.test[rows.test["Sex"] == "F"]

    # the champion has learnt from all but ten of the women it would be asked about
    stored = StoredChampion(planted("champion", None), learnt(women.iloc[10:]))
    verdict = decide(spec, candidate, planted("candidate", "F"), rows, stored)

    assert rule(verdict, "slices").passed
    assert rule(verdict, "slices").reason.endswith("; not judged, with too few rows or one class only: Sex = F (10)")
