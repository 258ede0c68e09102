"""The results of the last watch of each model: the watch writes them, and the gateway reads them for Prometheus and for a browser.

`<home>/watch/<model>/latest.json` and `report.html`. Each is replaced at once, so neither is ever incomplete.
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

PublishedAlarm = Literal["", "drift", "concept", "outcomes"]

logger = logging.getLogger(__name__)


class UnreadableWatchError(SlipwayError):
    """The results of the last watch cannot be read."""


class Latest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The results of the last watch, at the time `at`: ISO 8601 with a zone.

    `windows` counts the windows judged so far, `rows` the rows of the last one. `distances` are by column, None if not measured, and
    `drifted` names the columns that drifted. `figure` of `metric`, its 95 % interval from `low` to `high`, and `registered`, the figure at
    registration, are None if too few outcomes are known; `outcomes` counts them. `alarm` is its kind, raised or held back, "" for none.
    `frozen`: alarms are held back by the switch.
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
    alarm: PublishedAlarm = ""
    frozen: bool = False

    def __post_init__(self) -> None:
        if datetime.fromisoformat(self.at).tzinfo is None:
            raise ValueError(f"at: expected a time with its zone, received {self.at!r}.")


def publish(home: Path, model: str, report_html: bytes | None, latest: Latest) -> None:
    """Replace the report and the results. The report comes first, so it is never older than the results.

    Args:
        report_html: A self-contained page; None keeps the last report.
    Raises:
        OSError: The home folder cannot be written; each file is the old one or the new one.
    """
    private_folder(home / FOLDER)
    private_folder(folder := home / FOLDER / model)
    if report_html is not None:
        replace(folder / REPORT, report_html, private=True, durable=True)
    replace(folder / LATEST, msgspec.json.encode(latest), private=True, durable=True)


def report_of(home: Path, model: str) -> bytes | None:
    """Return the last report of a model, None if there is none."""
    try:
        return (home / FOLDER / model / REPORT).read_bytes()
    except FileNotFoundError:
        return None


def latest_of(home: Path, model: str) -> Latest | None:
    """Return the results of the last watch of a model, None if there was none.

    Raises:
        UnreadableWatchError: The file cannot be read, or is another model's or another version's.
    """
    path = home / FOLDER / model / LATEST
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Latest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableWatchError(f"{path} cannot be read ({error}). The next watch of {model} writes a new one.") from None
    if found.model != model:
        raise UnreadableWatchError(f"{path}: expected results of {model}, received results of {found.model[:60]}.")
    return found


class Watches:
    """The last watches of all models, read again each time. A file that cannot be read is logged, once for each error."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._logged: dict[str, str] = {}

    def found(self) -> Iterator[tuple[str, Latest | None]]:
        """Yield each watched model with its results; None if they cannot be read."""
        for model in self._models():
            try:
                latest = latest_of(self._home, model)
            except UnreadableWatchError as error:
                if self._logged.get(model) != str(error):
                    self._logged[model] = str(error)
                    logger.warning("%s", error)
                yield model, None
            else:
                self._logged.pop(model, None)
                if latest:
                    yield model, latest

    def _models(self) -> list[str]:
        try:
            return sorted(path.name for path in (self._home / FOLDER).iterdir() if path.is_dir())
        except FileNotFoundError:
            return []
