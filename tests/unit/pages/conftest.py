"""Contracts and words of models, without training."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slipway.bundle.compiling import contract_columns, words_of
from slipway.bundle.contract import FORMAT, Column, Contract, of_output
from slipway.bundle.wording import WordsByLanguage
from slipway.catalogue import catalogue
from slipway.pages.languages import Language
from slipway.pages.prediction.words import Vocabulary
from slipway.spec import ModelSpec

EXAMPLES = sorted((Path(__file__).parents[3] / "examples" / "models").glob("*.py"))


def contract_of_spec(spec: ModelSpec, **changes: Any) -> Contract:
    """Return the contract that a version of the model would have."""
    parts: dict[str, Any] = {
        "format": FORMAT,
        "model": spec.name,
        "registered_as": spec.registered_as,
        "version": 3,
        "run_id": "0123456789abcdef" * 2,
        "engine": "linear",
        "description": spec.description,
        "columns": contract_columns(spec),
        "target": spec.columns.target.name,
        "data_sha256": "ab" * 32,
        "sample": False,
        "metrics": {},
        "mlflow_version": "3.17.2",
        "created_at": "2026-11-01T00:00:00+00:00",
        **of_output(spec.problem.output(None, 40.0)),
    }
    return Contract(**parts | changes)


@pytest.fixture(scope="session")
def specs() -> dict[str, ModelSpec]:
    """The models of the project and those of the examples, by name."""
    examples = [runpy.run_path(str(file))["MODEL"] for file in EXAMPLES]
    return {spec.name: spec for spec in [*catalogue().values(), *examples]}


@pytest.fixture(scope="session")
def vocabulary(specs: dict[str, ModelSpec]) -> Callable[..., Vocabulary]:
    """Make the words of a model for a reader; keywords replace parts of its contract."""

    def make(name: str, language: Language, **changes: Any) -> Vocabulary:
        return Vocabulary(contract_of_spec(specs[name], **changes), words_of(specs[name]), language)

    return make


@pytest.fixture(scope="session")
def with_columns(specs: dict[str, ModelSpec]) -> Callable[..., Vocabulary]:
    """Make the words of a model that has only these columns, and no words but those given."""

    def make(*columns: Column, language: Language = "en", words: WordsByLanguage | None = None) -> Vocabulary:
        return Vocabulary(contract_of_spec(specs["diabetes"], columns=columns), words or {}, language)

    return make
