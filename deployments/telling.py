"""How a command begins and how it fails: settings read, errors told to a person or a script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from pydantic import ValidationError

from deployments.printing import err, show_json
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
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_input=False))
        fail("SettingsError", f"the settings (SLIPWAY_* variables or .env) are wrong: {wrong}", as_json)


def fail(kind: str, message: str, as_json: bool = False) -> NoReturn:
    if as_json:
        show_json({"error": kind, "message": message})
    err.print(f"error: {message}", style="red", markup=False, highlight=False)
    raise typer.Exit(1)
