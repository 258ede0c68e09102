"""The messages of the pages, by key: one file a language in `messages/`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from slipway.pages.languages import Language

FOLDER = Path(__file__).parent / "messages"


@cache
def messages(language: Language) -> dict[str, str]:
    """Return every message of a language by its key, such as `sign_in.title`."""
    found: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    return found


def text(language: Language, key: str, **values: Any) -> str:
    """Return a message; `{name}` in it is replaced by the value of that name.

    With `number`, the message is that of `<key>.one` if it is 1.

    Raises:
        KeyError: There is no such message, or a value is missing.
    """
    known = messages(language)
    if values.get("number") == 1 and f"{key}.one" in known:
        key = f"{key}.one"
    return known[key].format_map(values)
