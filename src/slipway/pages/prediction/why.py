"""Why an answer is as it is: what each value adds to it, as bars, the largest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slipway.explaining.explanation import Explanation
from slipway.pages.languages import Language
from slipway.pages.prediction.answers import ShownValue
from slipway.pages.prediction.words import Phrase, Vocabulary
from slipway.pages.texts import text

MOST_BARS = 10
HALF = 50.0  # the middle of a drawing, in per cent of its width


@dataclass(frozen=True, slots=True)
class ColumnEffect:
    """What one value adds to the answer. `begin` and `width` are those of its bar, in per cent of the drawing's width."""

    label: Phrase
    value: Phrase
    words: str
    amount: str
    begin: float
    width: float
    raises: bool


@dataclass(frozen=True, slots=True)
class Why:
    """The effects in order of their size, those that are shown only on request, and the sentences around them."""

    about: str
    effects: tuple[ColumnEffect, ...]
    rest: tuple[ColumnEffect, ...]
    sentences: tuple[str, ...]
    background: int


def shown_why(vocabulary: Vocabulary, values: Sequence[ShownValue], explanation: Explanation) -> Why:
    """Return an explanation as its page shows it; `values` are those of the answer, in the order of the contract."""
    language = vocabulary.language
    longest = max(map(abs, explanation.contributions), default=0.0)
    pairs = sorted(zip(values, explanation.contributions, strict=True), key=lambda pair: -abs(pair[1]))
    effects = tuple(_effect(value, amount, longest, language) for value, amount in pairs)
    about = text(language, "answer.why_of", answer=vocabulary.answer(explanation.of)) if explanation.of is not None else ""
    scale = text(language, f"scale.{explanation.scale}")
    sentences = [
        text(
            language,
            "answer.why_scale",
            scale=scale,
            base=amount_of(explanation.base, language),
            margin=amount_of(explanation.margin, language),
        )
    ]
    if explanation.errors is not None:
        sentences.append(text(language, "answer.why_sampled", error=amount_of(max(explanation.errors), language)))
    return Why(about, effects[:MOST_BARS], effects[MOST_BARS:], tuple(sentences), explanation.background)


def amount_of(amount: float, language: Language, *, sign: bool = False) -> str:
    """Return an amount with three digits that count, and a minus that is as wide as a plus."""
    number = f"{amount:{'+' if sign else ''}.3g}" if amount == 0 or 1e-3 <= abs(amount) < 1e4 else f"{amount:{'+' if sign else ''}.1e}"
    return number.replace("-", "\N{MINUS SIGN}").replace(".", "," if language == "es" else ".")


def _effect(value: ShownValue, amount: float, longest: float, language: Language) -> ColumnEffect:
    width = abs(amount) / longest * HALF if longest else 0.0
    words = text(language, "answer.raises" if amount > 0 else "answer.lowers" if amount < 0 else "answer.nothing")
    begin = HALF if amount >= 0 else HALF - width
    added = amount_of(amount, language, sign=True) if amount else ""
    return ColumnEffect(value.label, value.value, words, added, round(begin, 2), round(width, 2), amount > 0)
