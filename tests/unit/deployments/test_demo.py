"""The user of the demo, who can sign in with what the demo prints."""

from __future__ import annotations

import asyncio

from deployments.demo import SHOWN_CODES, USER, person
from slipway.access.gatekeeper import Gatekeeper


def test_each_demo_prints_a_password_and_codes_that_work(settings):
    person(settings)

    password, codes = person(settings)

    assert len(codes) == SHOWN_CODES

    async def sign_in(code: str) -> str:
        keeper = Gatekeeper(settings.home)
        cookie, _ = await keeper.open_page_session(USER, password, code, "127.0.0.1")
        found = await keeper.pages.find(cookie)
        keeper.close()
        assert found
        return str(found.caller)

    assert [asyncio.run(sign_in(code)) for code in codes] == ["user:demo"] * SHOWN_CODES
