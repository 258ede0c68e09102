"""What the catalogue declares against what a Prefect server holds: which deployments it lacks, which are out of date, which left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from deployments.server.manifest import MARK, ROOT, deployments, full_name
from deployments.server.prefect_api import PrefectServer
from slipway.catalogue import listings
from slipway.errors import PlatformError

PULL = [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}]  # where .env is


@dataclass(frozen=True)
class DeploymentDifference:
    """What one deployment is in the catalogue (`wanted`) and on the server (`held`), and which of its schedules differ."""

    name: str
    action: Literal["create", "update", "keep", "stale"]
    wanted: dict[str, Any] | None
    held: dict[str, Any] | None
    reasons: tuple[str, ...] = ()
    missing: tuple[dict[str, Any], ...] = ()  # schedules, as the manifest spells them
    retimed: tuple[dict[str, Any], ...] = ()
    stale: tuple[dict[str, Any], ...] = ()  # schedules, as the server has them


def compare(server: PrefectServer) -> list[DeploymentDifference]:
    """Return every deployment of the catalogue, then those of Slipway's on the server that are no more in it.

    What a person changed in the run page is no difference: it stays until the catalogue says something else.

    Raises:
        PlatformError: The server does not answer, or has a deployment by one of these names that Slipway did not make.
    """
    flows = {flow["id"]: flow["name"] for flow in server.all("flows")}
    held = {f"{flows[one['flow_id']]}/{one['name']}": one for one in server.all("deployments")}
    wanted = {full_name(deployment): deployment for deployment in deployments()}
    others = {} if listings().left_out else held  # one of them may be that of a file that cannot be read now
    left = [DeploymentDifference(name, "stale", None, one) for name, one in others.items() if name not in wanted and _made_here(name, one)]
    return [_difference(name, deployment, held.get(name)) for name, deployment in wanted.items()] + left


def limit_of(deployment: dict[str, Any]) -> str | None:
    """Return the limit that a deployment shares with others of its model: of what promotes, one runs at a time."""
    return f"{MARK}-promotes-{deployment['name']}" if "concurrency_limit" in deployment else None


def when(schedule: dict[str, Any]) -> dict[str, Any]:
    """Return the time of a schedule, as the server spells it; of one that is no cron line, nothing."""
    return {"cron": schedule.get("cron"), "timezone": schedule.get("timezone")}


def _difference(name: str, wanted: dict[str, Any], held: dict[str, Any] | None) -> DeploymentDifference:
    declared = {schedule["slug"]: schedule for schedule in wanted.get("schedules", [])}
    if held is None:
        return DeploymentDifference(name, "create", wanted, None, missing=tuple(declared.values()))
    if not _made_here(name, held) and held["entrypoint"] != wanted["entrypoint"]:
        raise PlatformError(
            f"the Prefect server has a deployment {name} that Slipway did not make (entry point {held['entrypoint']}); "
            "rename or delete it there, then run `slipway deploy`."
        )
    has = {schedule["slug"]: schedule for schedule in held["schedules"] if (schedule["slug"] or "").startswith(f"{MARK}-")}
    reasons = _reasons(wanted, held)
    if "schedules" not in reasons:
        missing, retimed = [], []
    else:
        missing = [schedule for slug, schedule in declared.items() if slug not in has]
        retimed = [schedule for slug, schedule in declared.items() if slug in has and when(schedule) != when(has[slug]["schedule"])]
    return DeploymentDifference(
        name,
        "update" if reasons else "keep",
        wanted,
        held,
        reasons,
        tuple(missing),
        tuple(retimed),
        tuple(schedule for slug, schedule in has.items() if slug not in declared),
    )


def _reasons(wanted: dict[str, Any], held: dict[str, Any]) -> tuple[str, ...]:
    """Return what is out of date, if anything is. A version has two parts, the second of which changes with the schedules."""
    there, here = (version.partition(".") for version in (held["version"] or "", wanted["version"]))
    limit = held["global_concurrency_limit"]
    same = {
        "definition": there[0] == here[0],
        "schedules": there[2] == here[2],
        "folder": held["pull_steps"] == PULL,
        "work pool": held["work_pool_name"] is not None,  # it has none after its pool was deleted; another one is a person's choice
        "limit": (limit and limit["name"]) == limit_of(wanted),
    }
    return tuple(what for what, is_same in same.items() if not is_same)


def _made_here(name: str, held: dict[str, Any]) -> bool:
    """Return whether Slipway made a deployment. A copy of one has its tags, but another name."""
    return {MARK, *name.split("/", 1)} <= set(held["tags"])
