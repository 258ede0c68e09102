"""Whether a run that is due or started in the run page would be done: the work pool, its queues, deployments, limits, schedules."""

from __future__ import annotations

from typing import Any

from deployments.checks.finding import Asked, Finding
from deployments.local.services import POOL
from deployments.server.differences import compare
from deployments.server.manifest import MARK

LATE_SHOWN = 50


def pool(asked: Asked) -> Finding:
    """The work pool exists, is not paused, and takes runs."""
    found = next((pool for pool in asked.prefect.all("work_pools") if pool["name"] == POOL), None)
    if found is None:
        return Finding("wrong", f"the work pool {POOL} is gone, so no run starts", "slipway down && slipway up")
    if found["is_paused"]:
        return Finding("wrong", f"the work pool {POOL} is paused, so no run starts", asked.prefect_command(f"work-pool resume {POOL}"))
    if found["concurrency_limit"] == 0:
        clear = asked.prefect_command(f"work-pool clear-concurrency-limit {POOL}")
        return Finding("wrong", f"the work pool {POOL} has a concurrency limit of 0, so no run starts", clear)
    return Finding("well", f"the work pool {POOL} takes runs")


def queues(asked: Asked) -> Finding:
    """No queue of the pool is paused or closed."""
    found = asked.prefect.call("POST", f"/work_pools/{POOL}/queues/filter", {})
    for queue in found:
        name = queue["name"]
        if queue["is_paused"]:
            resume = asked.prefect_command(f"work-queue resume {name} --pool {POOL}")
            return Finding("wrong", f"the work queue {name} is paused, so its runs do not start", resume)
        if queue["concurrency_limit"] == 0:
            clear = asked.prefect_command(f"work-queue clear-concurrency-limit {name} --pool {POOL}")
            return Finding("wrong", f"the work queue {name} has a concurrency limit of 0, so its runs do not start", clear)
    return Finding("well", f"take runs: {', '.join(queue['name'] for queue in found)}")


def deployments(asked: Asked) -> Finding:
    """Every model has its deployments, as the catalogue describes them."""
    differences = compare(asked.prefect)
    gone = [difference.name for difference in differences if difference.action == "create"]
    nowhere = [difference.name for difference in differences if difference.held and difference.held["work_pool_name"] is None]
    changed = [difference.name for difference in differences if difference.action == "update"]
    if gone:
        return Finding("wrong", f"not on the server: {', '.join(gone)}", "slipway deploy")
    if nowhere:
        return Finding("wrong", f"without a work pool, so their runs do not start: {', '.join(nowhere)}", "slipway deploy")
    if changed:
        return Finding("look", f"not as the catalogue describes them: {', '.join(changed)}", "slipway deploy")
    return Finding("well", f"{sum(difference.wanted is not None for difference in differences)} deployments, as in the catalogue")


def limits(asked: Asked) -> Finding:
    """The limits of the deployments let one run at a time through, not none."""
    ours = [limit for limit in asked.prefect.all("v2/concurrency_limits") if limit["name"].startswith(f"{MARK}-promotes-")]
    if closed := [limit["name"] for limit in ours if limit["active"] and limit["limit"] == 0]:
        update = asked.prefect_command(f"gcl update {closed[0]} --limit 1")
        return Finding("wrong", f"a limit of 0 lets no run through: {', '.join(closed)}", update)
    return Finding("well", "of what promotes a model, one run at a time")


def schedules(asked: Asked) -> Finding:
    """Which schedules are on and off. One that the catalogue has on and a person switched off is worth a look."""
    on, off = list[str](), list[str]()
    switched_off = list[tuple[str, str]]()
    for difference in compare(asked.prefect):
        declared = {schedule["slug"]: schedule["active"] for schedule in (difference.wanted or {}).get("schedules", [])}
        for schedule in (difference.held or {}).get("schedules", []):
            active = schedule["active"] and not (difference.held or {})["paused"]
            (on if active else off).append(_label(difference.name, schedule))
            if not active and declared.get(schedule["slug"]):
                switched_off.append((difference.name, schedule["id"]))
    reason = "; ".join(f"{word}: {', '.join(names)}" for word, names in (("on", on), ("off", off)) if names) or "none"
    if not switched_off:
        return Finding("well", reason)
    name, schedule_id = switched_off[0]
    return Finding("look", reason, asked.prefect_command(f"deployment schedule resume {name} {schedule_id}"))


def late_runs(asked: Asked) -> Finding:
    """No run was due a minute ago and has not started."""
    late: list[dict[str, Any]] = asked.prefect.call(
        "POST",
        "/flow_runs/filter",
        {
            "flow_runs": {"state": {"name": {"any_": ["Late"]}}},
            "deployments": {"tags": {"all_": [MARK]}},
            "sort": "EXPECTED_START_TIME_ASC",
            "limit": LATE_SHOWN,
        },
    )
    if not late:
        return Finding("well", "none")
    first = late[0]
    return Finding(
        "wrong",
        f"{len(late)}{' or more' if len(late) == LATE_SHOWN else ''}; the first, {first['name']}, was due at "
        f"{first['expected_start_time'][:19]}. See the lines above, or cancel it",
        asked.prefect_command(f"flow-run cancel {first['id']}"),
    )


def _label(deployment: str, schedule: dict[str, Any]) -> str:
    """Return the deployment, and the schedule where it is none of Slipway's."""
    slug = schedule["slug"] or ""
    return deployment if slug.startswith(f"{MARK}-") else f"{deployment} ({slug or 'made in the run page'})"
