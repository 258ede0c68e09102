"""An administrator's pages in a real browser, without script: from a new user to that user's own pages."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pyotp
import pytest

from slipway.access import keys, users
from slipway.access.callers import Grant
from tests.pages.conftest import PASSWORD

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}
NUMBERS = itertools.count()


@pytest.fixture
def boss(pages, add_person) -> Iterator:
    person = add_person(f"chief-{next(NUMBERS)}", "administer")
    yield person
    users.revoke(pages.home, person.name)


@pytest.fixture
def open_page(chromium, pages) -> Iterator[Callable]:
    """Open a browser of its own, without script."""
    contexts = []

    def open_page(size: str = "desktop", locale: str = "en-GB", scheme: str = "light"):
        context = chromium.new_context(
            base_url=pages.url, viewport=SIZES[size], locale=locale, color_scheme=scheme, java_script_enabled=False
        )
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


def sign_in(page, person) -> None:
    page.goto("/sign-in?next=/access")
    page.locator("#name").fill(person.name)
    page.locator("#password").fill(PASSWORD)
    page.locator("#code").fill(person.code())
    page.locator("main form button").click()


def test_an_administrator_adds_a_user_who_signs_in_and_predicts(open_page, boss, pages):
    page, name = open_page("phone", "es-CO"), f"valeria-{next(NUMBERS)}"
    sign_in(page, boss)
    assert page.get_by_role("heading", level=1).inner_text() == "Usuarios y claves"

    page.get_by_role("link", name="Añadir un usuario").click()
    page.get_by_label("Nombre").fill(name)
    page.get_by_role("group", name="toy").get_by_label("Hacer predicciones").check()
    page.get_by_label("Código de seguridad").fill(boss.code())
    page.get_by_role("button", name="Añadir un usuario").click()
    password = page.locator(".once").inner_text()
    page.get_by_role("link", name="Ya la guardé").click()
    assert page.get_by_role("heading", level=1).inner_text() == f"Usuario {name}"
    assert "hacer predicciones (toy)" in page.locator("main").inner_text()

    other = open_page("desktop")
    other.goto("/sign-in")
    other.get_by_label("User name").fill(name)
    other.get_by_label("Password").fill(password)
    other.get_by_role("button", name="Sign in").click()
    secret = other.locator("[name=secret]").get_attribute("value")
    other.get_by_label("Security code").fill(pyotp.TOTP(secret).now())
    other.get_by_role("button", name="Confirm").click()
    other.get_by_role("link", name="I have kept them").click()
    other.get_by_role("link", name="New prediction").click()
    assert "toy" in other.get_by_role("heading", level=1).inner_text().lower()
    assert other.get_by_role("link", name="Access").count() == 0

    page.reload()
    assert "Configurado" in page.locator("main").inner_text()
    page.get_by_role("link", name="Revocar").click()
    page.get_by_role("button", name=f"Revocar {name}").click()
    assert "Se revocó el acceso" in page.get_by_role("status").inner_text()
    other.reload()
    assert other.url.endswith("/sign-in?next=/predict/toy")


def test_a_mistake_leads_to_its_field(open_page, boss):
    page = open_page()
    sign_in(page, boss)
    page.goto("/access/add-key")
    page.get_by_label("Days until it expires").fill("soon")
    page.get_by_role("button", name="Add a key").click()

    alert = page.get_by_role("alert")
    assert alert.locator("a").all_inner_texts() == [
        "The name must have 1 to 64 letters, digits or . _ @ + -, and begin with a letter or digit.",
        "Enter a whole number of days from 1 to 3650, or nothing.",
        "Choose at least one role.",
    ]
    for place, id in enumerate(["name", "days", "role"]):
        alert.locator("a").nth(place).click()
        assert page.url.endswith(f"#{id}")
        assert page.locator(f"#{id}").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_no_page_is_wider_than_the_screen_or_larger_than_60_kb_or_has_small_targets(chromium, pages, boss, size, scheme, tmp_path):
    key = f"a-key-with-a-rather-long-name.of-the-clinic-{next(NUMBERS)}"
    keys.issue(pages.home, key, [Grant("predict", "toy"), Grant("outcome"), Grant("operate")], 30, boss.name)
    locale = "es-CO" if scheme == "dark" else "en-GB"
    context = chromium.new_context(base_url=pages.url, viewport=SIZES[size], color_scheme=scheme, locale=locale)
    page = context.new_page()
    sign_in(page, boss)
    ids = (f"user:{boss.name}", f"key:{key}")
    addresses = ["/access", "/access/add-user", "/access/add-key"]
    addresses += [f"/access/{name}?of={id}" for id in ids for name in ("one", "roles", "rotate", "revoke")]
    for number, address in enumerate(addresses):
        reply = page.goto(address)
        assert len(reply.body()) < 60_000
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"], address
        heights = page.evaluate(
            "[...document.querySelectorAll('button, .button, input:not([type=hidden], [type=checkbox]), .choice, select, nav a')]"
            ".map(one => one.offsetHeight)"
        )
        assert all(height >= 44 for height in heights if height), (address, heights)
        page.screenshot(path=tmp_path / f"{size}-{scheme}-{number:02}.png", full_page=True)
    context.close()
    keys.revoke(pages.home, key)
