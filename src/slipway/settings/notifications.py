"""The settings of notifications: the channels, which are secrets, and after which silence a service is down. Part of `slipway.settings`."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from slipway.settings.variables import Variables

SLACK = re.compile(r"https://hooks\.slack(-gov)?\.com/(services|workflows|triggers)/.+")
TEAMS = re.compile(r"https://[^/]+/(powerautomate/automations/direct/(cu/\d+/)?)?workflows/[\w-]+/triggers/manual/paths/invoke/?\?.+")


class NotificationSettings(Variables):
    """Where notifications go. A person who knows one of these addresses can write to it, or read a mailbox's password.

    Only `slipway up` and `slipway notify` use them. They are excluded, so the platform's other programs do not receive them.
    """

    notify_slack: SecretStr | None = Field(None, exclude=True, description="Address of a Slack incoming web hook.")
    notify_teams: SecretStr | None = Field(None, exclude=True, description="Address of a Microsoft Teams workflow that takes web hooks.")
    notify_email: SecretStr | None = Field(None, exclude=True, description="Mail server, sender and recipients, as an Apprise mailto URL.")
    notify_webhook: SecretStr | None = Field(None, exclude=True, description="Address that receives a JSON object by POST.")
    down_seconds: Annotated[float, Field(ge=1, le=3_600)] = Field(30.0, description="Seconds of silence after which a service is down.")

    @field_validator("notify_slack")
    @classmethod
    def _slack(cls, url: SecretStr | None) -> SecretStr | None:
        return _expected(url, SLACK, "expected the address of a Slack web hook, https://hooks.slack.com/services/...")

    @field_validator("notify_teams")
    @classmethod
    def _teams(cls, url: SecretStr | None) -> SecretStr | None:
        return _expected(url, TEAMS, "expected the address of a Teams workflow, https://HOST/workflows/ID/triggers/manual/paths/invoke?...")

    @field_validator("notify_email")
    @classmethod
    def _email(cls, url: SecretStr | None) -> SecretStr | None:
        return _expected(url, re.compile(r"mailtos?://.+"), "expected an Apprise URL, mailtos://user:{password}@host?from=...&to=...")

    @field_validator("notify_webhook")
    @classmethod
    def _webhook(cls, url: SecretStr | None) -> SecretStr | None:
        if url and (urlsplit(url.get_secret_value()).scheme not in ("http", "https") or not urlsplit(url.get_secret_value()).hostname):
            raise ValueError("expected an address, https://host/path")
        return url


def _expected(url: SecretStr | None, pattern: re.Pattern[str], message: str) -> SecretStr | None:
    if url and not pattern.fullmatch(url.get_secret_value()):
        raise ValueError(message)  # without the value, which is a secret
    return url
