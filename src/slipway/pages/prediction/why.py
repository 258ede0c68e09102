"""Why an answer is as it is: what each value adds to it, as bars, the largest first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.explaining.explanation import Explanation
from slipway.pages.languages import Language
from slipway.pages.prediction.answers import ShownValue
from slipway.pages.prediction.numbers import NARROW, SEPARATOR
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
    language, scale = vocabulary.language, _scale(explanation, vocabulary.language)
    longest = max(map(abs, explanation.contributions), default=0.0)
    pairs = sorted(zip(values, explanation.contributions, strict=True), key=lambda pair: -abs(pair[1]))
    effects = tuple(_effect(value, amount, longest, scale, language) for value, amount in pairs)
    about = text(language, "answer.why_of", answer=vocabulary.answer(explanation.of)) if explanation.of is not None else ""
    base, margin = scale.number(explanation.base), scale.number(explanation.margin)
    name = "" if scale.plain else text(language, f"scale.{explanation.scale}")
    sentences = [text(language, "answer.why_plain" if scale.plain else "answer.why_scale", scale=name, base=base, margin=margin)]
    if explanation.errors is not None:
        sentences.append(text(language, "answer.why_sampled", error=scale.amount(max(explanation.errors))))
    return Why(about, effects[:MOST_BARS], effects[MOST_BARS:], tuple(sentences), explanation.background)


@dataclass(frozen=True, slots=True)
class ShownScale:
    """How the numbers of an explanation are written: percentages and points for probabilities, else as many digits as the largest needs.

    `plain`: the scale is that of the answer itself, which needs no explanation.
    """

    plain: bool
    factor: float
    decimals: int
    unit: str
    unit_of_amounts: str
    language: Language

    def number(self, number: float) -> str:
        """Return a number of the scale."""
        return f"{self._written(number, sign='')}{self.unit}"

    def amount(self, amount: float, *, sign: bool = False) -> str:
        """Return what is added on the scale, "" if that rounds to nothing and has a sign."""
        if sign and round(amount * self.factor, self.decimals) == 0:
            return ""
        return f"{self._written(amount, sign='+' if sign else '')}{self.unit_of_amounts}"

    def _written(self, number: float, sign: str) -> str:
        found = f"{number * self.factor:{sign}.{self.decimals}f}".replace("-", "\N{MINUS SIGN}")
        return found.replace(".", SEPARATOR[self.language])


def _scale(explanation: Explanation, language: Language) -> ShownScale:
    longest = max(map(abs, explanation.contributions), default=0.0)
    if explanation.scale == "probability":
        unit = f"{NARROW}%" if language == "es" else "%"
        return ShownScale(True, 100.0, 1, unit, text(language, "answer.points"), language)
    decimals = min(6, max(0, 2 - math.floor(math.log10(longest)))) if longest else 2
    unit = f" {explanation.unit}" if explanation.scale == "number" and explanation.unit else ""
    return ShownScale(explanation.scale == "number", 1.0, decimals, unit, unit, language)


def _effect(value: ShownValue, amount: float, longest: float, scale: ShownScale, language: Language) -> ColumnEffect:
    width = abs(amount) / longest * HALF if longest else 0.0
    added = scale.amount(amount, sign=True)
    words = text(language, "answer.nothing" if not added else "answer.raises" if amount > 0 else "answer.lowers")
    begin = HALF if amount >= 0 else HALF - width
    return ColumnEffect(value.label, value.value, words, added, round(begin, 2), round(width, 2), amount > 0)
