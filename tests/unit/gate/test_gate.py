"""Whether a candidate may replace the champion: every rule, its borders, and its words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

from slipway.bundle.compiling import compile_model, contract_columns
from slipway.bundle.contract import Contract, Probe
from slipway.bundle.reading import Bundle
from slipway.bundle.writing import write
from slipway.errors import SpecError
from slipway.gate import Champion, Comparison, Footprint, Occasion, StoredChampion, decide, judge
from slipway.gate.footprint import footprint
from slipway.lifecycle.report import release_report
from slipway.problems.classification.evaluation import Evaluation
from slipway.records import Candidate, Rule, Snapshot, Tuned, Verdict
from slipway.spec import Category, Gate, ModelSpec, Split
from slipway.training.measuring import Measured, measure
from slipway.training.seen_rows import Hashes, learnt, seen
from slipway.training.splitting import Rows, split

Write = Callable[..., Bundle]
OTHER_DATA = "cd" * 32


def champion_of(figure: float, sample: bool = False) -> Champion:
    """Version 1 with this accuracy on the candidate's 184 test rows; its own release was better than any."""
    return Champion(1, {"accuracy": 1.0}, sample, Comparison(rows=184, left_out=0, ours={}, theirs={"accuracy": figure}))


def with_figure(candidate: Candidate, figure: float, sample: bool = False) -> Candidate:
    return candidate.model_copy(update={"metrics": {"accuracy": figure}, "sample": sample})


def held_against(spec: ModelSpec, candidate: Candidate, champion: Champion | None, **measured: Any) -> Verdict:
    """Judge a candidate whose figures on the rows compared are those of all its test rows."""
    if champion and champion.comparison:
        champion = replace(champion, comparison=replace(champion.comparison, ours=candidate.metrics))
    return judge(spec, candidate, champion, **measured)


def rule(verdict: Verdict, name: str) -> Rule:
    (found,) = [rule for rule in verdict.rules if rule.name == name]
    return found


# what is declared


