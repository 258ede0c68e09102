"""One logged row, opened: its answer, its values, why, its shadow and its outcomes, in words as far as its version is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from slipway.audit import Line, LoggedExplanation, Outcome, Shadow
from slipway.explaining.explanation import Explanation
from slipway.pages.audit.lines import answer_of, time_of, version_of
from slipway.pages.audit.outcomes import outcome_words
from slipway.pages.languages import Language
from slipway.pages.prediction.answers import ShownAnswer, ShownValue, shown_values
from slipway.pages.prediction.fields import form_fields
from slipway.pages.prediction.numbers import written
from slipway.pages.prediction.why import Why, shown_why
from slipway.pages.prediction.words import Phrase, Vocabulary
from slipway.pages.texts import text


@dataclass(frozen=True, slots=True)
class LoggedRow:
    """All that the log has about one row. `outcomes` are oldest first."""

    line: Line
    explanation: LoggedExplanation | None
    shadow: Shadow | None
    outcomes: Sequence[Outcome]


@dataclass(frozen=True, slots=True)
class ShownOutcome:
    """One outcome: in words, when it was recorded, by whom, and when it became known, "" if that was not sent."""

    words: Phrase
    time: str
    by: str
    observed: str


@dataclass(frozen=True, slots=True)
class Details:
    """A row as its page shows it; `facts` are by their names in the reader's language, `codes` are those that are no words."""

    title: Phrase
    answer: ShownAnswer
    facts: list[tuple[str, str]]
    codes: list[tuple[str, str]]
    values: list[ShownValue]
    why: Why | None
    shadow: tuple[str, Phrase, str] | None
    outcomes: list[ShownOutcome]


def shown_row(row: LoggedRow, vocabulary: Vocabulary | None, language: Language) -> Details:
    """Return a row in words. Without a vocabulary, values have numbers in place of names, and there is nothing about why."""
    line, t = row.line, partial(text, language)
    facts = [
        (t("answer.time"), time_of(line.time, language, exact=True)),
        (t("answer.model"), line.model),
        (t("answer.version"), version_of(line.version, language)),
        (t("search.latency"), f"{written(round(line.latency_ms, 1), language)} ms"),
    ]
    codes = [
        (t("search.caller"), line.key),
        (t("account.address"), line.address),
        (t("answer.id"), line.prediction_id),
        (t("search.run"), line.run_id),
        (t("search.label"), str(line.label)),
        (t("search.probabilities"), ", ".join(f"{one:.6g}" for one in line.probabilities)),
        (t("search.pseudonym"), line.pseudonym or ""),
    ]
    values = _values(line, vocabulary, language)
    explanation = msgspec.convert(row.explanation.explanation, Explanation) if row.explanation and vocabulary else None
    return Details(
        title=vocabulary.title if vocabulary else Phrase(line.model),
        answer=answer_of(line, vocabulary),
        facts=facts,
        codes=[(name, value) for name, value in codes if value],
        values=values,
        why=shown_why(vocabulary, values, explanation) if vocabulary and explanation else None,
        shadow=_shadow(row.shadow, vocabulary, language) if row.shadow else None,
        outcomes=[_outcome(one, vocabulary, language) for one in row.outcomes],
    )


def _values(line: Line, vocabulary: Vocabulary | None, language: Language) -> list[ShownValue]:
    if vocabulary:
        return shown_values(vocabulary, form_fields(vocabulary), line.row)
    return [ShownValue(Phrase(text(language, "search.value", place=place)), Phrase(str(cell))) for place, cell in enumerate(line.row, 1)]


def _shadow(shadow: Shadow, vocabulary: Vocabulary | None, language: Language) -> tuple[str, Phrase, str]:
    """Return the version, its answer, and whether it is the same answer."""
    answer = outcome_words(shadow.label, vocabulary, language)
    return version_of(shadow.version, language), answer, text(language, "search.agrees" if shadow.agrees else "search.differs")


def _outcome(outcome: Outcome, vocabulary: Vocabulary | None, language: Language) -> ShownOutcome:
    observed = time_of(outcome.observed_at, language) if outcome.observed_at else ""
    return ShownOutcome(outcome_words(outcome.label, vocabulary, language), time_of(outcome.time, language), outcome.key, observed)
