"""A time that never comes, or an unknown time zone, is refused when the model file is imported."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from slipway.errors import SpecError
from slipway.spec import ModelSpec, Schedule


@pytest.mark.parametrize("cron", ["0 3 1 * *", "*/15 8-18 * * MON-FRI", "30 2 1,15 JAN,JUL *", "0 0 29 2 *", "0 0 31 2 1"])
@pytest.mark.parametrize("zone", ["UTC", "America/Bogota", "Europe/Madrid"])
def test_times_that_come_are_accepted(cron: str, zone: str) -> None:
    assert not Schedule("nightly", cron, zone).active


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("0 3 1 *", "Wrong number of fields"),
        ("0 0 3 1 * *", "Wrong number of fields"),  # with seconds: Prefect has them last, others first
        ("60 3 * * *", "Bad minute"),
        ("0 24 * * *", "Bad hour"),
        ("0 3 0 * *", "Bad day-of-month"),
        ("0 3 30 2 *", "Bad day-of-month"),  # February has no 30th
        ("0 3 31 4,6 *", "Bad day-of-month"),
        ("0 3 * 13 *", "Bad month"),
        ("0 3 * * 8", "Bad day-of-week"),
        ("0 3 * * FUNDAY", "Bad day-of-week"),
        ("*/0 3 * * *", "Bad minute"),
        ("0 3 L * *", "'L' is not understood by every cron"),
        ("0 3 * * 1#2", "'#' is not understood by every cron"),
        ("H 3 * * *", "Bad minute"),
        ("@daily", "Wrong number of fields"),
        ("", "Wrong number of fields"),
    ],
)
def test_a_time_that_never_comes_is_refused(cron: str, message: str) -> None:
    with pytest.raises(SpecError, match=rf"schedule nightly: cron='.*' is not a time \({message}\); expected minute, hour"):
        Schedule("nightly", cron, "UTC")


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "America", "../etc/passwd", "/etc/localtime", "Bogota", "utc+1"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(SpecError, match=r"schedule nightly: timezone='.*' is not known here; expected an IANA name"):
        Schedule("nightly", "0 3 * * *", zone)


@pytest.mark.parametrize(
    ("cron", "zone", "words"),
    [
        ("30 2 * * *", "Europe/Berlin", "names 02:30, which Europe/Berlin leaves out on .*03-.*, when the clock goes from 02:00 to 03:00"),
        ("30 2 * * *", "Europe/Berlin", r"Write a time before or after that hour, such as '30 3 \* \* \*'\.$"),
        ("0 0 * * *", "America/Santiago", r"the clock goes from 00:00 to 01:00\. Write .*, such as '0 1 \* \* \*'"),
        ("10 2 * * *", "Australia/Lord_Howe", r"the clock goes from 02:00 to 02:30\. Write .*, such as '10 3 \* \* \*'"),
        ("0 2 * * SUN", "Europe/Madrid", r"such as '0 3 \* \* SUN'"),
        ("0 2,14 * * *", "Europe/Berlin", r"names 02:00.*Write a time before or after that hour\.$"),
        ("0 2 25-31 3 *", "Europe/Berlin", "names 02:00"),
        ("0 0 * * *", "America/Havana", "from 00:00 to 01:00"),
    ],
)
def test_a_time_that_summer_time_leaves_out_is_refused_with_one_that_comes(cron: str, zone: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        Schedule("nightly", cron, zone)


@pytest.mark.parametrize("slug", ["", "Nightly", "every night", "nightly-", "-nightly", "a--b", "nächtlich"])
def test_a_slug_with_other_characters_is_refused(slug: str) -> None:
    with pytest.raises(SpecError, match="a slug is lower-case letters and digits"):
        Schedule(slug, "0 3 * * *", "UTC")


def test_two_schedules_of_one_model_have_two_slugs(toy: ModelSpec) -> None:
    twice = (Schedule("nightly", "0 3 * * *", "UTC"), Schedule("nightly", "0 4 * * *", "UTC"))

    with pytest.raises(SpecError, match=r"toy: schedules=\['nightly', 'nightly'\] has a slug twice"):
        replace(toy, schedules=twice)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("30 3 * * *", "Europe/Berlin"),
        ("0 1 * * *", "America/Santiago"),
        ("30 23 * * *", "America/Santiago"),  # twice when summer time ends
        ("30 1 * * *", "America/New_York"),  # twice when summer time ends
        ("0 1-3 * * *", "America/New_York"),  # 01:00 and 03:00 are scheduled too, so nothing is lost
        ("*/30 * * * *", "Europe/Berlin"),
        ("10 3 * * *", "Australia/Lord_Howe"),
    ],
)
def test_prefect_starts_what_is_accepted_once_at_its_local_time_around_every_change_of_two_years(cron: str, zone: str) -> None:
    from prefect.server.schemas.schedules import CronSchedule

    Schedule("nightly", cron, zone)
    local, schedule = ZoneInfo(zone), CronSchedule(cron=cron, timezone=zone)
    for begin in _changes(local):
        end = begin + timedelta(days=2)
        started = set()
        for hours in range(0, 48, 3):  # Prefect asks again and again from now on
            after = begin + timedelta(hours=hours)
            started |= set(schedule._get_dates_generator(n=100, start=after, end=after + timedelta(hours=4)))

        expected = []
        for time in takewhile(
            (end + timedelta(days=1)).replace(tzinfo=None).__ge__, CronSim(cron, begin.replace(tzinfo=None) - timedelta(days=1))
        ):
            moment = time.replace(tzinfo=local).astimezone(UTC)  # the first of two
            if moment.astimezone(local).replace(tzinfo=None) == time and begin <= moment < end:
                expected.append(moment)
        assert sorted(moment.astimezone(UTC) for moment in started if begin <= moment < end) == expected
        assert expected


def _changes(zone: ZoneInfo) -> list[datetime]:
    """Return the days, UTC, before those on which summer time begins or ends."""
    days = [datetime(2027, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(730)]
    return [day for day in days if day.astimezone(zone).utcoffset() != (day + timedelta(days=1)).astimezone(zone).utcoffset()]
