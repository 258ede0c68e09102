"""What a model's file says in words: which columns, values, classes and languages it may name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from slipway.bundle.compiling import words_of
from slipway.bundle.wording import decoded, encoded
from slipway.catalogue import catalogue
from slipway.errors import SpecError
from slipway.spec import Boolean, Category, Columns, Label, ModelSpec, Numeric, Quantity, Target, Wording
from slipway.spec.wording import Language

LANGUAGES: tuple[Language, ...] = ("en", "es")


def with_columns(toy: ModelSpec, **features: Any) -> Columns:
    return Columns(features, toy.columns.target)


@pytest.mark.parametrize(
    ("wording", "message"),
    [
        (
            lambda: {"es": Wording(title="x", columns={"sizes": "Tamaño"})},
            r"toy: wording\['es'\]\.columns\['sizes'\]: callers send no such column; the columns are size, whole, colour, yes",
        ),
        (lambda: {"fr": Wording(title="x")}, "toy: the key 'fr' of wording; expected one of 'en', 'es'"),
        (lambda: {"es": "x"}, r"toy: wording\['es'\]='x' is a text; expected Wording\(\.\.\.\)"),
        (
            lambda: {"es": Wording(title="x", columns={"size": 3})},
            r"Wording: columns\['size'\]=3 is a whole number; expected a text or Label",
        ),
        (lambda: {"es": Wording(columns={})}, r"Wording: title is missing; Wording\(\.\.\.\) needs it"),
        (lambda: {"es": Wording(title="x", answers={2: "x"})}, r"wording\['es'\]\.answers has 2, which is no class of .*; expected "),
        (
            lambda: {"es": Wording(title="x", columns={"colour": Label("Color", values={"red": "rojo", "pink": "rosa"})})},
            r"wording\['es'\]\.columns\['colour'\]\.values has 'pink', which is no value of the column; expected 'red', 'blue'",
        ),
        (
            lambda: {"es": Wording(title="x", columns={"colour": Label("Color", values={"red": "rojo"})})},
            r"\.values has no words for 'blue'; give words for each of 'red', 'blue'",
        ),
        (
            lambda: {"es": Wording(title="x", columns={"size": Label("Tamaño", values={1: "uno"})})},
            r"\['size'\]\.values: the column has no list of values; leave values out",
        ),
        (
            lambda: {"es": Wording(title="x", columns={"yes": Label("Sí", values={1: "sí", 0: "no"})})},
            r"\.values has 1, which is no value of the column; expected True, False",
        ),
        (
            lambda: {"es": Wording(title="x", columns={"whole": Label("Entero", values={0: "cero", 1: "uno"})})},
            r"\.values has no words for 2; give words for each of 0, 1, 2",
        ),
    ],
)
def test_words_for_what_the_model_does_not_have_are_refused(toy: ModelSpec, wording: Callable[[], Any], message: str) -> None:
    columns = with_columns(
        toy, size=Numeric(0, 10), whole=Numeric(0, 2, integer=True), colour=Category(("red", "blue"), "Colour"), yes=Boolean("Yes")
    )
    with pytest.raises(SpecError, match=message):
        replace(toy, columns=columns, slices={}, wording=wording())


def test_a_model_that_predicts_a_number_has_no_classes_to_give_words_to(toy: ModelSpec) -> None:
    columns = replace(toy.columns, target=Quantity("stay", "days", "Stay"))

    with pytest.raises(SpecError, match="which is no class of stay; expected none, because it is a number"):
        Wording(title="x", answers={0: "a"}).refuse_unknown("en", columns)


def test_words_may_be_few_and_a_value_of_each_kind_may_have_them(toy: ModelSpec) -> None:
    columns = with_columns(toy, whole=Numeric(0, 1, integer=True), yes=Boolean("Yes"), free=Category(("a", "b"), "Free", other=True))
    wording = Wording(
        title="x",
        columns={
            "whole": Label("Entero", values={0: "no", 1: "sí"}),
            "yes": Label("Sí", values={True: "sí", False: "no"}),
            "free": "Libre",
        },
    )

    made = words_of(replace(toy, columns=columns, slices={}, wording={"es": wording}))["es"].columns

    assert made["whole"].values == {"0": "no", "1": "sí"}
    assert made["yes"].values == {"true": "sí", "false": "no"}
    assert (made["free"].name, made["free"].values) == ("Libre", {})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_model_of_the_project_has_words_for_all_its_columns_and_classes(language: Language) -> None:
    for name, spec in catalogue().items():
        words = words_of(spec)[language]

        assert set(words.columns) == set(spec.columns.features), name
        assert all((words.title, words.purpose, words.not_for)), name
        if language == "es":  # the classes have their English words in the target
            assert isinstance(spec.columns.target, Target)
            assert set(words.answers) == {str(label) for label in spec.columns.target.labels}, name


def test_words_are_read_as_they_were_written() -> None:
    words = words_of(catalogue()["diabetes"])

    assert decoded(encoded(words), "wording.json") == words
