"""How a command begins and how it fails: settings read, errors told to a person or a script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from pydantic import ValidationError

from deployments.terminal.printing import err, show_json
from slipway.errors import SlipwayError
from slipway.settings import Settings


@contextmanager
def told(as_json: bool = False) -> Iterator[Settings]:
    """Give the settings; turn an error that a person is meant to read into its message and exit status 1."""
    try:
        yield Settings.load()
    except SlipwayError as error:
        fail(type(error).__name__, str(error), as_json)
    except ValidationError as error:
        fail("SettingsError", wrong_settings(error), as_json)


def wrong_settings(error: ValidationError) -> str:
    """Return what is wrong with the settings, for a person; what was set may be a secret and is not told."""
    found = []
    for item in error.errors(include_input=False):
        place, message = ".".join(map(str, item["loc"])), item["msg"].removeprefix("Value error, ")
        found.append(f"{place}: {message}" if place else message)
    return f"the settings (SLIPWAY_* variables or .env) are wrong: {'; '.join(found)}"


def fail(kind: str, message: str, as_json: bool = False) -> NoReturn:
    if as_json:
        show_json({"error": kind, "message": message})
    err.print(f"error: {message}", style="red", markup=False, highlight=False)
    raise typer.Exit(1)
