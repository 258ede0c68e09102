"""A declaration that cannot be true is refused when the file is imported, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from optuna.distributions import FloatDistribution

from slipway.errors import SpecError
from slipway.spec import Category, Columns, Dataset, Difference, Drift, Gate, ModelSpec, Numeric, Simplest, Split, Target, Watch

SIZE = Numeric(0, 100, "cm", "Size")
SHOP = Numeric(1, 6, "code", "Shop", integer=True, nominal=True)
WANTED = Target("wanted", {0: "left", 1: "wanted"}, positive=1)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Numeric(10, 10, "cm", "Size"), "'Size': the range 10 to 10 is empty"),
        (lambda: Numeric(11, 10, "cm", "Size"), "'Size': the range 11 to 10 is empty"),
        (lambda: Numeric(0, float("nan"), "cm", "Size"), "'Size': the range 0 to nan is empty"),
        (lambda: Numeric(high=float("inf"), description="Size"), "'Size': high=inf is not a number; leave high out"),
        (lambda: Numeric(low=float("nan"), description="Size"), "'Size': low=nan is not a number; leave low out"),
        (lambda: Split(0.2, -1, False), "seed=-1: expected a whole number from 0 to 4,294,967,295"),
        (lambda: Numeric(1, 6, "code", "Shop", nominal=True), "'Shop': nominal numbers are whole: set integer=True"),
        (lambda: Numeric(1, 6.5, "code", "Shop", integer=True, nominal=True), "'Shop': nominal numbers are whole"),
        (lambda: Numeric(0, 6, "code", "Shop", True, zero_is_missing=True, nominal=True), "'Shop': a nominal number has no median"),
        (
            lambda: Columns({"shop": SHOP}, WANTED, derived={"less": Difference("shop", "shop")}),
            r"less is derived from \['shop'\], which are nominal",
        ),
        (lambda: Category(("red",), "Colour"), r"'Colour': a category needs two or more different values, not \['red'\]"),
        (lambda: Category(("red", "red"), "Colour"), "'Colour': a category needs two or more different values"),
        (lambda: Target("wanted", {1: "wanted"}, positive=1), "target wanted: a classifier needs two classes or more"),
        (lambda: Target("wanted", {1: "wanted", 0: "left"}, positive=1), r"list the classes in sorted order.*\[0, 1\]"),
        (lambda: Target("wanted", {"b": "B", 1: "one"}), "target wanted: the classes are all whole numbers or all texts"),
        (
            lambda: Target("wanted", {0: "left", 1: "wanted"}),
            "target wanted: of two classes one is positive: write positive=0 or positive=1",
        ),
        (lambda: Target("wanted", {0: "left", 1: "wanted"}, positive=2), r"positive=2 is not one of \[0, 1\]"),
        (
            lambda: Columns({"size": SIZE}, SIZE),
            r"Columns: target=Numeric\(.*\) is a Numeric; expected Target\(...\) or Quantity\(...\)\. Write Target\(...\) or Quantity",
        ),
        (lambda: Columns({}, WANTED), "at least one feature"),
        (lambda: Columns({"size": SIZE, "wanted": SIZE}, WANTED), "the target wanted is among the features"),
        (lambda: Columns({"size": SIZE}, WANTED, {"size": "a reason"}), r"\['size'\] are both used and excluded"),
        (lambda: Columns({"size": SIZE}, WANTED, {"wanted": "a reason"}), r"\['wanted'\] are both used and excluded"),
        (lambda: Dataset("http://a/toy.csv", "0" * 63, "toy.csv"), "http://a/toy.csv: sha256 must be 64 lower-case hexadecimal digits"),
        (lambda: Dataset("gs://a/toy.csv", "0" * 64, "toy.csv"), "the origin gs://a/toy.csv begins with gs://"),
        (lambda: Dataset("https://a-token@b/toy.csv", "0" * 64, "toy.csv"), "the origin must not contain a password, a token"),
        (lambda: Dataset("dvc+https://a/b.git#toy.csv", "0" * 64, "toy.csv"), r"does not name a repository, a revision and a path"),
        (lambda: Dataset("http://a/toy.csv", "A" * 64, "toy.csv"), "sha256 must be 64 lower-case hexadecimal digits"),
        (lambda: Split(0.0, 1, True), "test=0.0: the share of test rows must be between 0 and 1"),
        (lambda: Split(1.0, 1, True), "test=1.0: the share of test rows must be between 0 and 1"),
        (lambda: Gate(0.9, -0.1), "tolerance=-0.1 must not be negative"),
    ],
)
def test_a_part_that_cannot_be_true_is_refused_with_its_values(declare: Callable[[], Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        declare()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search_space": {"depth": FloatDistribution(0, 1)}}, r"LogisticRegression has no parameter \['depth'\]"),
        (
            {"search_space": {"preparation.magic": FloatDistribution(0, 1)}},
            r"\['preparation.magic'\].*one of \['indicator', 'missing', 'scale', 'zeros'\]",
        ),
        ({"metric": "speed"}, "metric='speed' is not measured for this target; use one of accuracy, "),
        ({"metric": "roc_auc_ovr"}, "metric='roc_auc_ovr' is not measured for this target"),
        ({"port": 0}, "port=0 is not a port"),
        ({"port": 65_536}, "port=65536 is not a port"),
        ({"trials": 0}, "trials=0, folds=5, repeats=1"),
        ({"folds": 1}, "trials=2, folds=1, repeats=1"),
        ({"repeats": 0}, "trials=2, folds=5, repeats=0"),
        ({"watch": Watch(columns={"depth": Drift()})}, r"watch.columns names \['depth'\], which are not features"),
        ({"watch": Watch(columns={"colour": Drift(test="ks")})}, r"watch.columns: the distance or test of \['colour'\] compares columns"),
        (
            {"watch": Watch(columns={"size": Drift(test="homogeneity")})},
            r"the distance or test of \['size'\] compares columns of the other",
        ),
        ({"watch": Watch(prediction=Drift(distance="wasserstein"))}, "watch.prediction: labels are categories"),
        ({"trusted": ("Booster",)}, r"trusted names 'Booster', which is no type in a module; write, for example, \"lightgbm\.sklearn"),
        ({"trusted": ("lightgbm basic.Booster",)}, "trusted names 'lightgbm basic.Booster', which is no type in a module"),
        ({"trusted": ("a.B", "c.D", "a.B")}, "trusted names 'a.B' twice; once is enough"),
        ({"trusted": "lightgbm.basic.Booster"}, "trusted='lightgbm.basic.Booster' is a text"),
        ({"simplest": Simplest("depth", "low")}, r"simplest names 'depth', which is not in the search space \['C'\]"),
    ],
)
def test_a_model_that_cannot_be_true_is_refused_under_its_name(toy: ModelSpec, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=f"toy: .*{message}"):
        replace(toy, **changes)


@pytest.mark.parametrize("name", ["", "-", "Toy", "toy box", "toy_box", "toy/box", "größe"])
def test_a_name_that_cannot_be_part_of_an_address_is_refused(toy: ModelSpec, name: str) -> None:
    with pytest.raises(SpecError, match="a model's name is lower-case letters, digits and hyphens"):
        replace(toy, name=name)


def test_a_figure_of_two_classes_is_refused_for_three(toy: ModelSpec) -> None:
    columns = replace(toy.columns, target=Target("wanted", {0: "left", 1: "wanted", 2: "loved"}))

    assert replace(toy, columns=columns, metric="roc_auc_ovr").metric == "roc_auc_ovr"
    with pytest.raises(SpecError, match=r"metric='recall' is not measured for this target; use one of .*roc_auc_ovr"):
        replace(toy, columns=columns, metric="recall")


def test_a_model_cannot_be_changed_after_it_was_declared(toy: ModelSpec) -> None:
    parts = [(toy, "port"), (toy.gate, "floor"), (toy.split, "seed"), (toy.dataset, "sha256"), (toy.columns, "target")]
    for part, name in parts:
        with pytest.raises(FrozenInstanceError):
            setattr(part, name, None)
    mappings: list[Any] = [toy.search_space, toy.columns.features, toy.columns.excluded, toy.columns.target.classes]
    for mapping in mappings:
        with pytest.raises(TypeError, match="does not support item assignment"):
            mapping["new"] = None


def test_a_mapping_changed_by_its_maker_does_not_change_the_model(toy: ModelSpec) -> None:
    space = {"C": FloatDistribution(0.1, 1)}
    model = replace(toy, search_space=space)

    space["depth"] = FloatDistribution(0, 1)

    assert set(model.search_space) == {"C"}


def test_columns_are_grouped_by_kind_in_the_order_of_their_declaration(toy: ModelSpec) -> None:
    assert toy.columns.names == ["size", "weight", "colour"]
    assert list(toy.columns.numeric) == ["size", "weight"]
    assert list(toy.columns.categorical) == ["colour"]
    assert toy.columns.file_columns == ["size", "weight", "colour", "wanted", "id"]
