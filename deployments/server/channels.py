"""The channels of notifications: from settings to the blocks in which the Prefect server keeps their addresses, encrypted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import SecretStr

from deployments.server.prefect_api import PrefectServer
from slipway.settings import Settings

SETTINGS = ("SLIPWAY_NOTIFY_SLACK", "SLIPWAY_NOTIFY_TEAMS", "SLIPWAY_NOTIFY_EMAIL", "SLIPWAY_NOTIFY_WEBHOOK")
# the type of block that each channel is kept in, by the block document's name
BLOCK_TYPES = {
    "slipway-slack": "slack-webhook",
    "slipway-teams": "ms-teams-webhook",
    "slipway-email": "slipway-e-mail",
    "slipway-webhook": "slipway-web-hook",
}
RETRY = {"retry": "2", "wait": "3"}  # Apprise's own words, in its addresses: two more tries, three seconds apart


@dataclass(frozen=True)
class Channel:
    """A channel that is set. `name` is that of its block document."""

    name: str
    url: SecretStr

    @property
    def block_type(self) -> str:
        return BLOCK_TYPES[self.name]


@dataclass(frozen=True)
class SavedChannel:
    """A channel as the Prefect server holds it."""

    name: str
    id: str
    url: SecretStr


def configured(settings: Settings) -> list[Channel]:
    """Return the channels that the settings name, with addresses as their blocks take them."""
    found = {
        "slipway-slack": _with(settings.notify_slack, RETRY, only="hooks.slack.com"),
        "slipway-teams": _with(settings.notify_teams, RETRY),
        "slipway-email": _with(settings.notify_email, RETRY | {"format": "text"}),
        "slipway-webhook": settings.notify_webhook,
    }
    return [Channel(name, url) for name, url in found.items() if url]


def saved(server: PrefectServer) -> dict[str, SavedChannel]:
    """Return our channels of the server by name. What others made has other names or types."""
    query = {"block_documents": {"name": {"any_": list(BLOCK_TYPES)}}, "include_secrets": True}
    documents: list[dict[str, Any]] = server.call("POST", "/block_documents/filter", query)
    ours = [found for found in documents if found["block_type"]["slug"] == BLOCK_TYPES[found["name"]]]
    return {found["name"]: SavedChannel(found["name"], found["id"], SecretStr(found["data"]["url"])) for found in ours}


def save(server: PrefectServer, wanted: Sequence[Channel], api_url: str) -> list[str]:
    """Make or change the blocks that are not yet as wanted. Returns what was done, a line each."""
    before, said = saved(server), []
    for channel in wanted:
        held = before.get(channel.name)
        if held is None or held.url != channel.url:
            _save(channel, api_url)
            said.append(f"channel {channel.name}: {'changed' if held else 'added'}")
    return said


def remove_others(server: PrefectServer, wanted: Sequence[Channel]) -> list[str]:
    """Remove our blocks whose settings are gone. Returns what was done, a line each."""
    names = {channel.name for channel in wanted}
    gone = [held for held in saved(server).values() if held.name not in names]
    for held in gone:
        server.call("DELETE", f"/block_documents/{held.id}")
    return [f"channel {held.name}: removed, it is set no longer" for held in gone]


def _save(channel: Channel, api_url: str) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from deployments.server.notification_blocks import BLOCKS

    with temporary_settings({PREFECT_API_URL: api_url}):
        BLOCKS[channel.block_type](url=channel.url).save(channel.name, overwrite=True)


def _with(url: SecretStr | None, defaults: dict[str, str], only: str | None = None) -> SecretStr | None:
    """Return the address with these query parameters, where it says nothing else; as it is if it is not on host `only`."""
    if url is None or (only and urlsplit(url.get_secret_value()).hostname != only):
        return url
    text = url.get_secret_value()
    missing = {name: value for name, value in defaults.items() if name not in parse_qs(urlsplit(text).query)}
    return SecretStr(f"{text}{'&' if '?' in text else '?'}{urlencode(missing)}" if missing else text)
