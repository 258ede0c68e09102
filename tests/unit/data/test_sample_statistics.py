"""Statistics of rows of any kind: kept beside the model's file, without a row and without what few rows share, and drawn from again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slipway import models
from slipway.catalogue import lookup
from slipway.data.sample_statistics import FEWEST, PROJECT, keep, place
from slipway.data.samples import MOST_ROWS, draw, generate
from slipway.data.snapshots import SAMPLE_TABLE
from slipway.data.validation import validate
from slipway.errors import DeclinedError, StorageError
from slipway.spec import CSV, Boolean, Category, Columns, Date, ModelSpec, Numeric, Quantity, Split, Target

ROWS = 3_000


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own models."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(folder)])
    return folder


@pytest.fixture(scope="module")
def stays(toy: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelSpec, Path]:
    """A table with a column of each kind, all with gaps where they may have them."""
    random = np.random.default_rng(5)

    def gaps(cells: object, share: float) -> pd.Series:
        return pd.Series(cells).astype(object).where(random.random(ROWS) >= share)

    ill = random.random(ROWS) < 0.3
    days = pd.Timestamp("2025-01-01") + pd.to_timedelta(random.integers(0, 300, ROWS), "D")
    towns = random.choice(["Jaén", "Cádiz"], ROWS).astype(object)
    towns[:7] = [f"hamlet {number}" for number in range(7)]
    rows = pd.DataFrame(
        {
            "age": random.integers(18, 95, ROWS),
            "dose": gaps((random.gamma(2, 1, ROWS) * 1e-8).round(10), 0.25),
            "urgent": gaps(np.where(ill, "yes", "no"), 0.1),
            "admitted": days.strftime("%d/%m/%Y"),
            "town": gaps(towns, 0.2),
            "pain": gaps(random.choice(["none", "mild", "severe"], ROWS, p=[0.5, 0.499, 0.001]), 0.05),
            "ill": np.where(ill ^ (random.random(ROWS) < 0.2), "yes", "no"),
            "cost": random.lognormal(5, 1, ROWS).round(2),
        }
    )
    path = tmp_path_factory.mktemp("stays") / "stays.csv"
    rows.to_csv(path, index=False, sep=";")
    columns = Columns(
        features={
            "age": Numeric(0, 120, "years", "Age", integer=True),
            "dose": Numeric(0, 1, "g", "Dose", missing=True),
            "urgent": Boolean("Urgent", missing=True),
            "admitted": Date("Admitted", format="%d/%m/%Y"),
            "town": Category(("Jaén", "Cádiz"), "Town", missing=True, other=True),
            "pain": Category(("none", "mild", "severe"), "Pain", missing=True, ordered=True),
        },
        target=Target("ill", {"no": "well", "yes": "ill"}, positive="yes"),
        excluded={"cost": "another target"},
    )
    dataset = replace(toy.dataset, table=CSV(separator=";"))
    return replace(toy, name="ward-stay", registered_as="ward_stay", dataset=dataset, columns=columns), path


def test_every_kind_is_drawn_as_often_as_it_occurs_gaps_and_unlisted_texts_too(own: Path, stays: tuple[ModelSpec, Path], tmp_path: Path):
    spec, path = stays
    rows = validate(spec, path)

    kept = keep(spec, rows)
    drawn = validate(spec, generate(spec, tmp_path).path, SAMPLE_TABLE)

    assert kept.path == own / "ward_stay.statistics.json"
    assert len(drawn) <= MOST_ROWS
    for name in ("dose", "urgent", "town", "pain"):
        assert drawn[name].isna().mean() == pytest.approx(rows[name].isna().mean(), abs=0.03)
    assert drawn["dose"].median() == pytest.approx(rows["dose"].median(), rel=0.1)  # small numbers are not rounded to zero
    assert drawn["age"].mean() == pytest.approx(rows["age"].mean(), abs=2)
    assert drawn["urgent"].mean() == pytest.approx(rows["urgent"].mean(), abs=0.04)
    assert (drawn["ill"] == "yes").mean() == pytest.approx((rows["ill"] == "yes").mean(), abs=0.01)
    assert set(drawn["town"].dropna()) <= {"Jaén", "Cádiz", "another value"}
    assert set(drawn["pain"].dropna()) >= {"none", "mild"}
    assert rows["admitted"].min() <= drawn["admitted"].min() < drawn["admitted"].max() <= rows["admitted"].max()


def test_a_number_to_predict_is_drawn_in_its_bands(own: Path, stays: tuple[ModelSpec, Path], tmp_path: Path):
    spec, path = stays
    columns = replace(spec.columns, target=Quantity("cost", "EUR", "Cost", low=0), excluded={"ill": "another target"})
    numbers = replace(spec, columns=columns, split=Split(test=0.2, seed=1, stratify=False), **_regression(spec))
    rows = validate(numbers, path)
    keep(numbers, rows)

    drawn = validate(numbers, generate(numbers, tmp_path).path, SAMPLE_TABLE)

    assert len(drawn) <= MOST_ROWS
    assert drawn["cost"].median() == pytest.approx(rows["cost"].median(), rel=0.1)


def _regression(spec: ModelSpec) -> dict[str, object]:
    from sklearn.linear_model import Ridge

    gate = replace(spec.gate, floor=100.0)
    return {"estimator": Ridge(), "search_space": {}, "metric": "mean_absolute_error", "gate": gate, "slices": {}, "baseline": None}


def test_nothing_is_written_that_fewer_than_five_rows_share(own: Path, stays: tuple[ModelSpec, Path]):
    spec, path = stays
    rows = validate(spec, path)
    few = pd.concat([rows[rows["ill"] == "no"].head(400), rows[(rows["ill"] == "yes") & rows["dose"].notna()].head(3)])

    kept = keep(spec, few)

    text = kept.path.read_text()
    assert "hamlet" not in text
    for group, known in kept.facts["classes"].items():
        part = few[few["ill"] == group] if group == "no" else few  # three rows are too few: the columns are those of all rows
        columns = known["columns"]
        counts = [
            *columns["pain"]["present"].values(),
            *columns["urgent"]["present"].values(),
            *columns["town"]["present"]["values"].values(),
        ]
        assert not [count for count in counts if 0 < count < FEWEST]
        lowest, highest = columns["age"]["quantiles"][0], columns["age"]["quantiles"][-1]
        ages = part["age"].sort_values()
        assert (lowest, highest) == (pytest.approx(ages.head(FEWEST).mean()), pytest.approx(ages.tail(FEWEST).mean()))
    assert draw(spec, kept.facts)["ill"].value_counts().to_dict() == {"no": 400, "yes": 3}


def test_derived_again_they_are_the_same_bytes(own: Path, stays: tuple[ModelSpec, Path]):
    spec, path = stays
    rows = validate(spec, path)

    first, again = keep(spec, rows), keep(spec, rows)

    assert (first.changed, again.changed) == (True, False)
    assert json.loads(first.path.read_text()) == first.facts


def test_those_of_the_projects_models_stay_in_the_project_and_a_challenger_shares_those_it_challenges(
    own: Path, stays: tuple[ModelSpec, Path]
):
    challenger = replace(stays[0], name="ward-trees", challenges="ward-stay")

    assert place(lookup("heart-failure")) == place(lookup("heart-failure-boosting")) == PROJECT / "heart.json"
    assert place(challenger) == place(stays[0]) == own / "ward_stay.statistics.json"


def test_a_model_whose_file_has_changed_since_says_which_column(own: Path, stays: tuple[ModelSpec, Path], tmp_path: Path):
    spec, path = stays
    keep(spec, validate(spec, path))
    features = dict(spec.columns.features)

    for name, kind in {"age": Boolean("Age"), "bmi": Numeric(0, 90, "", "BMI"), "town": Category(("a", "b"), "Town", missing=True)}.items():
        changed = replace(spec, columns=replace(spec.columns, features=features | {name: kind}))
        with pytest.raises(DeclinedError, match=rf"does not fit column '{name}' of ward_stay.py\. Derive .*slipway samples"):
            generate(changed, tmp_path)
    with pytest.raises(DeclinedError, match="does not fit column 'ill'"):
        generate(replace(spec, columns=replace(spec.columns, target=Target("ill", {0: "a", 1: "b"}, positive=1))), tmp_path)


def test_a_model_without_statistics_names_the_command(own: Path, stays: tuple[ModelSpec, Path], tmp_path: Path):
    with pytest.raises(DeclinedError, match=r"ward-stay: there are no statistics to draw sample rows from.*`slipway samples ward-stay`"):
        generate(stays[0], tmp_path)


def test_a_folder_that_is_gone_is_one_sentence(own: Path, stays: tuple[ModelSpec, Path]):
    spec, path = stays
    rows = validate(spec, path)
    own.rmdir()

    with pytest.raises(StorageError, match=r"ward-stay: the statistics cannot be written to .*ward_stay.statistics.json \(No such file"):
        keep(spec, rows)
