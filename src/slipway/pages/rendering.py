"""A template and its values become HTML. Every value is escaped, and a value that is missing is an error."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.pages.languages import LANGUAGES, NAMES, Language
from slipway.pages.styles import style_hash
from slipway.pages.texts import text

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Link:
    """A link on top of the page: where to, the key of its message, and whether it leads to where the reader is."""

    path: str
    message: str
    current: bool


@dataclass(frozen=True, slots=True)
class View:
    """What every page needs to know.

    `root` is the path of the gateway behind a reverse proxy, usually "". `path` is the address of this page, to which a change of the
    language returns. `name` is that of the person who is signed in, or "". `form_token` belongs into every form. `links` are those on top.
    """

    language: Language
    root: str = ""
    path: str = "/"
    name: str = ""
    form_token: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a form: its id, "" for the form as a whole, and the message in the reader's language."""

    field: str
    message: str


@cache
def environment() -> Environment:
    """Return the templates. The first call imports Jinja2 and takes some time."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, auto_reload=False, trim_blocks=True, lstrip_blocks=True
    )
    made.globals.update(languages=[(language, NAMES[language]) for language in LANGUAGES], style=style_hash())
    return made


def render(template: str, view: View, **values: Any) -> bytes:
    """Return a page. In a template, `t("key")` is a message in the view's language."""
    found = environment().get_template(template)
    return found.render(view=view, t=partial(text, view.language), **values).encode()
