"""The deployments of the catalogue's models, and `prefect.yaml`, which lists them for people and for `prefect deploy`.

python -m deployments.server.manifest            writes prefect.yaml
python -m deployments.server.manifest --check    fails if it is not what the catalogue says
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deployments.local.services import POOL
from flows.tags import SLIPWAY, tags_of
from slipway import models
from slipway.catalogue import listings
from slipway.catalogue.index import Listing
from slipway.spec.schedules import Schedule

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = ROOT / "prefect.yaml"
HEADER = "# Written from the catalogue by `make manifest`; change src/slipway/models/ or deployments/server/manifest.py instead.\n"

MARK = SLIPWAY  # the tag of every deployment made here is also the beginning of every schedule's slug


@dataclass(frozen=True)
class Kind:
    """A flow that every model with a service has a deployment of, and also every challenger, where it says so."""

    does: str
    promotes: bool = False
    schedules: Callable[[Listing], tuple[Schedule, ...]] = lambda _: ()
    of_challengers: bool = False


RELEASES = "Takes {0.registered_as} from its rows to a tested endpoint on port {0.port}."
CHALLENGES = "Takes {0.name} from its rows to a version that is tried in shadow beside that of {0.service}."

KINDS = {
    "release": Kind(RELEASES, promotes=True, schedules=lambda spec: spec.schedules, of_challengers=True),
    "promote": Kind("Puts the challenger of {0.registered_as} into service on port {0.port}, if the gate lets it.", promotes=True),
    "challenge": Kind("Tries a version of {0.registered_as} beside the one in service, or ends the trial."),
    "rollback": Kind("Puts an earlier version of {0.registered_as} back into service on port {0.port}, tested first.", promotes=True),
    "score": Kind("Turns a file of rows into a file of predictions by the version of {0.registered_as} that is in service."),
    "watch": Kind("Judges what {0.registered_as} was sent and answered of late.", schedules=lambda spec: (spec.watch_schedule,)),
}


def deployments() -> list[dict[str, Any]]:
    """Return every deployment, as `prefect.yaml` spells one: each kind for each model, and the fleet."""
    of_models = [
        _of_model(spec, flow, kind)
        for spec in listings().values()
        for flow, kind in KINDS.items()
        if kind.of_challengers or not spec.challenges
    ]
    return [_versioned(deployment) for deployment in [*of_models, _fleet()]]


def content() -> str:
    """Return the text of `prefect.yaml`."""
    # the project is installed where the worker runs, so entry points are modules and nothing has to be pulled
    manifest = {"name": "slipway", "pull": None, "deployments": deployments()}
    return HEADER + str(yaml.safe_dump(manifest, sort_keys=False, width=120, allow_unicode=True))


def full_name(deployment: dict[str, Any]) -> str:
    """Return what Prefect calls a deployment: its flow's name, a slash, its own."""
    return f"{deployment['entrypoint'].rpartition('.')[2]}/{deployment['name']}"


def _of_model(spec: Listing, flow: str, kind: Kind) -> dict[str, Any]:
    return _deployment(
        flow,
        spec.name,
        f"{spec.description} {(CHALLENGES if spec.challenges else kind.does).format(spec)}",
        {"name": spec.name},
        promotes=kind.promotes,
        schedules=kind.schedules(spec),
    )


def _fleet() -> dict[str, Any]:
    does = "Releases every model of the catalogue, or those that are chosen, one after another; one that fails does not stop the rest."
    return _deployment("fleet", "all", does, {}, promotes=True)


def _deployment(
    flow: str, name: str, description: str, parameters: dict[str, Any], promotes: bool, schedules: tuple[Schedule, ...] = ()
) -> dict[str, Any]:
    return (
        {
            "name": name,
            "description": description,
            "tags": tags_of(flow, name),
            "entrypoint": f"flows.{flow}.{flow}",
            "parameters": parameters,
            "work_pool": {"name": POOL},
        }
        | ({"concurrency_limit": {"limit": 1, "collision_strategy": "CANCEL_NEW"}} if promotes else {})
        | ({"schedules": [_schedule(schedule) for schedule in schedules]} if schedules else {})
    )


def _schedule(schedule: Schedule) -> dict[str, Any]:
    slug = f"{MARK}-{schedule.slug}"
    return {"slug": slug, "cron": schedule.cron, "timezone": schedule.timezone, "active": schedule.active}


def _versioned(deployment: dict[str, Any]) -> dict[str, Any]:
    """Name the version of a deployment after what it says, so that one that did not change need not be registered again."""
    rest = {key: value for key, value in deployment.items() if key != "schedules"}
    choices = [] if "name" in deployment["parameters"] else list(listings())
    version = f"{_digest([rest, choices, _form(deployment['entrypoint'])])}.{_digest(deployment.get('schedules', []))}"
    return {"name": deployment["name"], "version": version, **deployment}


def _form(entrypoint: str) -> list[str]:
    """Return what the run page's form is made from: the flow's parameters, their types, and the docstring that describes them.

    Read from the source, because importing a flow imports Prefect, which takes seconds.
    """
    module, _, function = entrypoint.rpartition(".")
    source = (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    flow = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef) and node.name == function)
    return [ast.unparse(flow.args), ast.get_docstring(flow) or "", (ROOT / "flows" / "parameters.py").read_text(encoding="utf-8")]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def main(arguments: list[str]) -> None:
    if extra := models.__path__[1:]:
        raise SystemExit(
            f"SLIPWAY_MODELS adds {extra[0]}, and prefect.yaml holds the project's own models only. Unset it for this command."
        )
    if arguments == ["--check"]:
        if not MANIFEST.exists() or MANIFEST.read_text() != content():
            raise SystemExit("prefect.yaml is not what the catalogue says; run `make manifest`.")
        return
    if arguments:
        raise SystemExit(__doc__)
    MANIFEST.write_text(content())
    print(f"{MANIFEST.name}: {len(deployments())} deployments")


if __name__ == "__main__":
    main(sys.argv[1:])
