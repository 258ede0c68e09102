"""A real browser, and a person who signs in with it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp
import pytest

from slipway.access import users
from slipway.access.callers import Grant
from slipway.access.records import read

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
PASSWORD = "correct-horse-battery-staple"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium. While it is open, nothing else in the process can run an event loop."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs a browser: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program, args=[*OPTIONS]) as browser:
        yield browser


def signed_in(browser: Browser, url: str, home: Path, name: str, *roles: str) -> Page:
    """Add a user with these roles and a second factor, and sign in at the gateway in English. Return the first page."""
    users.add(home, name, PASSWORD, [Grant.parse(role) for role in roles], with_second_factor=True)
    page = browser.new_page(base_url=url, locale="en-GB", viewport={"width": 1100, "height": 900})
    page.goto("/sign-in")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Security code").fill(pyotp.TOTP(read(home).users[name].second_factor or "").now())
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=name, exact=True).wait_for()
    return page
