"""Everything that is wrong with model files is found at once, each fault with its line, and only the files themselves are executed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway import models
from slipway.catalogue.faults import FileFault, chosen, faults
from slipway.errors import SpecError

WARD = """\"\"\"How long a patient stays.\"\"\"

from optuna.distributions import FloatDistribution
from sklearn.linear_model import LogisticRegression

from slipway.spec import Category, Columns, Dataset, Gate, ModelSpec, Numeric, Split, Target

FEATURES = {
    "age": Numeric(0, 120, "years", "Age", integer=True),
    "sex": Category(("f", "m"), "Sex"),
}

MODEL = ModelSpec(
    name="ward-stay",
    registered_as="ward_stay",
    description="Whether a patient stays for more than a week.",
    dataset=Dataset(origin="stays.csv", sha256="0" * 64, file="stays.csv"),
    columns=Columns(features=FEATURES, target=Target("long", {0: "short", 1: "long"}, positive=1)),
    split=Split(test=0.2, seed=42, stratify=True),
    estimator=LogisticRegression(),
    search_space={
        "C": FloatDistribution(0.01, 10),
    },
    metric="accuracy",
    gate=Gate(
        floor=0.8,
    ),
    port=8990,
    slices={
        "age": (40.0, 60.0),
        "sex": (),
    },
)
"""

Check = Callable[..., list[tuple[str, int, str]]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Write files, and return what is wrong with them: the file's name, the line and the message."""

    def checked(**contents: str) -> list[tuple[str, int, str]]:
        for name, content in contents.items():
            (tmp_path / f"{name}.py").write_text(content)
        found = faults(chosen([tmp_path]))
        return [(str(Path(fault.file).relative_to(tmp_path)), fault.line, fault.message) for fault in found]

    return checked


def line(text: str, content: str = WARD) -> int:
    return next(number for number, one in enumerate(content.splitlines(), 1) if text in one)


def test_a_file_with_nothing_wrong_has_no_fault_and_leaves_nothing_behind(check: Check, tmp_path: Path) -> None:
    path, modules = list(models.__path__), set(sys.modules)

    assert check(ward_stay=WARD) == []
    assert os.listdir(tmp_path) == ["ward_stay.py"]
    assert models.__path__ == path
    assert {name for name in set(sys.modules) - modules if name.startswith("slipway.models")} == set()


def test_all_faults_of_all_files_are_found_each_in_its_line(check: Check) -> None:
    wrong = (
        WARD.replace("Numeric(0,", "Numeric('0',")
        .replace('("f", "m")', '["f", "m"]')
        .replace("=0.2", "=20")
        .replace("LogisticRegression()", "LogisticRegression")
        .replace('"ward_stay",', '"team/ward",')
        .replace("8990", '"8990"')
        .replace("(40.0, 60.0)", "[40.0]")
        .replace("floor=0.8,", "flor=0.8,")
    )

    found = check(ward_stay=wrong, other="MODEL = 3\n", shut="MODEL = (\n")

    assert [(file, number) for file, number, _ in found] == [
        ("other.py", 1),
        ("shut.py", 1),
        *(
            ("ward_stay.py", line(text))
            for text in ('"age": N', '"sex": C', "registered_as", "split=", "estimator=", "floor=", "port=", '"age": (')
        ),
    ]
    assert all("\n" not in str(FileFault(*fault)) for fault in found)


@pytest.mark.parametrize(
    ("before", "after", "place", "message"),
    [
        ("FloatDistribution(0.01, 10)", "FloatDistribution(-5, -1)", '"C":', "ward-stay: search_space['C'] offers -5.0. The 'C' parameter"),
        ("floor=0.8", "floor=80", "gate=", "ward-stay: floor=80: accuracy is 1 at most"),
        ("floor=0.8", "floor=0.8, tolerance=-1", "floor=", "tolerance=-1 must not be negative"),
        ('"sex": ()', '"sex": (1.0,)', '"sex": (', "ward-stay: slices['sex']=(1.0,) needs ascending edges"),
        ("port=8990", "port=0", "port=", "ward-stay: port=0 is not a port"),
        ("port=8990", "prot=8990", "port=", "ward-stay: prot is no field of ModelSpec; write port."),
        ('metric="accuracy"', 'metric="r2"', "metric=", "ward-stay: metric='r2' is not measured for this target"),
        ("LogisticRegression()", "LogisticRegression(tol=-1)", "estimator=", "ward-stay: estimator=LogisticRegression(...): The 'tol'"),
        (", positive=1", "", "columns=", "target long: of two classes one is positive"),
        ("port=8990", "port=8001", "port=", "heart_failure.py has port=8001 too; give one of the two another."),
        ("port=8990", "port=8990, challenges='nobody'", "port=", "challenges='nobody' is no model with a service of its own"),
        ("from sklearn", "import nowhere  # from sklearn", "from sklearn", "ModuleNotFoundError: No module named 'nowhere'"),
        ("FEATURES = {", "FEATURES = 1 / 0 or {", "FEATURES = ", "ZeroDivisionError: division by zero"),
        ("FEATURES = {", "FEATURES = __import__('sys').exit('no') or {", "FEATURES = ", "SystemExit: no"),
        ("FEATURES = {", "FEATURES = {{", "FEATURES = ", "SyntaxError: '{' was never closed"),
        ("MODEL = ", "SPEC = ", '"""How', "it declares no MODEL = ModelSpec(...). Write MODEL in place of SPEC."),
    ],
)
def test_a_fault_is_named_in_its_line(check: Check, before: str, after: str, place: str, message: str) -> None:
    [(file, number, found)] = check(ward_stay=WARD.replace(before, after))

    assert (file, number) == ("ward_stay.py", line(place))
    assert message in found


