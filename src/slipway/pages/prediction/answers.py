"""The answer of a version in words and numbers, as its page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.pages.languages import Language
from slipway.pages.moments import moment, written_day
from slipway.pages.prediction.fields import VALUE, FormField
from slipway.pages.prediction.numbers import percent, rounded, written
from slipway.pages.prediction.words import Phrase, Vocabulary
from slipway.pages.texts import text
from slipway.problems.serving import QuantityOutput

SMALLEST = 0.001  # a probability nearer to 0 or 1 is shown as "less than" or "more than"


@dataclass(frozen=True, slots=True)
class Bar:
    """The probability of one class: its words, in per cent for a drawing and in words, and whether it is the answer."""

    words: Phrase
    share: float
    probability: str
    answered: bool


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """An answer as a page shows it.

    `threshold` is in per cent; with one, only the positive class has a bar. Without one, the most probable class is the answer, and each
    class has a bar. A number has none.
    """

    headline: Phrase
    sentences: tuple[str, ...]
    bars: tuple[Bar, ...] = ()
    threshold: float | None = None
    threshold_words: str = ""


@dataclass(frozen=True, slots=True)
class ShownValue:
    """One value that the answer is for."""

    label: Phrase
    value: Phrase


def shown_answer(vocabulary: Vocabulary, label: Any, numbers: Sequence[float]) -> ShownAnswer:
    """Return the answer to one row.

    Args:
        numbers: The probabilities in the order of the classes; of a number, the ends of its interval.
    """
    quantity = vocabulary.contract.quantity
    return _number(vocabulary, quantity, label, numbers) if quantity else _class(vocabulary, label, numbers)


def probability(share: float, language: Language, decimals: int = 1) -> str:
    """Return a probability as a percentage that never says 0 % or 100 %."""
    if share < SMALLEST:
        return text(language, "answer.below", share=percent(SMALLEST, language))
    if share > 1 - SMALLEST:
        return text(language, "answer.above", share=percent(1 - SMALLEST, language))
    return percent(share, language, decimals)


def shown_values(vocabulary: Vocabulary, fields: Sequence[FormField], row: Sequence[Any]) -> list[ShownValue]:
    """Return the values of a checked row, in the words of its form."""
    return [ShownValue(field.label, value_of(field, cell, vocabulary.language)) for field, cell in zip(fields, row, strict=True)]


def value_of(field: FormField, cell: Any, language: Language) -> Phrase:
    """Return a checked cell in words."""
    if cell is None:
        return Phrase(text(language, "form.unknown"))
    key = str(cell).lower() if isinstance(cell, bool) else str(cell)
    if chosen := next((choice.words for choice in field.choices if choice.sent == f"{VALUE}{key}"), None):
        return chosen
    if field.kind == "date":
        time = datetime.fromisoformat(cell)
        return Phrase(f"{written_day(language, time)}, {time:%H:%M}" if len(cell) > len("2026-11-29") else written_day(language, time))
    if isinstance(cell, int | float):
        return Phrase(f"{written(cell, language)} {field.unit}".strip())
    return Phrase(cell)


def facts(vocabulary: Vocabulary, seconds: float) -> list[tuple[str, str]]:
    """Return what identifies the version and the moment, by its name in the reader's language."""
    language, contract = vocabulary.language, vocabulary.contract
    version = text(language, "answer.version_none") if contract.version is None else str(contract.version)
    return [
        (text(language, "answer.model"), contract.model),
        (text(language, "answer.version"), version),
        (text(language, "answer.time"), moment(language, seconds)),
    ]


def _class(vocabulary: Vocabulary, label: Any, probabilities: Sequence[float]) -> ShownAnswer:
    contract, language = vocabulary.contract, vocabulary.language
    shares = dict(zip(contract.classes, probabilities, strict=True))
    headline, threshold = _capital(vocabulary.answer(label)), contract.threshold
    if threshold is None:
        two, sure = (
            len(contract.classes) == 2,
            text(language, "answer.probability", answer=vocabulary.answer(label), probability=probability(shares[label], language)),
        )
        rule = text(language, "answer.more_probable" if two else "answer.most_probable", number=len(contract.classes))
        bars = [Bar(vocabulary.answer(one), share * 100, probability(share, language), one == label) for one, share in shares.items()]
        return ShownAnswer(headline, (sure, rule), tuple(bars))
    positive = contract.positive
    negative = next(one for one in contract.classes if one != positive)
    share = shares[positive]  # type: ignore[index]
    decimals = _decimals(share, threshold)
    names = {"positive": vocabulary.answer(positive), "negative": vocabulary.answer(negative)}
    whole = decimals == 1 and round(threshold * 100, 1).is_integer()
    limit, sure = percent(threshold, language, 0 if whole else decimals), probability(share, language, decimals)
    sentences = (
        text(language, "answer.probability", answer=vocabulary.answer(positive), probability=sure),
        text(language, "answer.threshold", threshold=limit, **names),
    )
    bar = Bar(vocabulary.answer(positive), share * 100, sure, label == positive)
    return ShownAnswer(headline, sentences, (bar,), threshold * 100, limit)


def _decimals(share: float, threshold: float) -> int:
    """Return with how many decimals a probability and the threshold differ as the answer says."""
    return next((digits for digits in range(1, 6) if round(share * 100, digits) != round(threshold * 100, digits)), 6)


def _number(vocabulary: Vocabulary, output: QuantityOutput, number: float, ends: Sequence[float]) -> ShownAnswer:
    language, (low, high) = vocabulary.language, ends
    value, low_text, high_text = (rounded(one, (high - low) / 10, language) for one in (number, low, high))
    unit = f" {output.unit}" if output.unit else ""
    interval = text(
        language, "answer.interval", low=low_text, high=f"{high_text}{unit}", coverage=percent(output.coverage, language, decimals=0)
    )
    what = vocabulary.quantity
    return ShownAnswer(Phrase(f"{what}: {value}{unit}", what.language), (interval,))


def _capital(phrase: Phrase) -> Phrase:
    return Phrase(phrase.text[:1].upper() + phrase.text[1:], phrase.language)
