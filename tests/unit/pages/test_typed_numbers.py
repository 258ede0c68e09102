"""Numbers as people type them: the decimal comma of Spanish, and what may be read in two ways."""

from __future__ import annotations

import pytest

from slipway.pages.languages import Language
from slipway.pages.prediction.numbers import AmbiguousNumberError, percent, readings, rounded, typed_number, written


@pytest.mark.parametrize(
    ("typed", "language", "number"),
    [
        ("8,1", "es", 8.1),
        ("8.1", "es", 8.1),  # three digits would be ambiguous; one is not
        ("8.1", "en", 8.1),
        ("8,1", "en", 8.1),
        (" 60 ", "es", 60),
        ("+60", "en", 60),
        ("-2,5", "es", -2.5),
        ("\N{MINUS SIGN}2,5", "es", -2.5),  # as a text processor writes it
        (",5", "es", 0.5),
        ("5,", "es", 5.0),
        ("1,234", "es", 1.234),  # the language's own separator of decimals
        ("1.234", "en", 1.234),
        ("0.125", "es", 0.125),  # no grouped number begins with 0
        ("0,125", "en", 0.125),
        ("1234,567", "en", 1234.567),  # nor has it four digits before a separator
        ("007", "en", 7),
    ],
)
def test_a_number_is_read_as_its_language_writes_it(typed: str, language: Language, number: float) -> None:
    found = typed_number(typed, language)

    assert (found, type(found)) == (number, type(number))


@pytest.mark.parametrize(
    ("typed", "language", "ways"),
    [
        ("1.234", "es", ["1234", "1,234"]),
        ("1,234", "en", ["1234", "1.234"]),
        ("-1.234", "es", ["-1234", "-1,234"]),
        ("1.234,5", "es", ["1234,5"]),
        ("1,234.5", "en", ["1234.5"]),
        ("1.234,5", "en", ["1234.5"]),
        ("1.234.567", "es", ["1234567"]),
        ("1 234", "es", ["1234"]),
        ("1\N{NO-BREAK SPACE}234,5", "es", ["1234,5"]),
        ("1'234", "en", ["1234"]),
    ],
)
def test_a_number_that_may_be_read_in_two_ways_is_refused_with_the_ways_out(typed: str, language: Language, ways: list[str]) -> None:
    with pytest.raises(AmbiguousNumberError):
        typed_number(typed, language)

    assert readings(typed, language) == ways
    for way in ways:
        typed_number(way, language)  # each of them is read


@pytest.mark.parametrize(
    "typed", ["", "a", "8,1,2", "1.2.3", "8 1", "1e5", "NaN", "inf", "0x10", "--5", "١٢", "9" * 41, "1_000", "<b>8</b>", ".", ","]
)
@pytest.mark.parametrize("language", ["en", "es"])
def test_anything_else_is_no_number(typed: str, language: Language) -> None:
    with pytest.raises(ValueError, match=r"too long|not a number") as refused:
        typed_number(typed, language)

    assert not isinstance(refused.value, AmbiguousNumberError)


def test_numbers_are_written_as_the_language_does() -> None:
    assert (written(8.1, "es"), written(8.1, "en"), written(120.0, "es"), written(10_000, "es")) == ("8,1", "8.1", "120", "10000")
    assert (percent(0.7342, "es"), percent(0.7342, "en")) == ("73,4\N{NO-BREAK SPACE}%", "73.4%")


def test_a_number_is_rounded_to_the_digits_that_mean_something() -> None:
    # an interval of 119 is shown to whole numbers, one of 0.9 to thousandths
    assert rounded(152.3712, 11.9, "en") == "152"
    assert rounded(0.123456, 0.09, "es") == "0,123"
    assert rounded(5.0, 0.0, "en") == "5.00"
