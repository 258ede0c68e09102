"""Putting the catalogue's deployments into effect on a Prefect server, and taking away those that left it.

Directly through the server's API instead of `prefect deploy`, which replaces schedules (also those that a person made or switched
off), knows no limit that two deployments share, and takes seconds to find out that nothing changed; decision 0024.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from deployments.server.differences import PULL, DeploymentDifference, limit_of, when
from deployments.server.manifest import full_name
from deployments.server.prefect_api import PrefectServer


def register(server: PrefectServer, differences: Iterable[DeploymentDifference]) -> None:
    """Create and update what has to be; schedules that were switched in the run page, or made there, stay as they are.

    Raises:
        PlatformError: The server refused one of them; those before it are registered.
    """
    todo = [difference for difference in differences if difference.action in ("create", "update")]
    limits = {limit["name"]: limit["id"] for limit in server.all("v2/concurrency_limits")} if todo else {}
    for difference in todo:
        deployment = difference.wanted or {}
        limit = limit_of(deployment)
        if limit and limit not in limits:
            limits[limit] = server.call("POST", "/v2/concurrency_limits/", {"name": limit, "limit": 1, "active": True})["id"]
        body = _body(deployment) | {"global_concurrency_limit_id": limits[limit] if limit else None}
        if difference.held is None:
            flow = server.call("POST", "/flows/", {"name": full_name(deployment).partition("/")[0]})
            schedules = [_schedule(schedule) for schedule in difference.missing]
            server.call("POST", "/deployments/", body | {"name": deployment["name"], "flow_id": flow["id"], "schedules": schedules})
        else:
            _reschedule(server, difference, difference.held)
            # last, because it holds the version: what is cut short before is done again
            server.call("PATCH", f"/deployments/{difference.held['id']}", body)


def prune(server: PrefectServer, differences: Iterable[DeploymentDifference]) -> None:
    """Remove deployments and schedules of Slipway's that left the catalogue; runs that go on are not stopped."""
    for difference in differences:
        if difference.held is None:
            continue
        address = f"/deployments/{difference.held['id']}"
        if difference.action == "stale":
            server.call("DELETE", address)
        for schedule in difference.stale:
            server.call("DELETE", f"{address}/schedules/{schedule['id']}")


def _body(deployment: dict[str, Any]) -> dict[str, Any]:
    options = {"collision_strategy": deployment["concurrency_limit"]["collision_strategy"]} if limit_of(deployment) else None
    return {key: deployment[key] for key in ("version", "description", "tags", "entrypoint", "parameters")} | {
        "parameter_openapi_schema": _form(deployment),
        "enforce_parameter_schema": True,
        "concurrency_options": options,
        "work_pool_name": deployment["work_pool"]["name"],
        "pull_steps": PULL,
    }


def _form(deployment: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the run page's form. What the deployment sets, its model, is the only choice there.

    What may be left out is an empty field, where Prefect would make one that asks for a type first, None or another.
    """
    from prefect.utilities.callables import parameter_schema

    module, _, function = deployment["entrypoint"].rpartition(".")
    form = parameter_schema(getattr(importlib.import_module(module), function)).model_dump_for_openapi()
    for field in form["properties"].values():
        kinds = [kind for kind in field.get("anyOf", []) if kind != {"type": "null"}]
        if len(kinds) == 1 and field.get("default") is None:
            del field["anyOf"], field["default"]
            field |= kinds[0]
    for parameter, value in deployment["parameters"].items():
        form["properties"][parameter] |= {"enum": [value], "default": value}
    return form


def _reschedule(server: PrefectServer, difference: DeploymentDifference, held: dict[str, Any]) -> None:
    address = f"/deployments/{held['id']}/schedules"
    if difference.missing:
        server.call("POST", address, [_schedule(schedule) for schedule in difference.missing])
    has = {schedule["slug"]: schedule for schedule in held["schedules"]}
    for schedule in difference.retimed:
        there = has[schedule["slug"]]
        # all but the time as it is there; the server would empty the parameters if they were left out
        body = _schedule(schedule) | {"active": there["active"], "parameters": there["parameters"]}
        server.call("PATCH", f"{address}/{there['id']}", body)


def _schedule(schedule: dict[str, Any]) -> dict[str, Any]:
    return {"slug": schedule["slug"], "active": schedule["active"], "schedule": when(schedule)}
