"""When a model is released automatically: a cron line in the local time of a time zone."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from slipway.errors import SpecError

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
EXTENSIONS = re.compile(r"#|(?<![A-Z])L")  # L and # (the last, the second Monday): cron programs differ in them


@dataclass(frozen=True, slots=True)
class Schedule:
    """A time at which the model is released automatically, with the defaults of a release.

    `slug`: the name of the schedule, unique in a model. `cron`: minute, hour, day of the month, month, day of the week.
    `timezone`: an IANA name, such as America/Bogota; hours are local time, also in summer. A time that the clock
    leaves out when summer time begins is refused, because Prefect would start the run an hour early or late.
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
        self._refuse_a_time_that_summer_time_leaves_out()

    def _refuse_a_time_that_never_comes(self) -> None:
        if len(self.cron.split()) != 5:
            raise CronSimError("Wrong number of fields")
        if found := EXTENSIONS.search(self.cron.upper()):
            raise CronSimError(f"{found.group()!r} is not understood by every cron")
        CronSim(self.cron, datetime.now(UTC))

    def _refuse_a_time_that_summer_time_leaves_out(self) -> None:
        """A run every hour, or oftener, loses nothing: the times before and after are scheduled too."""
        for begin, end in _gaps(self.timezone):
            gap = end - begin
            for time in takewhile(end.__gt__, CronSim(self.cron, begin - timedelta(minutes=1))):
                if not (self._has(time - gap) and self._has(time + gap)):
                    raise SpecError(
                        f"schedule {self.slug}: cron={self.cron!r} names {time:%H:%M}, which {self.timezone} leaves out on "
                        f"{time:%Y-%m-%d}, when the clock goes from {begin:%H:%M} to {end:%H:%M}. "
                        f"Write a time before or after that hour{self._such_as(end)}."
                    )

    def _has(self, time: datetime) -> bool:
        return next(CronSim(self.cron, time - timedelta(minutes=1))) == time

    def _such_as(self, end: datetime) -> str:
        """Return the same time in the first hour after a gap, if the line names one hour."""
        minute, hour, *days = self.cron.split()
        after = end.hour + bool(end.minute)
        return f", such as {' '.join((minute, str(after), *days))!r}" if hour.isdigit() else ""


@cache
def _gaps(timezone: str) -> tuple[tuple[datetime, datetime], ...]:
    """Return the first and the last moment of each hour that a zone's clock leaves out in the next two years, as the clock shows them."""
    zone, gaps = ZoneInfo(timezone), []
    day = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    before = _offset(day, zone)
    for _ in range(2 * 366):
        after = _offset(day + timedelta(days=1), zone)
        if after > before:
            minutes = bisect_left(range(24 * 60), True, key=lambda minute: _offset(day + timedelta(minutes=minute), zone) != before)
            begin = (day + timedelta(minutes=minutes) + before).replace(tzinfo=None)
            gaps.append((begin, begin + (after - before)))
        day, before = day + timedelta(days=1), after
    return tuple(gaps)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
