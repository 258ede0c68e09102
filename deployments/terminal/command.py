"""What every command does alike: it reads the settings, and ends with a message and an exit status a person or a script can use."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from deployments.terminal.output import say, say_error, show_json, unfollow_slipway
from slipway.errors import SlipwayError
from slipway.files.storage import storage_at_fault

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from slipway.settings import Settings

WRONG = "the settings (SLIPWAY_* variables or .env) are wrong"


class TerminatedError(BaseException):
    """SIGTERM, as an exception, so that what was begun is undone; Ctrl-C is Python's KeyboardInterrupt."""


def complete_model(incomplete: str) -> list[str]:
    """Return the models whose names begin so, for the shell's completion."""
    from slipway.catalogue import listings

    return [name for name in listings() if name.startswith(incomplete)]


ModelArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A model of the catalogue; `slipway models` lists them.", autocompletion=complete_model)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts, and nothing else to the standard output.")]


@contextmanager
def command(as_json: bool = False, changing: Sequence[str] = ()) -> Iterator[Settings]:
    """Give the settings. Turn an error that a person is meant to read into its message and exit status 1.

    Ctrl-C and SIGTERM cancel the command: what it began is undone, and the exit status is 130 or 143.

    Args:
        changing: The models whose version in service the command may change. If it is cancelled, it shows which version answers.
    """
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from slipway.settings import Settings, home_folder

    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield (settings := Settings.load())
    except SlipwayError as error:
        fail(type(error).__name__, str(error), as_json)
    except (typer.Exit, typer.Abort):
        raise
    except ValidationError as error:
        fail("SettingsError", wrong_settings(error), as_json)
    except SettingsError as error:
        fail("SettingsError", f"{WRONG}: {_not_json(error)}", as_json)
    except (KeyboardInterrupt, TerminatedError) as end:
        number = signal.SIGTERM if isinstance(end, TerminatedError) else signal.SIGINT
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is left to do is to say so
        message = "; ".join(["cancelled", *(still_answering(name, settings) for name in changing)])
        if as_json:
            show_json({"error": "Cancelled", "message": message})
        say(message)
        raise typer.Exit(128 + number) from None
    except Exception as error:
        if found := storage_at_fault(error, home_folder()):
            fail(type(found).__name__, str(found), as_json)
        raise
    finally:
        unfollow_slipway()


def still_answering(name: str, settings: Settings) -> str:
    """Return which version of a model is in service, for a person."""
    from slipway.bundle.store.active import active
    from slipway.catalogue import listings

    model = listings()[name].service if name in listings() else name
    pointer = active(settings.bundles, model)
    return f"version {pointer.bundle.partition('-')[0]} of {model} still answers" if pointer else f"{model} has no version in service"


def wrong_settings(error: ValidationError) -> str:
    """Return what is wrong with the settings, for a person. It does not show what was set, which may be a secret."""
    found = []
    for item in error.errors(include_input=False):
        place, message = ".".join(map(str, item["loc"])), item["msg"].removeprefix("Value error, ")
        found.append(f"{place}: {message}" if place else message)
    return f"{WRONG}: {'; '.join(found)}"


def _not_json(error: SettingsError) -> str:
    """Return which setting is not JSON. The error names its field; its cause shows what was set."""
    field = re.search(r'field "(\w+)"', str(error))
    return f"SLIPWAY_{field[1].upper()} is not JSON. .env.example shows its form" if field else str(error)


def fail(kind: str, message: str, as_json: bool = False) -> NoReturn:
    """Print an error and end with exit status 1."""
    if as_json:
        show_json({"error": kind, "message": message})
    say_error(message)
    raise typer.Exit(1)


def _terminate(*_: object) -> None:
    raise TerminatedError
