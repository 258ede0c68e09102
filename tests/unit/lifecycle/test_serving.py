"""A bundle goes to the gateway, while another program answers at its port."""

from __future__ import annotations

import logging

import pytest
from pydantic import SecretStr

from slipway.bundle.store import active
from slipway.errors import ServingError
from slipway.lifecycle import serving

NO_ANSWERS = ["<html>It works!</html>", "[1, 2]", "null"]


@pytest.fixture
def elsewhere(settings, website):
    """Settings whose gateway is a website."""
    port = int(website.url.rsplit(":", 1)[1])
    return settings.model_copy(update={"gateway_port": port, "api_key": SecretStr("a-key")})


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_another_program_than_the_gateway_is_reported_and_nothing_is_installed(elsewhere, website, heart, write_bundle, tmp_path, answer):
    _say(tmp_path, heart.name, answer)

    with pytest.raises(ServingError, match=r"another program answers at .*, not the gateway: see `slipway status`"):
        serving.deploy(heart, write_bundle(tmp_path / "bundle"), elsewhere)

    assert active.active(elsewhere.bundles, heart.name) is None
    assert website.hits == 1


def test_an_undoing_goes_on_while_another_program_answers(elsewhere, heart, tmp_path, caplog):
    _say(tmp_path, heart.name, NO_ANSWERS[0])
    caplog.set_level(logging.WARNING)

    serving.revert(heart.name, None, elsewhere)

    assert "the earlier bundle is restored, which takes effect when the gateway is up again: another program" in caplog.text


def _say(folder, model, answer):
    page = folder / "website" / "models" / model
    page.parent.mkdir()
    page.write_text(answer)
