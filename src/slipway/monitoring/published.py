"""What the last watch of each model found: written by whoever watches, and read here for Prometheus and for a browser.

`<home>/watch/<model>/latest.json` and `report.html`, each replaced at once, so that neither is ever half there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from slipway.errors import SlipwayError
from slipway.files.private import private_folder
from slipway.files.replacing import replace

FOLDER = Path("watch")
LATEST, REPORT = "latest.json", "report.html"

Alarm = Literal["", "drift", "concept", "outcomes"]

logger = logging.getLogger(__name__)


class UnreadableWatchError(SlipwayError):
    """What the last watch found cannot be read."""


class Latest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the last watch found.

    `windows` were judged so far; `at` is when, in ISO 8601 with a zone; `rows` are those of the last window. `distances` are by column,
    None where there is none, and `drifted` names those that drifted. `figure` of `metric`, with its 95 % interval from `low` to `high`,
    and `registered`, that of the registration, are None where too few outcomes are known; `outcomes` counts them. `alarm` says what it
    is about, also where it is held back, "" for none; `frozen` that none is told.
    """

    model: str
    version: int | None
    windows: int
    at: str
    rows: int
    distances: dict[str, float | None] = {}
    drifted: list[str] = []
    prediction_distance: float | None = None
    metric: str | None = None
    figure: float | None = None
    low: float | None = None
    high: float | None = None
    registered: float | None = None
    outcomes: int | None = None
    alarm: Alarm = ""
    frozen: bool = False

    def __post_init__(self) -> None:
        if datetime.fromisoformat(self.at).tzinfo is None:
            raise ValueError(f"at: expected a time with its zone, received {self.at!r}.")


def publish(home: Path, model: str, report_html: bytes | None, latest: Latest) -> None:
    """Put the report and what was found in place of the last ones; the report first, so that none is older than what is told of it.

    Args:
        report_html: One file with all that it needs inside; None leaves the last report where it is.
    Raises:
        OSError: The home folder cannot be written; each file is the old one or the new one.
    """
    private_folder(home / FOLDER)
    private_folder(folder := home / FOLDER / model)
    if report_html is not None:
        replace(folder / REPORT, report_html, private=True, durable=True)
    replace(folder / LATEST, msgspec.json.encode(latest), private=True, durable=True)


def report_of(home: Path, model: str) -> bytes | None:
    """Return the last report of a model, None where there is none."""
    try:
        return (home / FOLDER / model / REPORT).read_bytes()
    except FileNotFoundError:
        return None


def latest_of(home: Path, model: str) -> Latest | None:
    """Return what the last watch of a model found, None where there was none.

    Raises:
        UnreadableWatchError: The file cannot be read, or is another model's or another version's.
    """
    path = home / FOLDER / model / LATEST
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Latest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableWatchError(f"{path} cannot be read ({error}). The next watch of {model} writes it anew.") from None
    if found.model != model:
        raise UnreadableWatchError(f"{path}: expected what was found of {model}, received that of {found.model[:60]}.")
    return found


class Watches:
    """The last watches of all models, read anew each time; a file that cannot be read is told in the log, once for each state of it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._told: dict[str, str] = {}

    def found(self) -> Iterator[tuple[str, Latest | None]]:
        """Give each model that was watched, and what was found; None where that cannot be read."""
        for model in self._models():
            try:
                latest = latest_of(self._home, model)
            except UnreadableWatchError as error:
                if self._told.get(model) != str(error):
                    self._told[model] = str(error)
                    logger.warning("%s", error)
                yield model, None
            else:
                self._told.pop(model, None)
                if latest:
                    yield model, latest

    def _models(self) -> list[str]:
        try:
            return sorted(path.name for path in (self._home / FOLDER).iterdir() if path.is_dir())
        except FileNotFoundError:
            return []
