"""A field that is missing, unknown or of the wrong type is refused in a sentence that says which one, what is expected, and the way out."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args, get_type_hints

import pytest
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import _validate_model_name
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from slipway import spec
from slipway.errors import SpecError
from slipway.spec import (
    CSV,
    Card,
    Category,
    Columns,
    Dataset,
    Date,
    Drift,
    Gate,
    ModelSpec,
    Numeric,
    Preparation,
    Quantity,
    Schedule,
    Season,
    Split,
    Target,
    Watch,
    WeightedMean,
)
from slipway.spec.names import LONGEST_NAME, LONGEST_REGISTERED_NAME

MODEL_FIELDS = [field.name for field in fields(ModelSpec)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gate": 0.9}, r"gate=0\.9 is a number; expected Gate\(\.\.\.\)\. Write Gate\(\.\.\.\)\."),
        ({"port": "21820"}, r"port='21820' is a text; expected a whole number\. Write it without quotation marks\."),
        ({"port": 21820.5}, "port=21820.5 is a number; expected a whole number"),
        ({"port": True}, r"port=True is a boolean; expected a whole number\. Write 1\."),
        (
            {"estimator": LogisticRegression},
            r"estimator=LogisticRegression is a class; expected an estimator .* Write LogisticRegression\(\)",
        ),
        ({"estimator": "LogisticRegression"}, "estimator='LogisticRegression' is a text; expected an estimator"),
        ({"gate": Gate}, r"gate=Gate is a class; expected Gate\(\.\.\.\)\. Write Gate\(\.\.\.\)\."),
        ({"metric": ["accuracy"]}, r"metric=\['accuracy'\] is a list; expected a text"),
        ({"metric": None}, r"metric=None; expected a text\. Give a value\."),
        ({"description": 3}, r"description=3 is a whole number; expected a text\. Put it in quotation marks\."),
        ({"trials": None}, r"trials=None; expected a whole number\. Leave it out to use the default\."),
        ({"search": "random"}, "search='random'; expected one of 'tpe', 'grid'"),
        ({"search_space": {"C": (0.1, 10)}}, r"search_space\['C'\]=\(0\.1, 10\) is a tuple; expected a distribution of Optuna"),
        (
            {"search_space": FloatDistribution(0.1, 1)},
            "search_space=FloatDistribution.* expected a dictionary from a text to a distribution",
        ),
        ({"slices": {"size": [20]}}, r"slices\['size'\]=\[20\] is a list; expected a tuple of numbers\. Write \(20,\)\."),
        ({"slices": {"size": ("20",)}}, r"slices\['size'\]\[0\]='20' is a text; expected a number"),
        ({"slices": ["colour"]}, r"slices=\['colour'\] is a list; expected a dictionary from a text to a tuple of numbers"),
        ({"schedules": Schedule("a", "0 3 * * *", "UTC")}, r"schedules=Schedule.* expected a tuple of Schedule\(\.\.\.\)"),
        ({"challenges": 3}, "challenges=3 is a whole number; expected a text or None"),
        ({"approval": "yes"}, "approval='yes' is a text; expected True or False"),
        ({"watch": Drift()}, r"watch=Drift.* is a Drift; expected Watch\(\.\.\.\)"),
        ({"prot": 8001}, "prot is no field of ModelSpec; write port"),
        ({"zzz": 8001}, "zzz is no field of ModelSpec; the fields are name, registered_as"),
    ],
)
def test_a_field_of_the_wrong_type_is_refused_under_the_model_s_name(toy: ModelSpec, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=f"^toy: {message}"):
        replace(toy, **changes)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Gate(floor="0.9"), r"Gate: floor='0\.9' is a text; expected a number\. Write it without quotation marks\."),
        (lambda: Gate(), r"Gate: floor is missing; Gate\(\.\.\.\) needs it"),
        (lambda: Gate(0.9, 0.1, floor=0.8), "Gate: floor has two values, one by its place and one by its name"),
        (
            lambda: Season("a", "12-15", "01-01", "b"),
            "Season: at most 3 values may be without a name, received 4; name each one: name",
        ),
        (lambda: Numeric("0", 120), r"Numeric: low='0' is a text; expected a number or None"),
        (lambda: Category(["a", "b"], "X"), r"Category: values=\['a', 'b'\] is a list; expected a tuple of texts\. Write \('a', 'b'\)"),
        (lambda: Category("a", "X"), r"Category: values='a' is a text; expected a tuple of texts\. Write \('a',\)"),
        (lambda: Category(("a", 1), "X"), r"Category: values\[1\]=1 is a whole number; expected a text"),
        (lambda: Split(test=0.2, seed=None, stratify=True), "Split: seed=None; expected a whole number"),
        (lambda: Split(test=0.2, seed=1, stratify="no"), "Split: stratify='no' is a text; expected True or False"),
        (lambda: Columns({"a": 3}, WANTED), r"Columns: features\['a'\]=3 is a whole number; expected Numeric\(\.\.\.\), Category"),
        (lambda: Columns({"a": Numeric}, WANTED), r"Columns: features\['a'\]=Numeric is a class; .* Write Numeric\(\.\.\.\)"),
        (lambda: Columns({1: Numeric()}, WANTED), "Columns: the key 1 of features is a whole number; expected a text"),
        (lambda: Columns({"a": Numeric()}, None), r"Columns: target=None; expected Target\(\.\.\.\) or Quantity"),
        (
            lambda: Target("wanted", {True: "a", False: "b"}, True),
            "Target: the key True of classes is a boolean; expected a whole number or",
        ),
        (lambda: Quantity("price", None, "Price"), "Quantity: unit=None; expected a text"),
        (lambda: Dataset("a.csv", None, "a.csv"), "Dataset: sha256=None; expected a text"),
        (lambda: Dataset("a.csv", "0" * 64, "a.csv", table=CSV), r"Dataset: table=CSV is a class; .* Write CSV\(\.\.\.\)"),
        (lambda: Schedule("nightly", 3, "UTC"), "Schedule: cron=3 is a whole number; expected a text"),
        (lambda: Watch(columns={"Age": 0.3}), r"Watch: columns\['Age'\]=0\.3 is a number; expected Drift\(\.\.\.\)"),
        (lambda: Watch(rows=0.5), "Watch: rows=0.5 is a number; expected a whole number"),
        (lambda: Card("a", "b", "quirk"), r"Card: quirks='quirk' is a text; expected a tuple of texts\. Write \('quirk',\)"),
        (lambda: Preparation(zeros="drop"), "Preparation: zeros='drop'; expected one of 'keep', 'impute'"),
        (lambda: Preparation(scale=1), "Preparation: scale=1 is a whole number; expected True or False"),
        (lambda: Date("Made", parts="year"), r"Date: parts='year' is a text; expected a tuple of one of 'year', .*Write \('year',\)"),
        (lambda: WeightedMean(["a"]), r"WeightedMean: weights=\['a'\] is a list; expected a dictionary from a text to a number"),
    ],
)
def test_a_part_of_the_wrong_type_is_refused_under_its_class(declare: Callable[[], Any], message: str) -> None:
    with pytest.raises(SpecError, match=f"^{message}"):
        declare()


WANTED = Target("wanted", {0: "left", 1: "wanted"}, positive=1)


@pytest.mark.parametrize("field", MODEL_FIELDS)
@pytest.mark.parametrize("value", [object(), Ellipsis, [None], {1: 2}], ids=["object", "ellipsis", "list", "dictionary"])
def test_no_field_of_a_model_takes_just_anything(toy: ModelSpec, field: str, value: Any) -> None:
    with pytest.raises(SpecError, match=f"{field}.*; expected "):
        replace(toy, **{field: value})


def parts_of(declared: type) -> set[type]:
    """Return a declared class and those of its fields, at every depth."""
    found, waiting = set(), [declared]
    while waiting:
        hint = waiting.pop()
        if isinstance(hint, type) and is_dataclass(hint) and hint not in found:
            found.add(hint)
            waiting += get_type_hints(hint).values()
        waiting += get_args(hint)
    return found


def test_every_class_that_a_model_may_be_made_of_is_checked_when_it_is_made() -> None:
    assert {Gate, Target, Quantity, Numeric, WeightedMean, Schedule, Season, CSV} <= parts_of(ModelSpec)
    for declared in parts_of(ModelSpec):
        assert declared in vars(spec).values(), f"{declared.__name__} is not in slipway.spec, so nobody can declare it"
        with pytest.raises(SpecError, match=f"^{declared.__name__}: nonsense is no field"):
            declared(nonsense=1)


def test_a_model_can_be_copied_and_sent_to_another_process(toy: ModelSpec) -> None:
    assert copy.copy(toy) == replace(toy) == toy
    assert pickle.loads(pickle.dumps(toy.gate)) == toy.gate


# names that MLflow refuses, which it would after the training


@pytest.mark.parametrize(
    "name",
    [
        "team/wine",
        "team:wine",
        "",
        " ",
        "/",
        "..",
        ".",
        "a//b",
        "../wine",
        "a" * 257,
        "wine\n",
        "wine@2",
        "wine",
        "Wine 2.0",
        "größe",
        "a-b_c",
        "...",
    ],
)
def test_a_registered_name_is_refused_where_mlflow_refuses_it_or_cannot_address_it(toy: ModelSpec, name: str) -> None:
    try:
        _validate_model_name(name)
        refused = len(name) > LONGEST_REGISTERED_NAME or not name.isprintable() or "@" in name
    except MlflowException:
        refused = True

    if not refused:
        assert replace(toy, registered_as=name).registered_as == name
        return
    with pytest.raises(SpecError, match=r"toy: registered_as='.*' is no name for a model in MLflow: .* Write, for example, 'toy'"):
        replace(toy, registered_as=name)


@pytest.mark.parametrize("name", ["-toy", "toy-", "a" * (LONGEST_NAME + 1), "toy\n"])
def test_a_name_that_is_no_name_of_a_file_or_an_option_is_refused(toy: ModelSpec, name: str) -> None:
    with pytest.raises(SpecError, match="a model's name is lower-case letters, digits and hyphens"):
        replace(toy, name=name)


# what is impossible together


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"estimator": LinearSVC()}, r"LinearSVC gives no probabilities: .*CalibratedClassifierCV\(LinearSVC\(\.\.\.\)\)"),
        ({"estimator": SGDClassifier(), "search_space": {}}, "SGDClassifier gives no probabilities"),
        ({"estimator": make_pipeline(StandardScaler(), LinearSVC()), "search_space": {}}, "Pipeline gives no probabilities"),
        ({"estimator": StandardScaler(), "search_space": {}}, "StandardScaler gives no probabilities"),
        ({"estimator": KMeans(), "search_space": {}}, "KMeans is of the kind 'clusterer', and the target wanted has classes"),
        (
            {"estimator": SGDClassifier("log_loss"), "search_space": {"loss": CategoricalDistribution(["log_loss", "hinge"])}},
            r"search_space\['loss'\] offers 'hinge': SGDClassifier gives no probabilities",
        ),
        ({"search_space": {"C": FloatDistribution(-5, -1)}}, r"search_space\['C'\] offers -5\.0\. The 'C' parameter .*range \(0\.0, inf\]"),
        ({"search_space": {"l1_ratio": FloatDistribution(0, 2)}}, r"search_space\['l1_ratio'\] offers 2\.0\. The 'l1_ratio' parameter"),
        ({"search_space": {"solver": CategoricalDistribution(["lbfgs", "magic"])}}, r"search_space\['solver'\] offers 'magic'"),
        (
            {"estimator": make_pipeline(PCA(), LogisticRegression()), "search_space": {"pca": CategoricalDistribution([PCA(2), PCA(3)])}},
            r"search_space\['pca'\] offers PCA\(n_components=2\), which a study cannot keep: expected None, True, False",
        ),
        (
            {"estimator": DecisionTreeClassifier(), "search_space": {"max_depth": FloatDistribution(2, 8)}},
            r"search_space\['max_depth'\] offers 2\.0\. The 'max_depth' parameter of DecisionTreeClassifier must be an int",
        ),
        (
            {
                "estimator": make_pipeline(StandardScaler(), LogisticRegression()),
                "search_space": {"logisticregression__C": FloatDistribution(-1, 1)},
            },
            r"search_space\['logisticregression__C'\] offers -1\.0\. The 'C' parameter of LogisticRegression",
        ),
        ({"estimator": LogisticRegression(tol=-1)}, r"estimator=LogisticRegression\(\.\.\.\): The 'tol' parameter"),
        ({"baseline": DecisionTreeClassifier(max_depth=0)}, r"baseline=DecisionTreeClassifier\(\.\.\.\): The 'max_depth' parameter"),
        ({"search_space": {"preparation.scale": CategoricalDistribution(["yes"])}}, "preparation.scale='yes' is not True or False"),
        (
            {"search_space": {"preparation.scale": IntDistribution(0, 1)}},
            r"search_space\['preparation.scale'\] needs CategoricalDistribution",
        ),
        ({"gate": Gate(floor=90)}, r"floor=90: accuracy is 1 at most, so no model could reach it\. Write, for example, 0\.9"),
        ({"gate": Gate(floor=0.9, sample_floor=70)}, r"floor=70: accuracy is 1 at most"),
        ({"gate": Gate(floor=-0.5)}, "floor=-0.5: accuracy is from 0 to 1, so every model would reach it"),
        ({"gate": Gate(floor=0.3), "metric": "neg_log_loss"}, "floor=0.3: neg_log_loss is 0 at most.* Write, for example, -0.3"),
        ({"gate": Gate(floor=0.9, tolerance=5)}, "tolerance=5: accuracy is from 0 to 1, so every loss would be allowed"),
        ({"gate": Gate(floor=0.9, slice_tolerance=2)}, "slice_tolerance=2: accuracy is from 0 to 1"),
    ],
)
def test_what_is_impossible_together_is_refused_when_it_is_read(toy: ModelSpec, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=f"^toy: .*{message}"):
        replace(toy, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"estimator": SVC(C=None), "search_space": {"C": FloatDistribution(0.1, 1), "probability": CategoricalDistribution([True])}},
        {"estimator": CalibratedClassifierCV(LinearSVC()), "search_space": {"estimator__C": FloatDistribution(0.1, 1)}},
        {"gate": Gate(floor=-0.3), "metric": "neg_log_loss"},
        {"gate": Gate(floor=0, tolerance=1)},
    ],
    ids=["a parameter that is searched", "calibrated", "a negated loss", "no demand"],
)
def test_what_is_possible_is_taken(toy: ModelSpec, changes: dict[str, Any]) -> None:
    assert replace(toy, **changes).name == "toy"


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (
            lambda: Target("wanted", {0: "a", 1: "b"}),
            "of two classes one is positive: write positive=0 or positive=1. If the column has more",
        ),
        (lambda: Target("wanted", {0: "a", 1: "b", 2: "c"}, positive=1), "positive=1 applies to two classes only; leave it out"),
        (
            lambda: Target("wanted", {0: "a", 1: "b"}, 1, in_file={0: "no"}),
            r"in_file needs a text for each of \[0, 1\], and no other; see 1",
        ),
        (lambda: Target("wanted", {0: "a", 1: "b"}, 1, in_file={0: "no", 1: "no"}), r"in_file has a text twice: \['no', 'no'\]"),
    ],
)
def test_classes_that_do_not_fit_together_are_refused(declare: Callable[[], Any], message: str) -> None:
    with pytest.raises(SpecError, match=f"target wanted: {message}"):
        declare()