@pytest.mark.parametrize(
    ("nonsense", "message"),
    [
        ({"tolerance": -0.1}, "tolerance=-0.1 must not be negative: it is how much worse than the champion a candidate may be"),
        ({"tolerance": float("nan")}, "tolerance=nan must not be negative"),
        ({"slice_tolerance": -0.1}, "slice_tolerance=-0.1 must not be negative"),
        ({"megabytes": 0}, "megabytes=0 is a limit that no bundle can keep; it must be above 0"),
        ({"milliseconds": float("nan")}, "milliseconds=nan is a limit that no bundle can keep"),
        ({"floor": float("inf")}, "floor=inf is not a figure that a model can reach"),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(nonsense: dict[str, float], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Gate(**{"floor": 0.9, **nonsense})


@pytest.mark.parametrize(
    ("slice_floor", "message"),
    [
        (0.91, "slice_floor=0.91 is above floor=0.9; a slice must not need more than all rows do"),
        (float("nan"), "slice_floor=nan is above"),
    ],
)
def test_a_slice_must_not_need_more_than_all_rows_do(heart: ModelSpec, slice_floor: float, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(heart, gate=Gate(floor=0.9, slice_floor=slice_floor))


def test_a_floor_of_slices_needs_slices(heart: ModelSpec) -> None:
    with pytest.raises(SpecError, match=r"heart-failure: slice_floor=0.8 applies to slices, but slices names none"):
        replace(heart, slices={}, gate=Gate(floor=0.9, slice_floor=0.8))


@pytest.mark.parametrize(("sample", "passed"), [(True, True), (False, False)])
def test_sample_rows_have_a_floor_of_their_own(heart: ModelSpec, candidate: Candidate, sample: bool, passed: bool) -> None:
    spec = replace(heart, gate=Gate(floor=0.9, sample_floor=0.8))
    verdict = judge(spec, candidate.model_copy(update={"sample": sample}), None)

    assert (verdict.rules[0].name, verdict.passed) == ("floor", passed)
    assert ("the floor for sample rows 0.8000" in verdict.rules[0].reason) == sample


# figures to figures


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
        pytest.param(0.50, True, champion_of(0.90), ["floor", "champion", "real rows"], id="all failures are named"),
    ],
)
def test_the_gate(
    heart: ModelSpec, candidate: Candidate, figure: float, sample: bool, champion: Champion | None, failed: list[str]
) -> None:
    verdict = held_against(heart, with_figure(candidate, figure, sample), champion)

    assert [rule.name for rule in verdict.rules if not rule.passed] == failed
    assert verdict.passed == (not failed)
    assert verdict.failures == [rule.reason for rule in verdict.rules if rule.name in failed]
    assert [rule.name for rule in verdict.rules] == (["floor", "champion", "real rows", "slices"] if champion else ["floor"])


@pytest.mark.parametrize("thousandths", range(861, 1_000, 7))
def test_a_figure_worse_by_the_tolerance_exactly_passes_whatever_its_rounding(
    heart: ModelSpec, candidate: Candidate, thousandths: int
) -> None:
    # with tolerance 0.010, 0.861 - 0.010 and 0.851 are different floats, and so on
    lenient, champion = replace(heart, gate=Gate(floor=0.0, tolerance=0.010)), champion_of(thousandths / 1_000)

    assert held_against(lenient, with_figure(candidate, (thousandths - 10) / 1_000), champion).passed
    assert not held_against(lenient, with_figure(candidate, (thousandths - 10.01) / 1_000), champion).passed


def test_a_refusal_says_each_reason_in_words(heart: ModelSpec, candidate: Candidate) -> None:
    costly = Footprint(megabytes=50.004, milliseconds=50.004, probes=40)

    verdict = held_against(heart, with_figure(candidate, 0.5, sample=True), champion_of(0.9), cost=costly)

    assert verdict.failures == [
        "accuracy 0.5000 is below the floor 0.8600",
        "accuracy 0.5000 is worse than champion version 1 with 0.9000 on the same 184 rows (tolerance 0.0050)",
        "it was trained on sample rows, and champion version 1 on real ones; release without --sample",
        "the bundle has 50.00 MB, above the budget of 50 MB",
        "one row takes 50.00 ms, median of 40, above the budget of 50 ms",
    ]


def test_the_verdict_names_the_champion_and_the_rows_compared(heart: ModelSpec, candidate: Candidate) -> None:
    verdict = held_against(heart, candidate, champion_of(0.9))

    assert (verdict.champion, verdict.champion_metrics) == (1, {"accuracy": 0.9})
    assert (verdict.rows_compared, verdict.rows_left_out) == (184, 0)
    assert judge(heart, candidate, None).champion is None


def test_the_verdict_says_which_further_types_the_models_file_trusts(heart: ModelSpec, candidate: Candidate) -> None:
    trusting = candidate.model_copy(update={"trusted": ["lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier"]})

    (rule,) = [rule for rule in judge(heart, trusting, None).rules if rule.name == "trusted types"]

    assert rule.passed
    assert rule.reason == "the model's file trusts further types: lightgbm.basic.Booster, lightgbm.sklearn.LGBMClassifier"
    assert "trusted types" not in {rule.name for rule in judge(heart, candidate, None).rules}


def test_without_a_comparison_the_champions_own_release_counts(heart: ModelSpec, candidate: Candidate) -> None:
    verdict = judge(heart, with_figure(candidate, 0.9), Champion(1, {"accuracy": 0.95}, sample=False, not_compared="the moon is full"))

    assert verdict.failures == [
        "accuracy 0.9000 is worse than champion version 1 with 0.9500 in its own release (tolerance 0.0050); "
        "not on the same rows: the moon is full"
    ]
    assert rule(verdict, "slices").reason == "not compared with champion version 1: the moon is full"
    assert (verdict.champion_metrics, verdict.rows_compared) == ({"accuracy": 0.95}, None)


def test_a_champion_without_the_figure_does_not_stop_a_candidate(heart: ModelSpec, candidate: Candidate) -> None:
    verdict = judge(heart, candidate, Champion(1, {"roc_auc_ovr": 0.95}, sample=False, not_compared="it has other classes"))

    assert verdict.passed
    assert rule(verdict, "champion").reason == "champion version 1 has no accuracy: it has other classes; only the floor counts"


@pytest.mark.parametrize(
    ("gate", "failed"),
    [
        (Gate(floor=0.5, megabytes=2.0, milliseconds=3.0), []),  # the budget itself is kept
        (Gate(floor=0.5, megabytes=1.99, milliseconds=3.0), ["size"]),
        (Gate(floor=0.5, megabytes=2.0, milliseconds=2.99), ["latency"]),
    ],
)
def test_a_bundle_keeps_its_budgets(heart: ModelSpec, candidate: Candidate, gate: Gate, failed: list[str]) -> None:
    verdict = judge(replace(heart, gate=gate), candidate, None, Footprint(megabytes=2.0, milliseconds=3.0, probes=7))

    assert [rule.name for rule in verdict.rules if not rule.passed] == failed
    if not failed:
        assert rule(verdict, "size").reason == "the bundle has 2.00 MB, within the budget of 2 MB"
        assert rule(verdict, "latency").reason == "one row takes 3.00 ms, median of 7, within the budget of 3 ms"


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        (Comparison(184, 0, {"accuracy": 0.9}, {"accuracy": 0.8}), None),
        (Comparison(130, 54, {"accuracy": 0.9}, {"accuracy": 0.8}), "of 130 of these rows: it was trained on the other 54."),
        (None, "from its own release, on other rows."),
    ],
)
def test_the_report_says_which_rows_the_champions_figures_are_of(
    heart: ModelSpec, snapshot: Snapshot, tuned: Tuned, candidate: Candidate, comparison: Comparison | None, words: str | None
) -> None:
    verdict = judge(heart, candidate, Champion(1, {"accuracy": 0.8}, sample=False, comparison=comparison))

    text = release_report(heart, snapshot, tuned, candidate, verdict, {}, None)

    assert "| accuracy | 0.8696 | 0.8000 |" in text  # 160 / 184
    assert f"\nThe champion's figures are {words}\n" in text if words else "The champion's figures" not in text