STRANGER = """from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline


class Halved(BaseEstimator):
    def fit(self, rows, labels=None):
        return self

    def transform(self, rows):
        return rows / 2


FEATURES = {"""


def test_an_estimator_that_a_release_could_not_store_is_named_in_its_line(check: Check) -> None:
    own = WARD.replace("FEATURES = {", STRANGER).replace("=LogisticRegression()", "=make_pipeline(Halved(), LogisticRegression())")
    content = own.replace('"C":', '"logisticregression__C":')

    [(file, number, message)] = check(ward_stay=content)

    assert (file, number) == ("ward_stay.py", line("estimator=", content))
    assert message.startswith("ward-stay: a stored version would contain slipway.models.ward_stay.Halved. It may contain types of")


def test_two_files_with_one_name_are_both_named(check: Check, tmp_path: Path) -> None:
    found = check(ward_stay=WARD, ward_copy=WARD.replace("8990", "8991").replace('"ward_stay"', '"ward_copy"'))

    assert found == [("ward_stay.py", line("name="), f"{tmp_path}/ward_copy.py has name='ward-stay' too; give one of the two another.")]


def test_what_files_share_is_checked_once_where_it_is(check: Check) -> None:
    shared = WARD.replace("from slipway.spec import", "from slipway.models._ward_split import SPLIT\nfrom slipway.spec import").replace(
        "Split(test=0.2, seed=42, stratify=True)", "SPLIT"
    )
    other = shared.replace("ward-stay", "other").replace("ward_stay", "other").replace("8990", "8991")

    found = check(
        _ward_split="from slipway.spec import Split\n\nSPLIT = Split(test=2, seed=1, stratify=True)\n", ward_stay=shared, other=other
    )

    assert found == [("_ward_split.py", 3, "test=2: the share of test rows must be between 0 and 1.")]


def test_a_challenger_is_compared_with_the_model_of_the_catalogue(check: Check) -> None:
    rival = (
        "from dataclasses import replace\n"
        "from slipway.models.heart_failure import MODEL as HEART\n"
        "MODEL = replace(HEART, name='rival', challenges='heart-failure', schedules=()"
    )

    assert check(rival=f"{rival})\n") == []
    [(_, number, message)] = check(rival=f"{rival},\n    port=8990)\n")
    assert number == 3
    assert "rival challenges heart-failure, and their port differ" in message


def test_a_file_that_is_not_there_or_has_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text(WARD)

    found = faults(chosen([tmp_path / "nowhere.py", tmp_path / "model.txt"]))

    assert [str(fault) for fault in found] == [
        f"{tmp_path}/model.txt:1: the name of a model's file ends with .py; rename it.",
        f"{tmp_path}/nowhere.py:1: FileNotFoundError: [Errno 2] No such file or directory: '{tmp_path}/nowhere.py'",
    ]


def test_what_the_catalogue_would_not_execute_is_not_executed_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    for name in ("open_to_all", "heart_failure"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit\n")
    (tmp_path / "open_to_all.py").chmod(0o666)

    second, writable = faults(chosen([]))

    assert (second.file, second.line) == (f"{tmp_path}/heart_failure.py", 1)
    assert "have one name, so only the first can be imported; rename the second." in second.message
    assert writable.message.endswith(
        f"every user of this machine may write {tmp_path}/open_to_all.py. Run: chmod o-w {tmp_path}/open_to_all.py"
    )


def test_a_folder_without_model_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "_shared.py").write_text("")

    with pytest.raises(SpecError, match=f"{tmp_path} has no model file"):
        chosen([tmp_path])


def test_without_a_file_those_of_the_catalogue_are_checked() -> None:
    assert [file.name for file in chosen([])] == sorted(file.name for file in Path(models.__file__ or "").parent.glob("[a-z]*.py"))
