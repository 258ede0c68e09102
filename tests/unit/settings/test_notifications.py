from __future__ import annotations

import pytest
from pydantic import ValidationError

from deployments.local import services
from deployments.terminal.command import wrong_settings
from slipway.settings import Settings

SECRET = "a-key-that-must-not-show"
TEAMS = "https://prod-1.westeurope.logic.azure.com:443/workflows/0ab1/triggers/manual/paths/invoke?api-version=2016-06-01&sig="


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("SLACK", f"https://hooks.slack.com/services/T0/B0/{SECRET}"),
        ("SLACK", f"https://hooks.slack-gov.com/services/T0/B0/{SECRET}"),
        ("TEAMS", f"{TEAMS}{SECRET}"),
        ("TEAMS", f"https://default0.environment.api.powerplatform.com/powerautomate/automations/direct/workflows/0ab1/triggers/manual/paths/invoke?sig={SECRET}"),
        ("EMAIL", f"mailtos://slipway:{SECRET}@mail.example.org?to=on-call@example.org"),
        ("WEBHOOK", f"https://chat.example.org/hooks/{SECRET}"),
    ],
)  # fmt: skip
def test_a_channel_is_read_but_neither_shown_nor_passed_to_the_platforms_programs(monkeypatch, tmp_path, name, url):
    monkeypatch.setenv(f"SLIPWAY_NOTIFY_{name}", url)

    settings = Settings(home=tmp_path)

    assert getattr(settings, f"notify_{name.lower()}").get_secret_value() == url
    assert SECRET not in repr(settings)
    given = services.inherited(settings, {f"SLIPWAY_NOTIFY_{name}": url, "HOME": "/"})
    assert given["HOME"] == "/"
    assert SECRET not in str(given)


@pytest.mark.parametrize(
    ("name", "url", "expected"),
    [
        ("SLACK", f"https://elsewhere.example/services/{SECRET}", "https://hooks.slack.com/services/..."),
        ("SLACK", f"http://hooks.slack.com/services/T/B/{SECRET}", "https://hooks.slack.com/services/..."),
        ("TEAMS", f"https://example.webhook.office.com/webhookb2/{SECRET}", "/triggers/manual/paths/invoke"),
        ("EMAIL", f"smtp://slipway:{SECRET}@mail.example.org", "mailtos://"),
        ("WEBHOOK", f"ftp://example.org/{SECRET}", "https://host/path"),
        ("WEBHOOK", f"/hooks/{SECRET}", "https://host/path"),
    ],
)
def test_an_address_of_another_kind_is_refused_without_being_shown(monkeypatch, tmp_path, name, url, expected):
    monkeypatch.setenv(f"SLIPWAY_NOTIFY_{name}", url)

    with pytest.raises(ValidationError) as refused:
        Settings(home=tmp_path)

    message = wrong_settings(refused.value)
    assert expected in message
    assert f"notify_{name.lower()}" in message
    assert SECRET not in message + str(refused.value)
