"""The words of a model's file as those of its bundle."""

from __future__ import annotations

from slipway.bundle.wording import ColumnWords, Words
from slipway.spec import ModelSpec, Wording
from slipway.spec.wording import Label, Value

CARD_LANGUAGE = "en"  # descriptions and cards of the project's models are in English


def words_of(spec: ModelSpec) -> dict[str, Words]:
    """Return the words by language. The English ones have purpose and limits from the card where the wording has none."""
    found: dict[str, Words] = {language: _words(wording) for language, wording in spec.wording.items()}
    if card := spec.card:
        english = found.get(CARD_LANGUAGE, Words())
        purpose, not_for = english.purpose or card.intended_use, english.not_for or card.not_for
        found[CARD_LANGUAGE] = Words(english.title, purpose, not_for, english.quantity, english.answers, english.columns)
    return dict(sorted(found.items()))


def _words(wording: Wording) -> Words:
    return Words(
        title=wording.title,
        purpose=wording.purpose,
        not_for=wording.not_for,
        quantity=wording.quantity,
        answers={str(label): words for label, words in wording.answers.items()},
        columns={name: _column(label) for name, label in wording.labels.items()},
    )


def _column(label: Label) -> ColumnWords:
    return ColumnWords(label.name, label.unit, label.help, {value_key(value): words for value, words in label.values.items()})


def value_key(value: Value) -> str:
    """Return a value as text: true and false as in JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)
