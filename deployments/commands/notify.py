"""`slipway notify`: the channels of notifications, messages that were not delivered, and a message for trying out."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, cast

import typer

from deployments.terminal.command import AsJson, command
from deployments.terminal.output import say, show, show_json, show_table
from slipway.errors import PlatformError

if TYPE_CHECKING:
    from deployments.server.channels import SavedChannel
    from deployments.server.prefect_api import PrefectServer
    from slipway.settings import Settings

FAILED = "prefect.automation.action.failed"
DAYS = 7  # as long as Prefect keeps events
SUBJECT, BODY = "Slipway: a test", "This channel works. The message was asked for with `slipway notify --test`."


def notify(
    test: Annotated[bool, typer.Option("--test", help="Send a message through every channel, and say what came back.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the channels, the automations, and messages that could not be delivered in the last seven days; or try the channels out.

    Exit status of --test: 1 when a channel did not take the message, or there is none.

    For example: slipway notify --test
    """
    with command(as_json) as settings:
        _try_out(settings, as_json) if test else _show(settings, as_json)


def _show(settings: Settings, as_json: bool) -> None:
    say(f"asking Prefect at {settings.prefect_url}")

    from deployments.server import automations, channels
    from deployments.server.prefect_api import PrefectServer

    with PrefectServer(f"{settings.prefect_url}/api") as server:
        names = sorted(channels.saved(server))
        found = sorted(automations.ours(server), key=lambda automation: str(automation["name"]))
        failures = _failures(server)
    if as_json:
        watched = [{key: automation[key] for key in ("name", "enabled", "description")} for automation in found]
        show_json({"channels": names, "automations": watched, "failures": failures})
        return
    show(f"channels: {', '.join(names) or 'none, so nobody is notified; see docs/notifications.md'}")
    show_table(("automation", "enabled", "when"), [(a["name"], "yes" if a["enabled"] else "no", a["description"]) for a in found])
    if failures:
        show(f"not delivered in the last {DAYS} days:")
        show_table(("when", "automation", "channel", "why"), [tuple(failure.values()) for failure in failures])


def _failures(server: PrefectServer) -> list[dict[str, str]]:
    """Return the newest messages that could not be delivered, as Prefect recorded them."""
    since = (datetime.now(UTC) - timedelta(days=DAYS)).isoformat()
    query = {"filter": {"event": {"name": [FAILED]}, "occurred": {"since": since}}, "limit": 50}
    return [
        {
            "at": event["occurred"][:19].replace("T", " "),
            "automation": event["resource"].get("prefect.resource.name", ""),
            "channel": next((r["prefect.resource.name"] for r in event["related"] if r["prefect.resource.role"] == "block"), ""),
            "reason": event["payload"].get("notification_log") or event["payload"]["reason"],
        }
        for event in server.call("POST", "/events/filter", query)["events"]
        if event["payload"]["action_type"] == "send-notification"
    ]


def _try_out(settings: Settings, as_json: bool) -> None:
    from deployments.server import channels
    from deployments.server.prefect_api import PrefectServer
    from deployments.terminal.session import use_prefect

    with PrefectServer(f"{settings.prefect_url}/api") as server:
        saved = sorted(channels.saved(server).values(), key=lambda channel: channel.name)
    if not saved:
        raise PlatformError(f"there is no channel, so nobody is notified: set one of {', '.join(channels.SETTINGS)}, then `slipway up`.")
    use_prefect(settings)
    import asyncio

    results = asyncio.run(_send(saved))
    if as_json:
        show_json([{"channel": name, "problem": problem} for name, problem in results])
    else:
        for name, problem in results:
            say(f"{name}: {problem or 'took the message'}")
    if any(problem for _, problem in results):
        raise typer.Exit(1)


async def _send(saved: Sequence[SavedChannel]) -> list[tuple[str, str]]:
    """Send through each channel as the server would; returns it with what is wrong, empty if nothing."""
    from prefect.blocks.abstract import NotificationError

    from deployments.server.channels import BLOCK_TYPES
    from deployments.server.notification_blocks import BLOCKS

    results = []
    for channel in saved:
        block = BLOCKS[BLOCK_TYPES[channel.name]](url=channel.url)
        try:
            with block.raise_on_failure():
                # in a coroutine, Prefect's blocks return one as well
                await cast(Awaitable[None], block.notify(subject=SUBJECT, body=BODY))
        except NotificationError as error:
            results.append((channel.name, error.log.strip() or "it was not taken"))
        else:
            results.append((channel.name, ""))
    return results
