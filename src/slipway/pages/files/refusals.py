"""Why a file cannot be read, in the reader's language, and the way out."""

from __future__ import annotations

from slipway.pages.files.columns import SHOWN, missing_columns
from slipway.pages.prediction.words import Vocabulary
from slipway.pages.texts import text
from slipway.rows.uploads import WrongFile

LISTED = 20  # names


def wrong_file(vocabulary: Vocabulary, wrong: WrongFile) -> str:
    """Return the sentence about a file as a whole."""
    language = vocabulary.language
    if wrong.why in ("twice", "reserved"):
        return text(language, f"files.wrong_{wrong.why}", names=_listed(wrong.names))
    if wrong.why == "columns" and len(missing_columns(vocabulary, wrong.names)) == len(vocabulary.contract.columns):
        return text(language, "files.wrong_no_columns")
    return text(language, f"files.wrong_{wrong.why}")


def wrong_columns(vocabulary: Vocabulary, wrong: WrongFile) -> list[str]:
    """Return a line for each column that is missing, and one with the names that the file has."""
    if wrong.why != "columns":
        return []
    language = vocabulary.language
    lines = [
        text(language, "files.missing_meant" if meant else "files.missing", name=name, meant=meant)
        for name, meant in missing_columns(vocabulary, wrong.names)
    ]
    return [*lines, text(language, "files.has", names=_listed(wrong.names))]


def _listed(names: tuple[str, ...]) -> str:
    more = ", …" if len(names) > LISTED else ""
    return ", ".join(name[:SHOWN] for name in names[:LISTED]) + more
