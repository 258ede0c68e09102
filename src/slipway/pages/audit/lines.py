"""Answered rows of the log in words. The vocabulary is that of the version that answered; without it, a line is shown as it was written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from slipway.audit.reading import Line
from slipway.pages.audit.outcomes import KnownOutcome, OutcomeField
from slipway.pages.languages import Language
from slipway.pages.moments import moment
from slipway.pages.prediction.answers import ShownAnswer, shown_answer
from slipway.pages.prediction.words import Phrase, Vocabulary
from slipway.pages.texts import text


@dataclass(frozen=True, slots=True)
class ListedAnswer:
    """One answered row. `sure` is the sentence about its probability, or about its interval; `sample`: the version saw sample rows only.

    `field` takes its outcome, None where this reader records none.
    """

    id: str
    time: str
    caller: str
    model: str
    title: Phrase
    version: str
    sample: bool
    answer: Phrase
    sure: str
    outcome: KnownOutcome | None = None
    field: OutcomeField | None = None
    pseudonym: str = ""


def shown_line(
    line: Line,
    vocabulary: Vocabulary | None,
    language: Language,
    outcome: KnownOutcome | None = None,
    field: OutcomeField | None = None,
    *,
    exact: bool = False,
) -> ListedAnswer:
    """Return a line in words; its time has seconds, if it is to be exact."""
    answer = answer_of(line, vocabulary)
    return ListedAnswer(
        id=line.prediction_id,
        time=time_of(line.time, language, exact=exact),
        caller=line.key,
        model=line.model,
        title=vocabulary.title if vocabulary else Phrase(line.model),
        version=version_of(line.version, language),
        sample=vocabulary is not None and vocabulary.contract.sample,
        answer=answer.headline,
        sure=answer.sentences[0] if answer.sentences else "",
        outcome=outcome,
        field=field,
        pseudonym=line.pseudonym or "",
    )


def answer_of(line: Line, vocabulary: Vocabulary | None) -> ShownAnswer:
    """Return the answer of a line, in words if its version is known."""
    if vocabulary is None:
        return ShownAnswer(Phrase(str(line.label)), ())
    return shown_answer(vocabulary, line.label, line.probabilities)


def time_of(time: str, language: Language, *, exact: bool = False) -> str:
    """Return a time of the log in the time zone of the machine; with seconds, if it is to be exact."""
    return moment(language, datetime.fromisoformat(time).timestamp(), exact=exact)


def version_of(version: int | None, language: Language) -> str:
    return text(language, "answer.version_none") if version is None else str(version)
