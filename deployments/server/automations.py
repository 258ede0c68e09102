"""`automations.yaml`, put into effect on the platform's Prefect server: nothing twice, and others' automations stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from deployments.server import channels
from deployments.server.manifest import full_name
from deployments.server.prefect_api import PrefectServer
from slipway.catalogue import listings
from slipway.settings import Settings

FILE = Path(__file__).with_name("automations.yaml")
TAG = "slipway"  # marks what is ours on the server; others never carry it
EVERY_CHANNEL = "every-channel"
MODEL = "{model}"

Automation = dict[str, Any]


def apply(settings: Settings) -> list[str]:
    """Make channels and automations of the server what settings and file say. Safe to repeat; an automation that was disabled stays so.

    Returns:
        What was changed, a line each: nothing the second time.

    Raises:
        PlatformError: The Prefect server does not answer, or refuses an automation.
    """
    wanted_channels = channels.configured(settings)
    with PrefectServer(f"{settings.prefect_url}/api") as server:
        said = channels.save(server, wanted_channels, f"{settings.prefect_url}/api")
        held = channels.saved(server)
        deployments = {full_name(deployment): deployment["id"] for deployment in server.all("deployments")}
        said += reconcile(server, wanted([held[channel.name].id for channel in wanted_channels], deployments))
        return said + channels.remove_others(server, wanted_channels)


def wanted(channel_ids: Sequence[str], deployments: Mapping[str, str]) -> list[Automation]:
    """Return the automations of the file: notifying through these channels, and starting these deployments.

    Without a channel, those that do nothing else are left out; without its deployment, one that starts it.

    Args:
        deployments: The ids of those on the server, by `flow/name`.
    """
    declared: list[Automation] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    each = [filled for automation in declared for filled in _of_models(automation)]
    found = [automation | {"tags": [TAG], "actions": _actions(automation["actions"], channel_ids, deployments)} for automation in each]
    return [automation for automation in found if automation["actions"]]


def ours(server: PrefectServer) -> list[Automation]:
    """Return the automations of the server that `apply` made, by name."""
    return [automation for automation in server.all("automations") if TAG in automation["tags"]]


def _of_models(automation: Automation) -> list[Automation]:
    """Return the automation; where its name holds {model}, one for each model that is served."""
    return [_filled(automation, name) for name in listings().services()] if MODEL in automation["name"] else [automation]


def _filled(declared: Any, model: str) -> Any:
    if isinstance(declared, dict):
        return {key: _filled(value, model) for key, value in declared.items()}
    if isinstance(declared, list):
        return [_filled(value, model) for value in declared]
    return declared.replace(MODEL, model) if isinstance(declared, str) else declared


def _actions(declared: Iterable[Automation], channel_ids: Sequence[str], deployments: Mapping[str, str]) -> list[Automation]:
    found: list[Automation] = []
    for action in declared:
        if action.get("block_document_id") == EVERY_CHANNEL:
            found += [action | {"block_document_id": channel} for channel in channel_ids]
        elif "deployment_id" in action:
            found += [action | {"deployment_id": known} for known in [deployments.get(action["deployment_id"])] if known]
        else:
            found.append(action)
    return found


def reconcile(server: PrefectServer, declared: Sequence[Automation]) -> list[str]:
    """Have the server's automations be those that are declared; those of a model whose file cannot be read now stay as they are.

    Returns:
        What was changed, a line each.
    """
    names = {automation["name"] for automation in declared}
    found: dict[str, Automation] = {}
    gone = []
    for automation in ours(server):
        if automation["name"] in names and automation["name"] not in found:  # one of a name is enough
            found[automation["name"]] = automation
        elif automation["name"].rpartition(" ")[2] not in listings().left_out:
            gone.append(automation)
    said = [line for automation in declared if (line := _put(server, automation, found.get(automation["name"])))]
    for automation in gone:
        server.call("DELETE", f"/automations/{automation['id']}")
    return said + [f"automation {automation['name']!r}: removed" for automation in gone]


def _put(server: PrefectServer, automation: Automation, found: Automation | None) -> str:
    """Make or change one automation; returns what was done, if anything."""
    if found is None:
        server.call("POST", "/automations/", automation)
        return f"automation {automation['name']!r}: added"
    if says(found, automation):
        return ""
    server.call("PUT", f"/automations/{found['id']}", automation | {"enabled": found["enabled"]})
    return f"automation {automation['name']!r}: changed"


def says(found: Any, declared: Any) -> bool:
    """Return whether the server's automation contains all that was declared; it adds ids and defaults, and sorts sets as it likes."""
    if isinstance(declared, dict):
        return isinstance(found, dict) and all(key in found and says(found[key], value) for key, value in declared.items())
    if isinstance(declared, list) and isinstance(found, list):
        if all(isinstance(item, str) for item in (*declared, *found)):
            return sorted(found) == sorted(declared)
        return len(found) == len(declared) and all(says(*pair) for pair in zip(found, declared, strict=True))
    return bool(found == declared)
