"""Templates: every value is escaped, a missing one is an error, and colours can be read."""

from __future__ import annotations

import re

import pytest
from jinja2 import UndefinedError

from slipway.pages.moments import moment
from slipway.pages.qr import qr_code
from slipway.pages.rendering import FieldError, View, environment, render
from slipway.pages.styles import style_sheet

HOSTILE = "\"><script>alert('1')</script>"


def test_no_value_of_a_page_becomes_markup():
    view = View("en", path=f"/{HOSTILE}", name=HOSTILE, form_token=HOSTILE)

    page = render(
        "sign_in.html",
        view,
        errors=[FieldError("name", HOSTILE), FieldError("", HOSTILE)],
        name=HOSTILE,
        next=HOSTILE,
        provider=HOSTILE,
        kept=HOSTILE,
    ).decode()

    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 9


def test_a_value_that_a_page_lacks_is_an_error_and_not_a_gap():
    with pytest.raises(UndefinedError):
        render("sign_in.html", View("en"), errors=[])


def test_only_what_the_server_has_drawn_is_not_escaped():
    loader = environment().loader
    assert loader is not None
    unescaped = {
        name: re.findall(r"\{\{([^}]*\|\s*safe[^}]*)\}\}", loader.get_source(environment(), name)[0]) for name in loader.list_templates()
    }

    drawn_here = {
        "second_factor.html": [" qr|safe "],
        "service/act.html": [" approval.findings|safe "],
        "service/watch_report.html": [" style|safe "],  # the style sheet of all pages
    }
    assert {name: found for name, found in unescaped.items() if found} == drawn_here


def test_a_qr_code_is_an_svg_without_styles_or_scripts():
    drawn = qr_code(f"otpauth://totp/Slipway:{HOSTILE}?secret=ABC")

    assert re.fullmatch(r'<svg viewBox="0 0 \d+ \d+"><path fill="#fff" d="[^"<>]+"/><path stroke="#000" d="[^"<>]+"/></svg>', drawn.strip())


def test_a_time_is_written_as_the_language_writes_it():
    assert re.match(r"30 de noviembre de 2026, \d\d:\d\d \S+", moment("es", 1_796_040_000))
    assert re.match(r"30 November 2026, \d\d:\d\d \S+", moment("en", 1_796_040_000))


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_texts_have_the_contrast_of_wcag_aa(scheme):
    block = re.findall(r":root \{(.*?)\}", style_sheet().decode(), re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    pairs = [
        *(("ink", paper) for paper in ("paper", "raised", "wrong-paper", "good-paper", "warn-paper")),
        *(("quiet", "paper"), ("quiet", "raised"), ("accent", "paper"), ("accent", "raised"), ("on-accent", "accent")),
        *(("wrong", "paper"), ("wrong", "wrong-paper"), ("good", "good-paper"), ("warn", "warn-paper")),
    ]

    for text, paper in pairs:
        light, dark = sorted((luminance(colours[text]), luminance(colours[paper])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, paper)
