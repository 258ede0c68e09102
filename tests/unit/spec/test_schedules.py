"""A time that never comes, or an unknown time zone, is refused when the model file is imported."""

from __future__ import annotations

from dataclasses import replace

import pytest

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


@pytest.mark.parametrize("slug", ["", "Nightly", "every night", "nightly-", "-nightly", "a--b", "nächtlich"])
def test_a_slug_with_other_characters_is_refused(slug: str) -> None:
    with pytest.raises(SpecError, match="a slug is lower-case letters and digits"):
        Schedule(slug, "0 3 * * *", "UTC")


def test_two_schedules_of_one_model_have_two_slugs(toy: ModelSpec) -> None:
    twice = (Schedule("nightly", "0 3 * * *", "UTC"), Schedule("nightly", "0 4 * * *", "UTC"))

    with pytest.raises(SpecError, match=r"toy: schedules=\['nightly', 'nightly'\] has a slug twice"):
        replace(toy, schedules=twice)
