"""What came of the rows of a file, in the reader's language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from slipway.pages.files.reasons import ShownReason, shown_reason
from slipway.pages.languages import Language
from slipway.pages.prediction.numbers import NARROW, percent, rounded
from slipway.pages.prediction.words import Phrase, Vocabulary
from slipway.pages.texts import text
from slipway.rows.uploads import FinishedFile

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class AnswerCount:
    """One answer: its words, how many rows have it, and their share of the answered rows in per cent, as a number and in words."""

    words: Phrase
    rows: str
    share: float
    percent: str


@dataclass(frozen=True, slots=True)
class ShownResult:
    """The result of a file. `answers` are by class; of a number, `numbers` are the lowest, the median and the highest one by name."""

    sentences: tuple[str, ...]
    answers: tuple[AnswerCount, ...]
    numbers: tuple[tuple[str, str], ...]
    reasons: tuple[ShownReason, ...]
    more: str


def shown_result(vocabulary: Vocabulary, finished: FinishedFile) -> ShownResult:
    """Return the result as a page shows it."""
    language, rest = vocabulary.language, finished.violations - len(finished.first)
    sentences = [_rows(language, "answered", finished.answered)]
    if finished.rejected:
        sentences.append(_rows(language, "rejected", finished.rejected))
    return ShownResult(
        sentences=tuple(sentences),
        answers=tuple(_answers(vocabulary, finished.labels)),
        numbers=tuple(_numbers(vocabulary, finished.numbers)) if finished.numbers else (),
        reasons=tuple(shown_reason(vocabulary, one) for one in finished.first),
        more=text(language, "files.more", number=rest, count=counted(rest, language)) if rest else "",
    )


def counted(number: int, language: Language) -> str:
    """Return a count with separators of thousands as the language has them."""
    return f"{number:,}".replace(",", "," if language == "en" else NARROW)


def size_of(bytes_: int, language: Language) -> str:
    """Return a file's size: in kB, or from one MB on in MB."""
    if bytes_ < 1 << 20:
        return f"{counted(max(1, round(bytes_ / 1024)), language)}{NARROW}kB"
    return f"{counted(round(bytes_ / (1 << 20)), language)}{NARROW}MB"


def short_name(name: str) -> str:
    """Return the name of an uploaded file without its folders, in which some browsers name it, shortened and printable."""
    last = re.split(r"[/\\]", name)[-1].strip()[-LONGEST_NAME:]
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in last)


def download_name(name: str, what: str) -> str:
    """Return the name under which a browser saves a result: letters, digits and points only, whatever the uploaded file is called."""
    stem = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().rpartition(".")[0] or "file"
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', stem).strip('-')[:60] or 'file'}-{what}.csv"


def _rows(language: Language, key: str, number: int) -> str:
    return text(language, f"files.{key}", number=number, count=counted(number, language))


def _answers(vocabulary: Vocabulary, labels: Mapping[str, int]) -> list[AnswerCount]:
    total, language = sum(labels.values()), vocabulary.language
    known = [str(label) for label in vocabulary.contract.classes]
    return [
        AnswerCount(vocabulary.answer(label), counted(labels.get(label, 0), language), 100 * share, percent(share, language))
        for label in dict.fromkeys([*known, *labels])
        if total and (share := labels.get(label, 0) / total) is not None
    ]


def _numbers(vocabulary: Vocabulary, numbers: tuple[float, float, float]) -> list[tuple[str, str]]:
    quantity, language = vocabulary.contract.quantity, vocabulary.language
    unit = f" {quantity.unit}" if quantity and quantity.unit else ""
    step = (numbers[2] - numbers[0]) / 100
    names = [text(language, f"files.{name}") for name in ("lowest", "median", "highest")]
    return [(name, f"{rounded(number, step, language)}{unit}") for name, number in zip(names, numbers, strict=True)]
