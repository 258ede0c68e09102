"""When a model is released automatically: a cron line in the local time of a time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from slipway.errors import SpecError

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
EXTENSIONS = re.compile(r"#|(?<![A-Z])L")  # L and # (the last, the second Monday): cron programs differ in them


@dataclass(frozen=True, slots=True)
class Schedule:
    """A time at which the model is released automatically, with the defaults of a release.

    `slug`: the name of the schedule, unique in a model. `cron`: minute, hour, day of the month, month, day of the week.
    `timezone`: an IANA name, such as America/Bogota; hours are local time, also when summer time begins and ends.
    `active`: whether it is on when Prefect first receives it. Afterwards the switch in the run page decides.
    """

    slug: str
    cron: str
    timezone: str
    active: bool = False

    def __post_init__(self) -> None:
        if not SLUG.fullmatch(self.slug):
            raise SpecError(f"schedule {self.slug!r}: a slug is lower-case letters and digits, with hyphens between them.")
        try:
            self._refuse_a_time_that_never_comes()
        except CronSimError as error:
            raise SpecError(
                f"schedule {self.slug}: cron={self.cron!r} is not a time ({error}); expected minute, hour, day of the month, month and "
                "day of the week, such as '0 3 1 * *' for three o'clock on the first of each month."
            ) from None
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):  # not found, not a name, a folder of names
            raise SpecError(
                f"schedule {self.slug}: timezone={self.timezone!r} is not known here; expected an IANA name, such as America/Bogota or UTC."
            ) from None

    def _refuse_a_time_that_never_comes(self) -> None:
        if len(self.cron.split()) != 5:
            raise CronSimError("Wrong number of fields")
        if found := EXTENSIONS.search(self.cron.upper()):
            raise CronSimError(f"{found.group()!r} is not understood by every cron")
        CronSim(self.cron, datetime.now(UTC))
