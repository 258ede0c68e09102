"""The messages of the pages: the same in both languages, each used, each with what it needs."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from slipway.pages.languages import LANGUAGES, preferred
from slipway.pages.texts import messages, text

SOURCE = Path(__file__).parents[3] / "src" / "slipway"


def places(message: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(message) if name}


def test_both_languages_have_the_same_messages_with_the_same_places():
    english, spanish = ({key: places(message) for key, message in messages(language).items()} for language in LANGUAGES)

    assert english == spanish


def test_no_message_is_empty_or_left_in_the_other_language():
    same = {"form.date_example"}  # a date in ISO 8601

    assert all(message.strip() for language in LANGUAGES for message in messages(language).values())
    english, spanish = map(messages, LANGUAGES)
    assert {key for key in english if english[key] == spanish[key] and len(english[key]) > 8} <= same


def test_each_message_is_used_and_each_used_one_exists():
    sources = [path for folder in ("pages", "gateway") for path in (SOURCE / folder).rglob("*") if path.suffix in (".py", ".html")]
    code = "\n".join(path.read_text() for path in sources)
    used = set(re.findall(r'\bt\(\s*"(\w+\.[\w.]+)"', code))
    named = set(re.findall(r'"([a-z_]+\.[\w.]+)"', code))
    with_places = re.findall(r"""f["']([a-z_]+\.[^"']*)["']""", code)
    computed = [re.compile(re.sub(r"\\{[^}]*\\}", ".+", re.escape(key))) for key in with_places]
    known = {key.removesuffix(".one") for key in messages("en")}

    assert used <= known
    assert {key for key in known - used - named if not any(pattern.fullmatch(key) for pattern in computed)} == set()


def test_a_number_of_one_has_its_own_message():
    assert text("en", "time.minutes", number=1) == "1 minute"
    assert text("es", "time.minutes", number=5) == "5 minutos"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("es", "es"),
        ("es-CO,es;q=0.9,en;q=0.8", "es"),
        ("en-GB,en;q=0.9,es;q=0.8", "en"),
        ("de,fr;q=0.9,es;q=0.3", "es"),
        ("de", "en"),
        ("en;q=0.2, es;q=0.7", "es"),
        ("es;q=0, en", "en"),
        ("es;q=x;;,,", "en"),
        ("*", "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_prefers(header, language):
    assert preferred(header) == language
