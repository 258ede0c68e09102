"""A file in the models' folder is a model; two that would collide are refused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway import models
from slipway.catalogue import catalogue, checked, listings, lookup, served, services
from slipway.errors import SpecError, UnknownModelError
from slipway.files.rights import open_to_all
from slipway.spec import ModelSpec, Schedule


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A second folder of model files, forgotten after the test."""
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    before = set(sys.modules)
    catalogue.cache_clear()
    yield tmp_path
    catalogue.cache_clear()
    for name in set(sys.modules) - before:
        if name.startswith(f"{models.__name__}.") and not (Path(models.__file__ or "").parent / f"{name.rpartition('.')[2]}.py").exists():
            del sys.modules[name]


def test_catalogue_finds_heart_failure_where_its_file_puts_it() -> None:
    assert catalogue()["heart-failure"].port == 8001
    assert lookup("heart-failure").registered_as == "heart_failure_logistic"


def test_a_new_file_is_a_new_model_and_nothing_else_has_to_be_registered(models_folder: Path) -> None:
    (models_folder / "another_heart.py").write_text(
        "from dataclasses import replace\n"
        "from slipway.models.heart_failure import MODEL as HEART\n"
        "MODEL = replace(HEART, name='another-heart', registered_as='another_heart', port=8999)\n"
    )

    assert lookup("another-heart").port == 8999
    assert list(catalogue()) == sorted(catalogue())


@pytest.mark.parametrize("place", ["", "writable_heart.py", "_shared.py", "__pycache__", "../linked.py"])
def test_a_file_that_every_user_may_write_is_left_out_and_not_run(models_folder: Path, place: str) -> None:
    """It is code, and so is what it imports from its folder."""
    folder = models_folder / "models"
    models.__path__[-1] = str(folder)
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "_shared.py").write_text("")
    file = folder / "writable_heart.py"
    if place == "../linked.py":
        file.symlink_to(place)
    file.write_text(f"open({str(models_folder / 'ran')!r}, 'w')\n")
    os.chmod(folder / place, (folder / place).stat().st_mode | 0o002)

    found = catalogue()

    assert "heart-failure" in found
    assert "writable-heart" not in found
    with pytest.raises(SpecError, match=f"every user of this machine may write .*. Run: chmod o-w {(folder / place).resolve()}"):
        found.lookup("writable-heart")
    assert not (models_folder / "ran").exists()


def test_a_sticky_folder_above_is_no_reason(models_folder: Path) -> None:
    folder = models_folder / "above" / "models"
    folder.mkdir(parents=True)
    (folder / "one.py").write_text("")

    folder.parent.chmod(0o1777)
    assert open_to_all(folder / "one.py") is None
    folder.parent.chmod(0o777)
    assert open_to_all(folder / "one.py") == folder.parent


def test_a_file_with_an_underscore_holds_what_models_share_and_declares_none(models_folder: Path) -> None:
    (models_folder / "_shared.py").write_text("SPLIT = 0.2\n")

    assert "heart-failure" in catalogue()


@pytest.mark.parametrize("content", ["", "MODEL = {'name': 'undeclared'}\n"])
def test_a_file_without_a_model_is_refused_by_its_name(models_folder: Path, content: str) -> None:
    (models_folder / "undeclared.py").write_text(content)

    with pytest.raises(SpecError, match=rf"{models_folder}/undeclared\.py declares no MODEL = ModelSpec"):
        lookup("undeclared")
    assert {"heart-failure", "diabetes"} <= catalogue().keys()  # it alone is left out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("\nimport nowhere_to_be_found\n", "line 2: ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("\n\nMODEL = (\n", "line 3: SyntaxError: '\\(' was never closed"),
        ("from slipway.spec import Gate\n\n\nGATE = Gate(floor=0.9, tolerance=-1)\n", "line 4: tolerance=-1 must not be negative"),
    ],
    ids=["import", "syntax", "nonsense"],
)
def test_an_error_inside_a_file_is_reported_with_file_and_line(models_folder: Path, content: str, said: str) -> None:
    (models_folder / "broken.py").write_text(content)

    with pytest.raises(SpecError, match=rf"{models_folder}/broken\.py, {said}"):
        lookup("broken")
    assert listings().left_out == catalogue().left_out
    assert list(listings()) == list(catalogue()) == [name for name in catalogue() if name != "broken"]


def test_a_file_that_would_hide_behind_one_of_the_projects_is_refused(models_folder: Path) -> None:
    (models_folder / "heart_failure.py").write_text("")

    [said] = catalogue().left_out.values()
    assert re.search(rf"models/heart_failure\.py and {models_folder}/heart_failure\.py have one name.*rename the second", said)
    assert lookup("heart-failure").port == 8001


def test_of_two_files_with_one_name_the_second_is_left_out_and_both_are_named(models_folder: Path) -> None:
    for module in ("ward_stay", "ward_copy"):
        (models_folder / f"{module}.py").write_text(
            "from dataclasses import replace\n"
            "from slipway.models.heart_failure import MODEL as HEART\n"
            f"MODEL = replace(HEART, name='ward-stay', registered_as='{module}', port={8990 + len(module) + (module > 'ward_d')})\n"
        )

    found = catalogue()

    assert found["ward-stay"].registered_as == "ward_copy"
    assert found.left_out == {
        "ward-stay": f"{models_folder}/ward_stay.py: {models_folder}/ward_copy.py has name='ward-stay' too; "
        "give one of the two another name."
    }


