"""The words about a model, its columns and its classes in the reader's language; else those of another language, else the contract's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from slipway.bundle.contract import Column, Contract
from slipway.bundle.wording import Words, WordsByLanguage
from slipway.pages.languages import Language

NO_UNIT = {"0 or 1", "code"}  # units of the contract that say how a number is coded, not what it measures


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words, and the language they are in, "" if it is that of the page or not known. A screen reader needs the language."""

    text: str
    language: str = ""

    def __str__(self) -> str:
        return self.text

    def __bool__(self) -> bool:
        return bool(self.text)


@dataclass(frozen=True, slots=True)
class ColumnPhrases:
    """What a form says about a column; `values` are by the value as text, in the order in which a form lists them."""

    label: Phrase
    help: Phrase
    unit: str
    values: Mapping[str, Phrase]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of one version for one reader."""

    contract: Contract
    words: WordsByLanguage
    language: Language

    @property
    def title(self) -> Phrase:
        return self._first(lambda words: words.title) or Phrase(_spaced(self.contract.model))

    @property
    def description(self) -> Phrase:
        """What it predicts, if its purpose is not in the reader's language."""
        return Phrase(self.contract.description)

    @property
    def purpose(self) -> Phrase:
        return self._first(lambda words: words.purpose)

    @property
    def not_for(self) -> Phrase:
        return self._first(lambda words: words.not_for)

    @property
    def quantity(self) -> Phrase:
        """What the predicted number is; of a classification, nothing."""
        output = self.contract.quantity
        return Phrase((self._own.quantity or output.description) if output else "")

    def answer(self, label: object) -> Phrase:
        """Return what a class means, in the reader's language or in that of the contract."""
        meanings = dict(zip(map(str, self.contract.classes), self.contract.class_meanings, strict=True))
        return Phrase(self._own.answers.get(str(label)) or meanings.get(str(label), str(label)))

    def column(self, column: Column) -> ColumnPhrases:
        """Return what a form says about a column."""
        said = {language: words.columns[column.name] for language, words in self._in_order() if column.name in words.columns}
        unit = "" if column.unit in NO_UNIT else column.unit
        for language, words in said.items():
            of = self._language(language)
            unit = unit if words.unit is None else words.unit
            return ColumnPhrases(
                Phrase(words.name, of), Phrase(words.help, of), unit, {key: Phrase(w, of) for key, w in words.values.items()}
            )
        label, help_ = _spaced(column.name.removesuffix(f"({unit})") if unit else column.name), column.description
        return ColumnPhrases(Phrase(label), Phrase("" if help_.casefold() == label.casefold() else help_), unit, {})

    @property
    def _own(self) -> Words:
        """The words in the reader's language."""
        return self.words.get(self.language) or Words()

    def _first(self, of: Callable[[Words], str]) -> Phrase:
        """Return the words in the reader's language, or else in another one."""
        return next((Phrase(found, self._language(language)) for language, words in self._in_order() if (found := of(words))), Phrase(""))

    def _in_order(self) -> Iterator[tuple[str, Words]]:
        if own := self.words.get(self.language):
            yield self.language, own
        for language, words in self.words.items():
            if language != self.language:
                yield language, words

    def _language(self, language: str) -> str:
        return "" if language == self.language else language


def _spaced(name: str) -> str:
    """Return the name of a column or a model as words."""
    spaced = " ".join(name.replace("_", " ").replace("-", " ").split()) or name
    return spaced[0].upper() + spaced[1:]
