"""The card says what a person must know, its tables are well formed, and the evidence beside it is JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from sklearn.inspection import permutation_importance
from sklearn.tree import DecisionTreeClassifier

from slipway.records import Snapshot, Tuned
from slipway.spec import Card, Difference, Lookup, ModelSpec, Ratio, WeightedMean
from slipway.training.artifacts import write
from slipway.training.card.card import card
from slipway.training.evidence.evidence import Evidence, TrainedModel, gather
from slipway.training.evidence.importance import importances
from slipway.training.evidence.intervals import LEVEL
from slipway.training.measuring import Measured, measure
from slipway.training.splitting import Rows


@pytest.fixture(scope="module")
def trained(heart: ModelSpec, snapshot: Snapshot, rows: Rows, tuned: Tuned) -> TrainedModel:
    spec = replace(
        heart,
        card=Card("For clinicians, beside their own judgement.", "Not for children.", ("172 rows have Cholesterol 0.",)),
        slices={"Sex": (), "Age": (30.0, 55.0)},
        baseline=DecisionTreeClassifier(max_leaf_nodes=3),
    )
    return TrainedModel(spec, snapshot, tuned, rows, measure(spec, rows, tuned))


@pytest.fixture(scope="module")
def evidence(trained: TrainedModel) -> Evidence:
    return gather(trained)


@pytest.fixture(scope="module")
def text(trained: TrainedModel, evidence: Evidence) -> str:
    return card(trained, evidence, "c0ffee")


def test_the_card_says_purpose_rows_figures_threshold_and_versions(text: str, trained: TrainedModel) -> None:
    assert "## What it is for\n\nFor clinicians, beside their own judgement.\n" in text
    assert "## What it is not for\n\nNot for children.\n" in text
    assert "- 172 rows have Cholesterol 0." in text
    assert f"918 rows from `sample:heart-failure`, sha256 `{trained.snapshot.sha256}`." in text
    assert "734 training rows and 184 test rows (20%), seed 42, each class keeps its share." in text
    assert "| `RestingBP` | mm Hg | 0 to 300 whole; 0 = missing |" in text
    assert "cross-validated accuracy 0.8700" in text
    assert "*heart disease* if it is the likelier class" in text
    assert re.search(r"\| python \| 3\.\d+\.\d+ \|", text)
    assert "| git commit | `c0ffee` |" in text


def test_figures_are_shown_with_their_interval_and_the_baselines(text: str, trained: TrainedModel) -> None:
    low, high = trained.measured.evaluation.exact_intervals(LEVEL)["accuracy"]
    ours, theirs = trained.measured.metrics["accuracy"], trained.measured.baselines["reference"]["accuracy"]

    assert f"| **accuracy** | {ours:.4f} | {low:.4f} to {high:.4f} | {102 / 184:.4f} | {theirs:.4f} |" in text
    assert "`reference` is `DecisionTreeClassifier(max_leaf_nodes=3)`" in text
    assert "percentile bootstrap, 1,000 resamples" in text


def test_slices_carry_their_rows_and_the_small_ones_a_mark(text: str, trained: TrainedModel) -> None:
    women = int((trained.rows.test["Sex"] == "F").sum())
    young = int((trained.rows.test["Age"] < 30).sum())
    assert women >= 20 > young

    assert re.search(rf"\| Sex = F \| {women} \|.*\|  \|\n", text)
    assert re.search(rf"\| Age < 30 \| {young} \|.*\| too few rows to judge \|\n", text)
    assert "- Too few test rows to judge: Age < 30." in text


def test_sample_rows_warn_and_real_rows_do_not(text: str, trained: TrainedModel, evidence: Evidence) -> None:
    real = replace(trained, snapshot=trained.snapshot.model_copy(update={"sample": False, "origin": "https://rows.example/heart.csv"}))

    assert "**Trained on sample rows: not for use on patients or customers.**" in text
    assert "sample rows" not in card(real, evidence, "c0ffee").lower()


def test_the_limits_name_a_simpler_model_that_is_as_good_within_chance(trained: TrainedModel, evidence: Evidence) -> None:
    measured = replace(trained.measured, baselines={"reference": trained.measured.metrics})

    assert "- The simpler model `reference` is within the interval of accuracy" in card(replace(trained, measured=measured), evidence, "")


def test_a_chosen_threshold_and_a_missing_card_are_shown(trained: TrainedModel, evidence: Evidence) -> None:
    other = replace(trained, spec=replace(trained.spec, card=None, slices={}), tuned=trained.tuned.model_copy(update={"threshold": 0.3125}))

    text = card(other, replace(evidence, slices=[]), "c0ffee")

    assert "*heart disease* from a probability of 0.3125, chosen for the best accuracy by cross-validation" in text
    assert "Not stated: declare `card=Card(...)` in the model's file, `heart_failure.py`." in text
    assert "The spec names no slices." in text


def test_types_that_the_models_file_trusts_are_shown(trained: TrainedModel, evidence: Evidence) -> None:
    trusting = replace(trained, spec=replace(trained.spec, trusted=("lightgbm.basic.Booster",)))

    assert "## Types that its file trusts\n\nBeside the types of Slipway's own list" in card(trusting, evidence, "c0ffee")
    assert "may contain: `lightgbm.basic.Booster`." in card(trusting, evidence, "c0ffee")
    assert "trusts" not in card(trained, evidence, "c0ffee")


def test_derived_and_excluded_columns_are_shown(trained: TrainedModel, evidence: Evidence) -> None:
    columns = replace(
        trained.spec.columns,
        derived={"reserve": Difference("MaxHR", "Age"), "load": WeightedMean({"RestingBP": 0.5, "MaxHR": 0.25})},
        excluded={"Name": "names the | patient"},
    )

    text = card(replace(trained, spec=replace(trained.spec, columns=columns)), evidence, "c0ffee")

    assert "`reserve` = `MaxHR` - `Age`, instead of `MaxHR`; `load` = 0.5 `RestingBP` + 0.25 `MaxHR`." in text
    assert "| left out | because |\n|---|---|\n| `Name` | names the \\| patient |" in text


def test_a_ratio_and_a_lookup_are_shown(trained: TrainedModel, evidence: Evidence) -> None:
    derived = {"beats": Ratio("MaxHR", "Age"), "risk": Lookup("Sex", {"M": 1.5, "F": 1.0}, instead=True)}
    columns = replace(trained.spec.columns, derived=derived)

    text = card(replace(trained, spec=replace(trained.spec, columns=columns)), evidence, "c0ffee")

    assert "`beats` = `MaxHR` / `Age` (missing where that is 0); " in text
    assert "; `risk` = the number of `Sex` in a table of 2 values, instead of `Sex`." in text


def test_every_table_has_as_many_cells_in_each_row(text: str) -> None:
    tables = re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE)

    assert len(tables) >= 6
    assert all(len({line.replace(r"\|", "").count("|") for line in table.splitlines()}) == 1 for table in tables)


def test_importance_names_every_raw_column_largest_first_the_same_each_time(trained: TrainedModel, evidence: Evidence) -> None:
    found = evidence.importances

    assert {item.column for item in found} == set(trained.spec.columns.names)
    assert [item.mean for item in found] == sorted((item.mean for item in found), reverse=True)
    assert found == importances(trained.spec, trained.rows, trained.measured)


@pytest.mark.slow
def test_importance_agrees_with_scikit_learns(trained: TrainedModel, evidence: Evidence) -> None:
    rows, names = trained.rows, trained.spec.columns.names
    theirs = permutation_importance(
        trained.measured.pipeline, rows.test, rows.test_labels, scoring="accuracy", n_repeats=20, random_state=1
    ).importances_mean

    ours = {item.column: item.mean for item in evidence.importances}
    # another shuffling: means over 5 and 20 repeats differ by their standard errors, of which no column's exceeds 0.01 here
    assert [ours[name] for name in names] == pytest.approx(list(theirs), abs=0.03)


def test_importance_by_a_metric_of_probabilities_asks_for_probabilities(heart: ModelSpec, rows: Rows, measured: Measured) -> None:
    found = importances(replace(heart, metric="roc_auc"), rows, measured)

    assert found[0].mean > 0.01
    assert all(item.mean < 0.5 for item in found)  # a shuffled column leaves chance at worst: 0.5 of an area of at most 1


def test_everything_is_written_and_readable(trained: TrainedModel, tmp_path: Path) -> None:
    write(trained, tmp_path, "c0ffee")

    assert sorted(path.stem for path in (tmp_path / "plots").iterdir()) == [
        "calibration",
        "confusion_matrix",
        "permutation_importance",
        "precision_recall",
        "roc",
    ]
    figures = json.loads((tmp_path / "evidence" / "figures.json").read_text())
    assert figures["figures"] == pytest.approx(trained.measured.metrics)
    assert set(figures["intervals"]) == set(figures["figures"])
    assert figures["slices"][0]["name"] == "Sex = M"
    profile = json.loads((tmp_path / "evidence" / "profile.json").read_text())
    age, target = profile["training"]["Age"], profile["test"]["HeartDisease"]
    assert (age["count"], age["missing"], target["counts"]) == (734, 0, {"1": 102, "0": 82})
    assert age["mean"] == pytest.approx(trained.rows.train["Age"].mean())
    assert "| Age | training | 734 | 0 |" in (tmp_path / "evidence" / "profile.md").read_text()
