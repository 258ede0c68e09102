"""The pages in a real browser: without script, by keyboard, in both languages, on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pyotp
import pytest

from tests.pages.conftest import PASSWORD

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}


@pytest.fixture
def page(chromium, pages) -> Iterator:
    """A page on a phone whose owner reads Spanish and has turned scripts off."""
    context = chromium.new_context(base_url=pages.url, viewport=SIZES["phone"], locale="es-CO", java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_a_first_sign_in_by_keyboard_sets_up_the_second_factor_and_the_next_one_asks_for_it(page, add_person, tmp_path):
    rosa = add_person("rosa", "predict", second_factor=False)
    page.goto("/")
    for _ in range(3):  # past the link to the content and the name of the product
        page.keyboard.press("Tab")
    page.keyboard.type("rosa")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    assert page.get_by_role("heading", level=1).inner_text() == "Configure su código de seguridad"
    secret = page.locator("[name=secret]").get_attribute("value")
    page.get_by_label("Código de seguridad").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Confirmar").click()
    assert page.locator(".codes li").count() == 10
    page.get_by_role("link", name="continuar").click()
    assert page.get_by_role("heading", name="toy").is_visible()

    page.get_by_role("button", name="Cerrar sesión").click()
    page.get_by_label("Nombre de usuario").fill("rosa")
    page.get_by_label("Contraseña").fill(PASSWORD)
    page.get_by_role("button", name="Iniciar sesión").click()
    assert page.locator(".summary a, .summary li").first.is_visible()
    page.get_by_label("Contraseña").fill(PASSWORD)
    from dataclasses import replace

    page.get_by_label("Código de seguridad").fill(replace(rosa, secret=secret).code())
    page.get_by_role("button", name="Iniciar sesión").click()
    assert page.get_by_role("link", name="rosa").is_visible()
    page.screenshot(path=tmp_path / "front.png", full_page=True)


def test_after_wrong_passwords_the_page_says_when_to_try_again(page, add_person):
    add_person("lena")
    page.goto("/sign-in")
    for _ in range(5):
        page.get_by_label("Nombre de usuario").fill("lena")
        page.get_by_label("Contraseña").fill("wrong-horse-battery")
        page.get_by_role("button", name="Iniciar sesión").click()

    assert "Puede volver a intentarlo en 5 minutos" in page.get_by_role("alert").inner_text()


def test_the_language_is_changed_by_a_link_and_stays(page):
    page.goto("/sign-in")

    page.get_by_role("link", name="English").click()

    assert page.get_by_role("heading", level=1).inner_text() == "Sign in"
    page.goto("/sign-in")
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("size", SIZES)
def test_no_page_is_wider_than_the_screen_or_larger_than_60_kb_or_has_small_targets(chromium, pages, signed_in, size):
    context = chromium.new_context(base_url=pages.url, viewport=SIZES[size], color_scheme="dark")
    page = context.new_page()
    for path in ("/sign-in", "/", "/account"):
        reply = page.goto(path)
        assert len(reply.body()) < 60_000
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"], path
        heights = page.evaluate("[...document.querySelectorAll('button, input:not([type=hidden]), nav a')].map(one => one.offsetHeight)")
        assert all(height >= 44 for height in heights if height), (path, heights)
        if path == "/sign-in":
            context.add_cookies([{"name": "slipway", "value": signed_in.cookies["slipway"], "url": pages.url}])
    context.close()
