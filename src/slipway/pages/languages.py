"""Which language a page is in."""

from __future__ import annotations

from typing import Literal, get_args

Language = Literal["en", "es"]

LANGUAGES: tuple[Language, ...] = get_args(Language)
NAMES: dict[Language, str] = {"en": "English", "es": "Español"}


def as_language(text: str) -> Language | None:
    """Return the language of a tag such as `es` or `es-MX`, None if there are no pages in it."""
    primary = text.strip().lower().partition("-")[0]
    return next((language for language in LANGUAGES if language == primary), None)


def preferred(accept_language: str) -> Language:
    """Return the language that a browser prefers (RFC 9110, 12.5.4), or English."""
    best: Language = "en"
    most = 0.0
    for part in accept_language[:500].split(","):
        tag, _, parameter = part.partition(";")
        language, quality = as_language(tag), _quality(parameter)
        if language and quality > most:
            best, most = language, quality
    return best


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name.strip().lower() == "q" else 1.0
    except ValueError:
        return 0.0