# bundles to rows


@pytest.fixture(scope="module")
def frame(heart: ModelSpec, rows: Rows) -> pd.DataFrame:
    """All sample rows again, to be split otherwise."""
    target = heart.columns.target.name
    parts = [rows.train.assign(**{target: rows.train_labels}), rows.test.assign(**{target: rows.test_labels})]
    return pd.concat(parts).sort_index()


@pytest.fixture(scope="module")
def release(contract_of: Callable[..., Contract], tuned: Tuned, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Fit a spec's tree and write its bundle; keywords replace parts of the contract. Returns the measured model and the bundle."""

    def release(spec: ModelSpec, rows: Rows, **changes: Any) -> tuple[Measured, Bundle]:
        measured = measure(spec, rows, tuned.model_copy(update={"parameters": {}}))
        compiled = compile_model(spec, measured.pipeline)
        probe = Probe(
            rows.test.head(5).astype(object).to_numpy().tolist(),
            measured.evaluation.labels[:5],
            measured.evaluation.probabilities[:5].tolist(),
        )
        contract = contract_of(engine=compiled.engine, columns=contract_columns(spec), metrics=measured.metrics, **changes)
        return measured, write(tmp_path_factory.mktemp("bundle"), compiled.files, contract, probe)

    return release


def tree(spec: ModelSpec, depth: int | None = None) -> ModelSpec:
    """Return the spec with a tree in place of its model: without a limit of depth, it answers every training row correctly."""
    estimator = DecisionTreeClassifier(max_depth=depth, random_state=1)
    return replace(spec, estimator=estimator, search_space={}, simplest=None, gate=Gate(floor=0.5), slices={})


def candidate_of(candidate: Candidate, measured: Measured, data_sha256: str) -> Candidate:
    return candidate.model_copy(update={"metrics": measured.metrics, "data_sha256": data_sha256})


def right(pipeline: Any, rows: Rows) -> np.ndarray:
    """Return whether each test row is answered rightly, by scikit-learn itself."""
    return np.asarray(pipeline.predict(rows.test) == rows.test_labels)


@pytest.fixture(scope="module")
def modest(heart: ModelSpec, rows: Rows, release: Callable[..., Any]) -> tuple[Measured, Bundle]:
    """The candidate: a tree of three levels."""
    return release(tree(heart, 3), rows)


@pytest.fixture
def judged(heart: ModelSpec, candidate: Candidate, rows: Rows, modest: tuple[Measured, Bundle]) -> Callable[..., Verdict]:
    """Judge the modest tree; by default it was trained on other data than the champion."""

    def judged(bundle: Bundle, known: Hashes | None, data_sha256: str = OTHER_DATA, spec: ModelSpec = heart, rows: Rows = rows) -> Verdict:
        return decide(tree(spec, 3), candidate_of(candidate, modest[0], data_sha256), modest[1], rows, StoredChampion(bundle, known))

    return judged


def test_rows_that_the_champion_has_learnt_from_are_left_out_when_the_data_have_changed(
    heart: ModelSpec, frame: pd.DataFrame, rows: Rows, modest: tuple[Measured, Bundle], release: Callable[..., Any], judged: Any
) -> None:
    # half of all rows, among them some of those that the candidate is tested on
    older = split(replace(heart, split=Split(0.5, 7, True)), frame)
    champion, bundle = release(tree(heart), older, version=4, sample=False)
    known, ours, theirs = seen(rows.test, learnt(older.train)), right(modest[0].pipeline, rows), right(champion.pipeline, rows)
    assert 50 <= (~known).sum() < 184  # the premises: enough are left,
    assert theirs[known].all()  # it answers the others correctly, so it is better on all rows,
    assert theirs.mean() > ours.mean() + 0.005
    assert theirs[~known].mean() < ours[~known].mean()  # and worse on those it has not learnt from

    verdict = judged(bundle, learnt(older.train))

    left = (~known).sum()
    assert rule(verdict, "champion").passed
    assert rule(verdict, "champion").reason == (
        f"accuracy {ours[~known].mean():.4f} is no worse than champion version 4 with {theirs[~known].mean():.4f} "
        f"on the same {left} rows (tolerance 0.0050); {184 - left} test rows that it has learnt from are left out"
    )
    assert (verdict.rows_compared, verdict.rows_left_out) == (left, 184 - left)
    assert verdict.champion_metrics["accuracy"] == theirs[~known].mean()
    # with them, the verdict would be another
    unknown = judged(bundle, np.array([], dtype=np.uint64))
    assert rule(unknown, "champion").reason == (
        f"accuracy {ours.mean():.4f} is worse than champion version 4 with {theirs.mean():.4f} on the same 184 rows (tolerance 0.0050)"
    )


def test_with_too_few_rows_new_to_the_champion_its_own_release_counts(
    heart: ModelSpec, frame: pd.DataFrame, rows: Rows, modest: tuple[Measured, Bundle], release: Callable[..., Any], judged: Any
) -> None:
    older = split(replace(heart, split=Split(0.2, 7, True)), frame)
    champion, bundle = release(tree(heart), older, version=4)
    left = int((~seen(rows.test, learnt(older.train))).sum())
    assert 0 < left < 50  # about a fifth of 184

    verdict = judged(bundle, learnt(older.train))

    figure, held = modest[0].metrics["accuracy"], champion.metrics["accuracy"]
    assert rule(verdict, "champion").reason == (
        f"accuracy {figure:.4f} is {'no ' if figure >= held - 0.005 else ''}worse than champion version 4 with {held:.4f} in its own "
        f"release (tolerance 0.0050); not on the same rows: it has learnt from {184 - left} of the 184 test rows, "
        f"and the {left} others are too few"
    )
    assert (verdict.rows_compared, verdict.rows_left_out, verdict.champion_metrics) == (None, 0, champion.metrics)


def test_rows_of_one_class_are_not_compared(
    heart: ModelSpec, rows: Rows, release: Callable[..., Any], judged: Callable[..., Verdict]
) -> None:
    _, bundle = release(tree(heart), rows)
    ill = rows.test_labels == 1
    assert ill.sum() >= 50

    verdict = judged(bundle, learnt(rows.test[~ill]))

    assert rule(verdict, "champion").reason.endswith(
        f"it has learnt from {(~ill).sum()} of the 184 test rows, and the {ill.sum()} others have none of class 0"
    )


def test_a_champion_without_known_rows_counts_by_its_own_release_when_the_data_have_changed(
    heart: ModelSpec, rows: Rows, release: Callable[..., Any], judged: Callable[..., Verdict]
) -> None:
    _, bundle = release(tree(heart), rows)

    verdict = judged(bundle, None)

    assert rule(verdict, "champion").reason.endswith(
        "in its own release (tolerance 0.0050); not on the same rows: the data have changed, and its training rows are not known"
    )
    assert verdict.rows_compared is None


@pytest.mark.parametrize("kept", [True, False])
def test_all_test_rows_count_when_data_and_split_are_the_same(
    heart: ModelSpec, snapshot: Snapshot, rows: Rows, release: Callable[..., Any], judged: Callable[..., Verdict], kept: bool
) -> None:
    # the same rows, ten of which are both learnt and tested
    repeating = Rows(
        pd.concat([rows.train, rows.test.head(10)]), pd.concat([rows.train_labels, rows.test_labels.head(10)]), rows.test, rows.test_labels
    )
    _, bundle = release(tree(heart), repeating)

    verdict = judged(bundle, learnt(repeating.train) if kept else None, snapshot.sha256, rows=repeating)

    assert (verdict.rows_compared, verdict.rows_left_out) == (184, 0)


def test_rows_that_the_champion_has_learnt_from_are_left_out_when_the_same_data_are_split_differently(
    heart: ModelSpec, frame: pd.DataFrame, snapshot: Snapshot, rows: Rows, release: Callable[..., Any], judged: Callable[..., Verdict]
) -> None:
    older = split(replace(heart, split=Split(0.5, 7, True)), frame)
    _, bundle = release(tree(heart), older)

    verdict = judged(bundle, learnt(older.train), snapshot.sha256)

    assert verdict.rows_left_out == seen(rows.test, learnt(older.train)).sum() > 0


def test_a_champion_answers_by_its_own_bundle_and_those_figures_count(
    heart: ModelSpec, rows: Rows, measured: Measured, write_bundle: Write, judged: Callable[..., Verdict], tmp_path: Path
) -> None:
    bundle = write_bundle(tmp_path / "bundle", version=4, metrics={"accuracy": 0.0})  # its own figures must not be shown
    fewer = Rows(rows.train, rows.train_labels, rows.test.head(50), rows.test_labels.head(50))

    verdict = judged(bundle, learnt(rows.train), rows=fewer)

    expected = Evaluation(
        heart.columns.target, fewer.test_labels.tolist(), measured.evaluation.labels[:50], measured.evaluation.probabilities[:50]
    ).figures()
    assert (verdict.champion, verdict.rows_compared) == (4, 50)
    assert verdict.champion_metrics == pytest.approx(expected, abs=1e-5)  # a probability may differ by 1e-5: see parity
    assert verdict.champion_metrics["accuracy"] == expected["accuracy"]


def test_a_champion_with_other_columns_counts_by_its_own_release(
    heart: ModelSpec, write_bundle: Write, judged: Callable[..., Verdict], tmp_path: Path
) -> None:
    blood = heart.columns.features | {"BloodType": Category(("A", "0"), "Blood type")}
    columns = list(contract_columns(replace(heart, columns=replace(heart.columns, features=blood))))  # BloodType is gone
    columns[0] = msgspec.structs.replace(columns[0], kind="category", values=("young", "old"))  # Age was a category
    columns[1] = msgspec.structs.replace(columns[1], values=("M",))  # Sex had a value less

    verdict = judged(write_bundle(tmp_path / "bundle", columns=tuple(columns), metrics={"accuracy": 0.77}), None)

    assert rule(verdict, "champion").reason.endswith(
        "with 0.7700 in its own release (tolerance 0.0050); not on the same rows: the rows do not fit its columns Age, Sex, BloodType"
    )


def test_a_champion_with_other_classes_is_not_compared(
    heart: ModelSpec, write_bundle: Write, judged: Callable[..., Verdict], tmp_path: Path
) -> None:
    classes: dict[str, Any] = {"classes": ("none", "mild", "severe"), "class_meanings": ("", "", ""), "positive": None}

    verdict = judged(write_bundle(tmp_path / "bundle", metrics={"roc_auc_ovr": 0.9}, **classes), None)

    assert rule(verdict, "champion").passed
    assert rule(verdict, "champion").reason == "champion version 1 has no accuracy: it has other classes; only the floor counts"


def test_size_and_time_of_a_bundle_are_measured(
    heart: ModelSpec, candidate: Candidate, rows: Rows, modest: tuple[Measured, Bundle]
) -> None:
    _, bundle = modest
    megabytes = sum(path.stat().st_size for path in bundle.folder.iterdir()) / 1e6

    roomy = decide(tree(heart, 3), candidate, bundle, rows, None)
    narrow = replace(tree(heart, 3), gate=Gate(floor=0.5, megabytes=megabytes * 0.99, milliseconds=1e-6))
    refused = decide(narrow, candidate, bundle, rows, None)

    assert [rule.name for rule in roomy.rules if rule.passed] == ["floor", "size", "latency"]
    assert rule(roomy, "size").reason == f"the bundle has {megabytes:.2f} MB, within the budget of 50 MB"
    assert [rule.name for rule in refused.rules if not rule.passed] == ["size", "latency"]
    assert rule(refused, "latency").reason.endswith(" ms, median of 5, above the budget of 1e-06 ms")


def test_latency_is_in_milliseconds(modest: tuple[Measured, Bundle]) -> None:
    started = time.perf_counter()

    found = footprint(modest[1])

    # no engine answers within five microseconds, and no row takes longer than all of them
    assert 0.005 < found.milliseconds < 1_000 * (time.perf_counter() - started)
    assert found.probes == 5


# a challenger, which is to be tried and not to take the champion's place


def test_a_challenger_may_be_worse_than_the_champion_and_the_verdict_says_so(heart: ModelSpec, candidate: Candidate) -> None:
    worse = with_figure(candidate, 0.87)

    tried, held = (
        held_against(heart, worse, champion_of(0.90), occasion=Occasion(to_try=True)),
        held_against(heart, worse, champion_of(0.90)),
    )

    assert (tried.passed, held.passed) == (True, False)
    assert rule(tried, "champion").reason == rule(held, "champion").reason + "; it is tried anyway"


@pytest.mark.parametrize(
    ("figure", "sample", "broken"), [(0.80, False, "floor"), (0.95, True, "real rows")], ids=["below the floor", "sample rows"]
)
def test_a_challenger_keeps_the_other_rules(heart: ModelSpec, candidate: Candidate, figure: float, sample: bool, broken: str) -> None:
    verdict = held_against(heart, with_figure(candidate, figure, sample), champion_of(0.90), occasion=Occasion(to_try=True))

    assert [one.name for one in verdict.rules if not one.passed] == [broken]
