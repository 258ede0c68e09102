"""How large a page is on the wire: a form of hundreds of columns is compressed, and its token does not help an attacker to read it."""

from __future__ import annotations

import gzip

import pytest

from slipway.bundle.contract import Column
from slipway.gateway.endpoints.browser.form_tokens import _masked, _unmasked
from slipway.gateway.endpoints.browser.showing import LARGE, _compressed
from slipway.gateway.request import Request
from slipway.pages.prediction.fields import form_fields
from slipway.pages.rendering import View, render
from tests.unit.pages.conftest import specs, vocabulary  # noqa: F401 - fixtures

TOKEN = "0f" * 32


def request(accepted: bytes) -> Request:
    async def receive():
        raise AssertionError("nothing is read")

    return Request("GET", "/predict/wide", {b"accept-encoding": accepted} if accepted else {}, receive)


def wide(vocabulary, columns: int) -> bytes:  # noqa: F811
    names = [Column(f"gene_{number}", "number", f"Expression of gene {number}", low=0, high=20) for number in range(columns)]
    words = vocabulary("diabetes", "es", columns=names)
    view = View("es", form_token=TOKEN)
    return render("prediction/form.html", view, words=words, fields=form_fields(words), sent={}, errors=[], subject=True, decimals=True)


def test_a_form_of_500_columns_is_below_60_kb_on_the_wire(vocabulary):  # noqa: F811
    page = wide(vocabulary, 500)

    sent, headers = _compressed(request(b"gzip, deflate, br"), page)

    assert len(page) > 60_000
    assert len(sent) < 60_000
    assert dict(headers)[b"content-encoding"] == b"gzip"
    assert gzip.decompress(sent) == page


@pytest.mark.parametrize("accepted", [b"", b"br", b"gzip;q=0, br"])
def test_a_browser_that_reads_no_gzip_gets_the_page_as_it_is(vocabulary, accepted):  # noqa: F811
    page = wide(vocabulary, 500)

    assert _compressed(request(accepted), page) == (page, ())


def test_a_small_page_is_not_compressed():
    page = b"x" * (LARGE - 1)

    assert _compressed(request(b"gzip"), page) == (page, ())


def test_a_token_is_written_differently_each_time_and_read_back():
    written = {_masked(TOKEN) for _ in range(50)}

    assert len(written) == 50
    assert {_unmasked(one) for one in written} == {TOKEN}
    assert not any(TOKEN in one for one in written)
    assert [_unmasked(sent) for sent in ("", "zz", "abc", "é")] == ["", "", "", ""]
