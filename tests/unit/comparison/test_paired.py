"""Champion and challenger on the same rows: published figures, the coverage of the theory, and what the rows do not show."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from slipway.comparison.confidence import ONCE, repeatedly, rows_needed
from slipway.comparison.paired import compare
from slipway.comparison.plot import paired_differences
from slipway.comparison.report import effects, paired_lines
from slipway.problems.classification.delong import areas
from slipway.problems.classification.evaluation import Evaluation
from slipway.problems.classification.proportions import Discordant
from slipway.spec import Target

TWO = Target("ill", {0: "no", 1: "yes"}, positive=1)
THREE = Target("fate", {"drop": "a", "enrol": "b", "grad": "c"})


def answers(truth: list[int], labels: list[int], scores: list[float] | None = None) -> Evaluation:
    wanted = np.array(labels if scores is None else scores, dtype=np.float64)
    return Evaluation(TWO, truth, labels, np.column_stack([1 - wanted, wanted]))


def discordant(rows: int, challenger: int, champion: int) -> tuple[Evaluation, Evaluation]:
    """Champion and challenger: each alone labels so many rows correctly, both the rest."""
    truth = [index % 2 for index in range(rows)]
    theirs = [1 - true if index < challenger else true for index, true in enumerate(truth)]
    ours = [1 - true if challenger <= index < challenger + champion else true for index, true in enumerate(truth)]
    return answers(truth, theirs), answers(truth, ours)


def ranked(generator: np.random.Generator, rows: int, first: float, second: float, shared: float = 0.7) -> tuple[Evaluation, Evaluation]:
    """Two models whose scores are correlated, and higher for the ill by `first` and `second` standard deviations."""
    truth = generator.integers(2, size=rows)
    common = generator.normal(size=rows) * math.sqrt(shared)
    scores = [1 / (1 + np.exp(-(gain * truth + common + generator.normal(size=rows) * math.sqrt(1 - shared)))) for gain in (first, second)]
    return tuple(answers(truth.tolist(), (score > 0.5).astype(int).tolist(), score.tolist()) for score in scores)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("rows", "only_ours", "only_theirs", "p_value", "low", "high"),
    [
        # airway hyper-responsiveness (Bentur 2009), complete response (Cavo 2012): Fagerland, Lydersen and Laake, Statistical Analysis
        # of Contingency Tables (2017), chapter 8; 0.0703 is 9/128, from eight tosses of a fair coin: 2 (1 + 8) / 2^8
        pytest.param(21, 1, 7, 9 / 128, -0.517, -0.026, id="Bentur"),
        pytest.param(161, 6, 16, 0.0525, -0.1240, -0.0054, id="Cavo"),
    ],
)
def test_published_tables_give_their_published_figures(
    rows: int, only_ours: int, only_theirs: int, p_value: float, low: float, high: float
) -> None:
    champion, challenger = discordant(rows, only_ours, only_theirs)

    effect = compare("accuracy", champion=champion, challenger=challenger).accuracy

    assert effect.difference == pytest.approx((only_ours - only_theirs) / rows)
    assert effect.p_value == pytest.approx(p_value, abs=5e-5)
    assert (effect.low, effect.high) == pytest.approx((low, high), abs=5e-4)


def test_the_number_of_rows_is_connors() -> None:
    # discordant shares .1 and .2, so a difference of .1: (1.95996 sqrt(.3) + .84162 sqrt(.29))^2 / .01 = 233.1, as R's MESS has it too
    assert rows_needed(0.1, (math.sqrt(0.3), math.sqrt(0.29)), 1, repeated=False) == 234 - 1


def test_without_discordant_rows_there_is_an_interval_and_no_number_of_rows_needed() -> None:
    champion, challenger = discordant(60, 0, 0)

    found = compare("accuracy", champion=champion, challenger=challenger)

    # by Tango's formula, without discordant rows: z^2 / (n + z^2)
    width = ONCE**2 / (60 + ONCE**2)
    assert (found.low, found.high) == pytest.approx((-width, width))
    assert (found.verdict, found.rows_needed, found.accuracy.p_value, found.disagreeing) == ("no difference shown", None, 1.0, 0)


@pytest.mark.parametrize("rows", [1, 3, 7])
def test_few_rows_are_shown_and_not_judged(rows: int) -> None:
    champion, challenger = discordant(rows, rows, 0)

    found = compare("accuracy", champion=champion, challenger=challenger)

    assert found.accuracy.high == 1.0
    assert found.verdict == "no difference shown"
    assert found.rows_needed
    assert found.rows_needed >= 50 - rows
    assert "fewer than 50 rows are not judged" in found.reason


def test_a_clear_difference_is_shown_in_both_directions() -> None:
    champion, challenger = discordant(200, 30, 5)

    found = compare("accuracy", champion=champion, challenger=challenger)
    turned = compare("accuracy", champion=challenger, challenger=champion)

    assert (found.verdict, turned.verdict) == ("challenger better", "champion better")
    assert (found.only_challenger_right, found.only_champion_right, found.rows_needed) == (30, 5, None)
    assert found.low
    assert turned.high
    assert found.low == pytest.approx(-turned.high)
    assert "+0.1250, 95 % interval +0.07" in found.reason  # 25 of 200


def test_one_class_only_has_no_area_and_still_an_accuracy() -> None:
    truth, labels = [1] * 80, [1] * 60 + [0] * 20

    found = compare("roc_auc", champion=answers(truth, truth), challenger=answers(truth, labels))

    assert (found.auc, found.effect, found.low, found.verdict) == (None, None, None, "no difference shown")
    assert found.accuracy.difference == -0.25
    assert "do not define roc_auc" in found.reason


def test_three_classes_have_no_area_of_two_and_the_metric_by_resamples() -> None:
    generator = np.random.default_rng(3)
    truth = generator.integers(3, size=400)
    wrong = generator.random((2, 400)) < np.array([[0.4], [0.1]])
    labels = np.where(wrong, (truth + 1) % 3, truth)
    champion, challenger = (
        Evaluation(THREE, [THREE.labels[at] for at in truth], [THREE.labels[at] for at in codes], np.eye(3)[codes]) for codes in labels
    )

    found = compare("f1_macro", champion=champion, challenger=challenger)

    expected = [f1_score(champion.truth, model.labels, average="macro") for model in (champion, challenger)]
    assert found.effect is not None
    assert (found.effect.champion, found.effect.challenger) == pytest.approx(tuple(expected))
    assert (found.auc, found.verdict) == (None, "challenger better")
    assert found.effect.method == "paired bootstrap"


def test_rows_that_are_not_the_same_are_refused() -> None:
    with pytest.raises(ValueError, match="same rows"):
        compare("accuracy", champion=answers([0, 1], [0, 1]), challenger=answers([1, 0], [0, 1]))


def test_areas_and_their_error_are_delongs_by_his_own_slow_formula() -> None:
    generator = np.random.default_rng(5)
    hits = generator.random(90) < 0.4
    scores = [np.round(generator.random(90) + 0.3 * hits.astype(float), 1) for _ in range(2)]  # rounded: many ties

    found = areas(hits, scores[0], scores[1])

    kernels = [(score[hits][:, None] > score[~hits]) + 0.5 * (score[hits][:, None] == score[~hits]) for score in scores]
    gap = kernels[1] - kernels[0]
    variance = gap.mean(axis=1).var(ddof=1) / hits.sum() + gap.mean(axis=0).var(ddof=1) / (~hits).sum()
    assert found is not None
    assert (found.champion, found.challenger) == pytest.approx(tuple(roc_auc_score(hits, score) for score in scores))
    assert found.error == pytest.approx(math.sqrt(variance))


def test_two_models_that_rank_alike_differ_by_nothing() -> None:
    champion, _ = ranked(np.random.default_rng(1), 100, 1.5, 1.5)

    found = compare("roc_auc", champion=champion, challenger=champion)

    assert found.auc
    assert (found.auc.difference, found.auc.low, found.auc.high, found.auc.p_value) == (0.0, 0.0, 0.0, 1.0)


def _tango(generator: np.random.Generator) -> bool:
    _, only_ours, only_theirs = generator.multinomial(150, [0.8, 0.14, 0.06])  # a true difference of 0.08
    low, high = Discordant(150, int(only_ours), int(only_theirs)).interval(ONCE)
    return low <= 0.08 <= high


def _delong(generator: np.random.Generator) -> bool:
    champion, challenger = ranked(generator, 200, 1.5, 1.5)  # equally good
    found = areas(champion.is_positive, champion.positive, challenger.positive)
    return found is not None and abs(found.difference) <= ONCE * found.error


@pytest.mark.parametrize("covers", [_tango, _delong])
def test_intervals_hold_their_level(covers: Callable[[np.random.Generator], bool]) -> None:
    generator = np.random.default_rng(11)

    share = np.mean([covers(generator) for _ in range(1_000)])

    assert 0.93 <= share <= 0.97  # 0.95, give or take three standard errors of 0.007


def test_repeated_looks_find_false_differences_by_the_plain_interval_and_none_by_the_repeated_one() -> None:
    generator = np.random.default_rng(7)
    worth = generator.choice([0, 1, -1], p=[0.84, 0.08, 0.08], size=(1_000, 3_000))  # a thousand challenges of two equally good models
    looks = np.arange(50, 3_001, 25)
    gaps, apart = worth.cumsum(axis=1)[:, looks - 1], np.abs(worth).cumsum(axis=1)[:, looks - 1]
    distance = np.abs(gaps) / np.sqrt(np.maximum(apart, 1))  # of 0, by Tango: McNemar's statistic

    plain = (distance > ONCE).any(axis=1).mean()
    held = (distance > [repeatedly(int(rows)) for rows in looks]).any(axis=1).mean()

    assert plain > 0.25
    assert held <= 0.05


def test_a_repeated_comparison_needs_more_rows() -> None:
    champion, challenger = discordant(300, 20, 7)

    once = compare("accuracy", champion=champion, challenger=challenger)
    again = compare("accuracy", champion=champion, challenger=challenger, repeated=True)

    assert (once.verdict, again.verdict) == ("challenger better", "no difference shown")
    assert again.rows_needed
    assert "holds at every look" in again.reason
    assert again.effect == once.effect


def test_as_many_rows_as_needed_find_the_difference_in_four_of_five_cases() -> None:
    champion, challenger = discordant(200, 24, 12)  # shares of .12 and .06
    needed = compare("accuracy", champion=champion, challenger=challenger, repeated=True).rows_needed
    assert needed
    total, generator = 200 + needed, np.random.default_rng(13)
    counts = generator.multinomial(total, [0.82, 0.12, 0.06], size=2_000)

    found = (counts[:, 1] - counts[:, 2]) / np.sqrt(counts[:, 1] + counts[:, 2]) > repeatedly(total)

    assert found.mean() == pytest.approx(0.80, abs=0.03)


def test_the_report_shows_each_figure_once_with_its_interval_and_the_discordant_rows(tmp_path: Path) -> None:
    champion, challenger = discordant(200, 30, 5)
    found = compare("accuracy", champion=champion, challenger=challenger)

    lines = paired_lines(found)
    paired_differences(tmp_path / "paired.png", found, "toy")

    assert [effect.figure for effect in effects(found)] == ["accuracy", "roc_auc"]
    assert lines[0] == f"**{found.reason}.**\n"
    assert "| accuracy | 0.8500 | 0.9750 | +0.1250 | " in "\n".join(lines)  # 170 and 195 of 200
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1
    assert "Both give the same label to 165 of 200 rows. Only the challenger is right about 30, only the champion about 5" in lines[-1]
    assert (tmp_path / "paired.png").read_bytes().startswith(b"\x89PNG")
