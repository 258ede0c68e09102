"""Numbers as a language writes them, and as people type them."""

from __future__ import annotations

import math
import re

from slipway.pages.languages import Language

SEPARATOR: dict[Language, str] = {"en": ".", "es": ","}
NARROW = "\N{NO-BREAK SPACE}"
LONGEST = 40  # characters of a typed number
MINUS = str.maketrans({"\N{MINUS SIGN}": "-", "\N{EN DASH}": "-"})
WHOLE = re.compile(r"[+-]?[0-9]+")
DECIMAL = re.compile(r"[+-]?([0-9]+[.,][0-9]*|[.,][0-9]+)")
GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}([.,'\s][0-9]{3})+([.,][0-9]+)?")
SEPARATORS = re.compile(r"[.,'\s]")


class AmbiguousNumberError(ValueError):
    """A typed number that two readers may read in two ways, such as 1.234."""


def written(number: float, language: Language) -> str:
    """Return a number with the decimal separator of a language, without separators of thousands, which people read in two ways."""
    return f"{number:.15g}".replace(".", SEPARATOR[language])


def rounded(number: float, step: float, language: Language) -> str:
    """Return a number to a tenth of a step, so that no digit is shown that means nothing."""
    digits = max(0, 1 - math.floor(math.log10(step))) if step > 0 and math.isfinite(step) else 2
    return f"{number:.{min(digits, 6)}f}".replace(".", SEPARATOR[language])


def percent(share: float, language: Language, decimals: int = 1) -> str:
    """Return a share from 0 to 1 as a percentage."""
    number = f"{share * 100:.{decimals}f}".replace(".", SEPARATOR[language])
    return f"{number}{NARROW}%" if language == "es" else f"{number}%"


def typed_number(text: str, language: Language) -> int | float:
    """Read a number as a person types it: with the decimal separator of the language, or the other one where only that can be meant.

    Raises:
        AmbiguousNumberError: A separator may be one of decimals or of thousands.
        ValueError: It is no number.
    """
    text = text.strip().translate(MINUS)
    if len(text) > LONGEST:
        raise ValueError("too long")
    if WHOLE.fullmatch(text):
        return int(text)
    if GROUPED.fullmatch(text) and not _is_decimal(text, language):
        raise AmbiguousNumberError(text)
    if DECIMAL.fullmatch(text):
        return float(text.replace(",", "."))
    raise ValueError("not a number")


def readings(text: str, language: Language) -> list[str]:
    """Return what an ambiguous number may mean, each written without doubt: without separators of thousands."""
    text, decimal = text.strip().translate(MINUS), SEPARATOR[language]
    *groups, last = SEPARATORS.split(text)
    separators = SEPARATORS.findall(text)
    if len(set(separators)) > 1 and separators[-1] in ".,":  # 1.234,5
        return [f"{''.join(groups)}{decimal}{last}"]
    whole = "".join([*groups, last])
    return [whole, f"{groups[0]}{decimal}{last}"] if len(separators) == 1 and separators[0] in ".," else [whole]


def _is_decimal(text: str, language: Language) -> bool:
    """Return whether the only separator is that of the language's decimals."""
    return SEPARATORS.findall(text) == [SEPARATOR[language]]
