"""A file in the models' folder is a model; two that would collide are refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slipway import models
from slipway.catalogue import catalogue, checked, lookup
from slipway.errors import SpecError, UnknownModelError
from slipway.spec import ModelSpec


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


@pytest.mark.parametrize("content", ["", "MODEL = {'name': 'undeclared'}\n"])
def test_a_file_without_a_model_is_refused_by_its_name(models_folder: Path, content: str) -> None:
    (models_folder / "undeclared.py").write_text(content)

    with pytest.raises(SpecError, match=r"models/undeclared\.py declares no MODEL = ModelSpec"):
        catalogue()


@pytest.mark.parametrize(("same", "value"), [("name", "toy"), ("registered_as", "toy_logistic"), ("port", 8999)])
def test_two_models_that_would_collide_are_refused_with_both_names(toy: ModelSpec, same: str, value: object) -> None:
    second = replace(toy, **{"name": "second", "registered_as": "second_logistic", "port": 9000} | {same: value})

    with pytest.raises(SpecError, match=f"toy and {second.name} both have {same}={value!r}"):
        checked([toy, second])


def test_an_unknown_model_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownModelError, match=r"no model is called 'hart-failure'; the catalogue has: .*heart-failure"):
        lookup("hart-failure")
