"""The words of a text, as a model with texts counts them: scikit-learn's vectorizers find the same ones, which a test shows."""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"\w\w+")  # two or more letters, digits or underscores


def words(text: str) -> list[str]:
    """Return the words of a text in their order, in lower case and without accents."""
    lower = text.lower()
    if not lower.isascii():
        lower = "".join(sign for sign in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(sign))
    return WORD.findall(lower)