@pytest.mark.parametrize("content", ["import sys\nsys.exit(3)\n", "raise SystemExit\n", "def f():\n    f()\n\nf()\n"])
def test_a_file_that_ends_the_program_takes_only_itself_out(models_folder: Path, content: str) -> None:
    (models_folder / "ending.py").write_text(content)

    assert "heart-failure" in catalogue()
    assert re.match(rf"{models_folder}/ending\.py, line \d: (SystemExit|RecursionError): ", catalogue().left_out["ending"])


# the folder that SLIPWAY_MODELS names: a process of its own, because the setting is read when slipway.models is imported


def elsewhere(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SLIPWAY_MODELS": str(folder)}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def another_heart(tmp_path: Path) -> Path:
    """A folder with one model file, which defines a class of its own."""
    folder = tmp_path / "my models"
    folder.mkdir()
    (folder / "another_heart.py").write_text(ANOTHER_HEART)
    return folder


ANOTHER_HEART = """
from dataclasses import replace
from slipway.models.heart_failure import MODEL as HEART
from slipway.spec import Gate

class Strict(Gate):
    pass

MODEL = replace(HEART, name="another-heart", registered_as="another_heart", port=8999, gate=Strict(floor=0.9))
"""


@pytest.mark.slow
def test_files_of_the_folder_that_is_set_join_the_catalogue(another_heart: Path) -> None:
    asked = elsewhere("from slipway.catalogue import catalogue; print(*catalogue())", another_heart)

    assert asked.stdout.split() == sorted([*catalogue(), "another-heart"]), asked.stderr


@pytest.mark.slow
def test_another_process_can_be_handed_what_such_a_file_defines(another_heart: Path) -> None:
    asked = elsewhere(
        "from joblib import Parallel, delayed\n"
        "from slipway.catalogue import lookup\n"
        "def gate_of(spec): return type(spec.gate).__module__, spec.gate.floor\n"
        "print(*Parallel(n_jobs=2, backend='loky')([delayed(gate_of)(lookup('another-heart'))]))",
        another_heart,
    )

    assert asked.stdout.strip() == "('slipway.models.another_heart', 0.9)", asked.stderr


@pytest.mark.slow
def test_a_file_of_that_folder_that_takes_a_port_of_the_projects_is_refused(another_heart: Path) -> None:
    (another_heart / "another_heart.py").write_text(ANOTHER_HEART.replace("8999", "8001"))

    asked = elsewhere("from slipway.catalogue import lookup; print(lookup('heart-failure').port); lookup('another-heart')", another_heart)

    assert asked.stdout == "8001\n"
    assert f"SpecError: {another_heart}/another_heart.py: heart-failure and another-heart both have port=8001" in asked.stderr


def test_a_folder_that_is_not_there_is_reported(tmp_path: Path) -> None:
    asked = elsewhere("from slipway.catalogue import catalogue; catalogue()", tmp_path / "nowhere")

    assert f"SpecError: SLIPWAY_MODELS names {tmp_path}/nowhere, which is no folder." in asked.stderr


@pytest.mark.parametrize(("same", "value"), [("name", "toy"), ("registered_as", "toy_logistic"), ("port", 8999)])
def test_two_models_that_would_collide_are_refused_with_both_names(toy: ModelSpec, same: str, value: object) -> None:
    second = replace(toy, **{"name": "second", "registered_as": "second_logistic", "port": 9000} | {same: value})

    with pytest.raises(SpecError, match=f"toy and {second.name} both have {same}={value!r}"):
        checked([toy, second])


def test_an_unknown_model_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownModelError, match=r"no model is called 'hart-failure'; the catalogue has: .*heart-failure"):
        lookup("hart-failure")


def challenger(of: ModelSpec, **changes: Any) -> ModelSpec:
    return replace(of, **{"name": f"{of.name}-rival", "challenges": of.name, "schedules": (), "approval": False} | changes)


def test_a_challenger_shares_name_and_port_with_what_it_challenges_and_so_does_another(toy: ModelSpec) -> None:
    specs = checked([challenger(toy), toy, challenger(toy, name="toy-second-rival")])

    assert {name: spec.service for name, spec in specs.items()} == {"toy": "toy", "toy-rival": "toy", "toy-second-rival": "toy"}


def test_a_challenger_that_does_not_share_what_it_must_is_refused_by_what_differs(toy: ModelSpec) -> None:
    other = challenger(toy, port=9000, split=replace(toy.split, seed=8))

    with pytest.raises(SpecError, match=r"toy-rival challenges toy, and their split, port differ: .*dataclasses\.replace"):
        checked([toy, other])


def test_who_challenges_nobody_or_another_challenger_is_refused_with_those_there_are(toy: ModelSpec) -> None:
    rival = challenger(toy)

    with pytest.raises(SpecError, match=r"toy-rival: challenges='toy' is no model with a service of its own; there are: \."):
        checked([rival])
    with pytest.raises(SpecError, match=r"challenges='toy-rival' is no model with a service of its own; there are: toy\."):
        checked([toy, rival, challenger(toy, name="third", challenges="toy-rival")])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"challenges": "toy-rival"}, "cannot challenge itself"),
        ({"schedules": (Schedule("nightly", "0 3 * * *", "UTC"),)}, "it has no schedule and needs no approval"),
        ({"approval": True}, "it has no schedule and needs no approval"),
    ],
    ids=["itself", "schedule", "approval"],
)
def test_what_makes_no_sense_for_a_challenger_is_refused(toy: ModelSpec, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        challenger(toy, **changes)


def test_a_challenger_is_released_and_has_no_service_to_ask_for() -> None:
    assert lookup("heart-failure-boosting").service == "heart-failure"
    assert "heart-failure-boosting" not in services()
    assert served("heart-failure").name == "heart-failure"
    with pytest.raises(UnknownModelError, match="heart-failure-boosting challenges heart-failure and has no service of its own"):
        served("heart-failure-boosting")
