"""The actual outcome of a prediction: the field that takes it, and what is known about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from slipway.audit import Outcome
from slipway.pages.languages import Language
from slipway.pages.moments import moment
from slipway.pages.prediction.fields import VALUE, Choice
from slipway.pages.prediction.numbers import AmbiguousNumberError, readings, typed_number, written
from slipway.pages.prediction.words import Phrase, Vocabulary
from slipway.pages.texts import text
from slipway.problems.serving import Answer, QuantityOutput

MOST_RADIOS = 4
SHOWN = 40  # characters of a typed text that an error repeats


@dataclass(frozen=True, slots=True)
class OutcomeField:
    """The field of a form: radio buttons or a list for classes, a text field for a number."""

    kind: Literal["radios", "select", "number"]
    label: Phrase
    choices: tuple[Choice, ...] = ()
    unit: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class KnownOutcome:
    """The latest outcome of a prediction: in words, when it was recorded, by whom, and what was recorded before, the latest first."""

    words: Phrase
    time: str
    by: str
    before: tuple[Phrase, ...]


class OutcomeError(ValueError):
    """What was typed is no outcome. The message is in the reader's language."""


def outcome_field(vocabulary: Vocabulary) -> OutcomeField:
    """Return the field for the outcomes of the version in service."""
    language = vocabulary.language
    if output := vocabulary.contract.quantity:
        return OutcomeField("number", vocabulary.quantity, unit=output.unit, hint=_hint(output, language))
    choices = tuple(Choice(f"{VALUE}{one}", vocabulary.answer(one)) for one in vocabulary.contract.classes)
    kind: Literal["radios", "select"] = "radios" if len(choices) <= MOST_RADIOS else "select"
    return OutcomeField(kind, Phrase(text(language, "outcome.legend")), choices)


def typed_outcome(vocabulary: Vocabulary, sent: str) -> Answer:
    """Return the outcome that a form has sent.

    Raises:
        OutcomeError: It is none.
    """
    sent, language = sent.strip(), vocabulary.language
    if (output := vocabulary.contract.quantity) is None:
        for one in vocabulary.contract.classes:
            if sent == f"{VALUE}{one}":
                return one
        raise OutcomeError(text(language, "outcome.choose"))
    if not sent:
        raise OutcomeError(text(language, "outcome.enter"))
    if output.unit and sent.casefold().endswith(output.unit.casefold()):
        sent = sent[: -len(output.unit)].strip()
    try:
        number = output.outcome(typed_number(sent, language))
    except AmbiguousNumberError:
        ways = readings(sent, language)
        raise OutcomeError(
            text(language, "outcome.ambiguous", typed=sent[:SHOWN], ways=f" {text(language, 'outcome.or')} ".join(ways))
        ) from None
    except ValueError:
        number = None
    if number is None:
        hint = _hint(output, language) or text(language, "outcome.number")
        raise OutcomeError(text(language, "outcome.no_number", typed=sent[:SHOWN], hint=hint))
    return number


def known_outcome(history: Sequence[Outcome], vocabulary: Vocabulary | None, language: Language, own: str = "") -> KnownOutcome | None:
    """Return what is known, None if nothing is.

    Args:
        history: The outcomes of one prediction, oldest first.
        own: The caller who reads this, for whom it says "you".
    """
    if not history:
        return None
    *before, last = history
    time = moment(language, datetime.fromisoformat(last.time).timestamp())
    by = text(language, "outcome.you") if last.key == own else last.key
    return KnownOutcome(
        outcome_words(last.label, vocabulary, language),
        time,
        by,
        tuple(outcome_words(one.label, vocabulary, language) for one in reversed(before)),
    )


def outcome_words(label: Answer, vocabulary: Vocabulary | None, language: Language) -> Phrase:
    """Return a class, or a number with its unit, in words."""
    if vocabulary is None or vocabulary.contract.quantity is None:
        return vocabulary.answer(label) if vocabulary else Phrase(str(label))
    number = written(label, language) if isinstance(label, int | float) else str(label)
    return Phrase(f"{number} {vocabulary.contract.quantity.unit}".strip())


def _hint(output: QuantityOutput, language: Language) -> str:
    limits = {name: written(value, language) for name, value in (("low", output.low), ("high", output.high)) if value is not None}
    key = "_".join(("form.hint_number", *limits))
    return text(language, key, **limits, unit=f" {output.unit}" if output.unit else "").strip()
