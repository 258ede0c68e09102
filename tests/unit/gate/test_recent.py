"""The gate on rows of the log that were set apart: which of two versions is better now, and what else may fall for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from slipway.bundle.compiling import compile_model, contract_columns
from slipway.bundle.contract import Probe
from slipway.bundle.writing import write
from slipway.comparison import paired
from slipway.gate import Champion, Comparison, Occasion, StoredChampion, decide, judge
from slipway.gate.comparison import compare_recent
from slipway.lifecycle.report import verdict_and_figures
from slipway.problems.classification.evaluation import Evaluation
from slipway.spec import Gate, Outcomes
from slipway.training.measuring import measure
from slipway.training.seen_rows import learnt, seen
from slipway.training.splitting import RecentRows


def rules_of(verdict):
    return {rule.name: rule for rule in verdict.rules}


@pytest.fixture(scope="module")
def learning(heart):
    return replace(heart, slices={}, learns=Outcomes(fall=0.2))


def answered(spec, rows, right):
    """Answers to rows of both classes that are right about some."""
    truth = [row % 2 for row in range(rows)]
    labels = [label if row in right else 1 - label for row, label in enumerate(truth)]
    return Evaluation(spec.columns.target, truth, labels, np.array([[0.3, 0.7] if label else [0.7, 0.3] for label in labels]))


def recent(spec, ours, theirs, rows=400, left_out=0):
    # the two are wrong about other rows
    first, second = answered(spec, rows, range(round(ours * rows))), answered(spec, rows, range(round((1 - theirs) * rows), rows))
    pair = paired.compare("accuracy", champion=second, challenger=first)
    return Comparison(rows, left_out, {"accuracy": ours}, {"accuracy": theirs}, paired=pair)


def verdict_of(spec, candidate, figure, found, occasion=None):
    """Judge a candidate with this figure on the test rows, where the champion has .9, and this comparison on recent rows."""
    on_test_rows = Comparison(184, 0, {"accuracy": figure}, {"accuracy": 0.9})
    champion = Champion(1, {"accuracy": 0.9}, sample=False, comparison=on_test_rows, recent=found)
    return judge(spec, candidate.model_copy(update={"metrics": {"accuracy": figure}}), champion, occasion=occasion or Occasion())


def test_what_is_better_now_may_be_worse_on_older_rows_within_the_limit(learning, candidate):
    better = recent(learning, 0.8, 0.6)

    passed, refused = (verdict_of(learning, candidate, figure, better) for figure in (0.71, 0.69))

    assert passed.passed
    assert rules_of(passed)["floor"].reason == "accuracy 0.7100 reaches the floor less 0.2, 0.6600"
    assert rules_of(passed)["champion"].reason.startswith("accuracy 0.7100 is no worse than champion version 1 with 0.9000")
    assert [name for name, rule in rules_of(refused).items() if not rule.passed] == ["champion"]


def test_without_a_difference_beyond_chance_older_rows_count_as_always(learning, candidate):
    alike = recent(learning, 0.62, 0.6)

    verdict = verdict_of(learning, candidate, 0.88, alike, Occasion(due="the latest window fell below the floor"))

    assert [name for name, rule in rules_of(verdict).items() if not rule.passed] == ["champion"]
    assert rules_of(verdict)["reason to change"].reason == (
        "it is not shown to be better than champion version 1, but the latest window fell below the floor"
    )


@pytest.mark.parametrize(("due", "stays"), [("", True), ("a person started this release", False)])
def test_a_champion_that_is_as_good_stays_unless_a_change_is_due(learning, candidate, due, stays):
    verdict = verdict_of(learning, candidate, 0.9, recent(learning, 0.61, 0.6), Occasion(due=due))

    assert verdict.passed != stays
    assert ("no alarm stands: it stays" in rules_of(verdict)["reason to change"].reason) == stays


def test_a_candidate_that_is_worse_now_is_refused_however_good_it_was(learning, candidate):
    verdict = verdict_of(learning, candidate, 0.95, recent(learning, 0.55, 0.6, left_out=7), Occasion(due="a person wants it"))

    assert [name for name, rule in rules_of(verdict).items() if not rule.passed] == ["recent rows"]
    assert "accuracy 0.5500 is worse than champion version 1 with 0.6000 on the 400 latest rows" in rules_of(verdict)["recent rows"].reason
    assert "7 that one of the two has learnt from are left out" in rules_of(verdict)["recent rows"].reason


def test_a_challenger_that_is_tried_may_be_worse_now(learning, candidate):
    verdict = verdict_of(learning, candidate, 0.88, recent(learning, 0.55, 0.6), Occasion(to_try=True))

    assert verdict.passed
    assert rules_of(verdict)["recent rows"].reason.endswith("; it is tried anyway")


def test_a_model_that_does_not_learn_is_judged_as_always(heart, candidate):
    verdict = verdict_of(heart, candidate, 0.9, None)

    assert verdict.passed
    assert not {"recent rows", "reason to change"} & rules_of(verdict).keys()


# bundles to rows


@pytest.fixture(scope="module")
def trees(heart, rows, tuned, contract_of, tmp_path_factory):
    """Candidate and champion: trees of other depths, with the rows that each has learnt from."""

    def made(depth, train):
        spec = replace(
            heart, estimator=DecisionTreeClassifier(max_depth=depth, random_state=1), search_space={}, simplest=None, slices={},
            gate=Gate(floor=0.5), learns=Outcomes(fall=0.5),
        )  # fmt: skip
        measured = measure(spec, train, tuned.model_copy(update={"parameters": {}}))
        compiled = compile_model(spec, measured.pipeline)
        probe = Probe(
            rows.test.head(5).astype(object).to_numpy().tolist(),
            measured.evaluation.labels[:5],
            measured.evaluation.probabilities[:5].tolist(),
        )
        contract = contract_of(engine=compiled.engine, columns=contract_columns(spec), metrics=measured.metrics)
        return spec, write(tmp_path_factory.mktemp("bundle"), compiled.files, contract, probe)

    return made


def of_log(rows, places):
    labels = rows.train_labels.iloc[places].reset_index(drop=True)
    return RecentRows(rows.train.iloc[places].reset_index(drop=True), labels, np.ones(len(places)))


def test_rows_that_one_of_the_two_has_learnt_from_judge_neither(heart, rows, candidate, trees):
    places = np.arange(len(rows.train))
    ours = replace(rows, train=rows.train.iloc[:400], train_labels=rows.train_labels.iloc[:400])
    theirs = replace(rows, train=rows.train.iloc[300:500], train_labels=rows.train_labels.iloc[300:500])
    (spec, bundle), (_, champions) = trees(3, ours), trees(1, theirs)
    stored = StoredChampion(champions, learnt(theirs.train))

    found = compare_recent(spec, replace(ours, recent=of_log(rows, places)), bundle, stored)

    new = ~seen(rows.train, learnt(ours.train)) & ~seen(rows.train, learnt(theirs.train))
    assert (found.rows, found.left_out) == (new.sum(), (~new).sum())
    assert new[:500].sum() == 0
    verdict = decide(spec, candidate, bundle, replace(ours, recent=of_log(rows, places)), stored, Occasion(due="a person wants it"))
    assert verdict.recent.rows == new.sum()
    assert "## Champion and candidate on the latest rows with outcomes" in "\n".join(verdict_and_figures(candidate, verdict))


@pytest.mark.parametrize(
    ("places", "known", "why"),
    [
        (range(500, 540), True, "40 rows are set apart that neither of the two has learnt from, which are too few"),
        (range(500, 700), False, "the rows that the champion has learnt from are not known"),
    ],
)
def test_where_too_little_is_known_recent_rows_do_not_judge(rows, candidate, trees, places, known, why):
    ours = replace(rows, train=rows.train.iloc[:400], train_labels=rows.train_labels.iloc[:400])
    spec, bundle = trees(3, ours)
    stored = StoredChampion(bundle, learnt(ours.train) if known else None)

    verdict = decide(spec, candidate, bundle, replace(ours, recent=of_log(rows, list(places))), stored)

    assert (verdict.recent, rules_of(verdict)["recent rows"].reason) == (None, f"it cannot be judged by outcomes: {why}")
