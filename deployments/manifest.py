"""`prefect.yaml`, written from the catalogue, and put into effect on a Prefect server.

python -m deployments.manifest            writes prefect.yaml
python -m deployments.manifest --check    fails if it is not what the catalogue says
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import yaml

from deployments.local.services import POOL
from slipway import models
from slipway.catalogue import catalogue
from slipway.errors import PlatformError
from slipway.spec import ModelSpec

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "prefect.yaml"
HEADER = "# Written from the catalogue by `make manifest`; change src/slipway/models/ or deployments/manifest.py instead.\n"


def content() -> str:
    """Return the manifest of all deployments: one release a model, and the fleet."""
    # the project is installed where the worker runs, so entry points are modules and nothing has to be pulled
    manifest = {"name": "slipway", "pull": None, "deployments": _deployments()}
    return HEADER + str(yaml.safe_dump(manifest, sort_keys=False, width=120, allow_unicode=True))


def apply(api_url: str, folder: Path) -> bool:
    """Register every deployment of the catalogue with a running server. Returns whether anything had to be done.

    What is registered is written to a `prefect.yaml` in `folder`: with SLIPWAY_MODELS it holds more than the project's own.

    Raises:
        PlatformError: Prefect refused one of them; the message carries what it said.
    """
    if _registered(api_url) >= {(deployment["name"], deployment["version"]) for deployment in _deployments()}:
        return False
    manifest = folder / MANIFEST.name
    manifest.write_text(content())
    ran = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(manifest)],
        cwd=ROOT,
        env=os.environ | {"PREFECT_API_URL": api_url},
        capture_output=True,
        text=True,
    )
    if ran.returncode != 0:
        raise PlatformError(f"the deployments could not be registered at {api_url}:\n{(ran.stdout + ran.stderr).strip()[-2000:]}")
    return True


def _registered(api_url: str) -> set[tuple[str, str]]:
    answer = httpx.post(f"{api_url}/deployments/filter", json={}, timeout=30.0).raise_for_status()
    return {(deployment["name"], deployment["version"]) for deployment in answer.json()}


def _deployments() -> list[dict[str, Any]]:
    return [_versioned(deployment) for deployment in [*map(_release, catalogue().values()), _fleet()]]


def _versioned(deployment: dict[str, Any]) -> dict[str, Any]:
    """Name the version of a deployment after what it says, so that one that did not change need not be registered again."""
    digest = hashlib.sha256(json.dumps(deployment, sort_keys=True).encode()).hexdigest()
    return {"name": deployment["name"], "version": digest[:12], **deployment}


def _release(spec: ModelSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "description": f"{spec.description} Takes {spec.registered_as} from its rows to a tested endpoint on port {spec.port}.",
        "tags": [spec.name, "release"],
        "entrypoint": "flows.release.release",
        "parameters": {"name": spec.name},
        "concurrency_limit": {"limit": 1, "collision_strategy": "CANCEL_NEW"},
        "work_pool": {"name": POOL},
    }


def _fleet() -> dict[str, Any]:
    return {
        "name": "all",
        "description": "Releases every model of the catalogue, one after another; one that fails does not stop the rest.",
        "tags": ["fleet"],
        "entrypoint": "flows.fleet.fleet",
        "parameters": {},
        "concurrency_limit": {"limit": 1, "collision_strategy": "CANCEL_NEW"},
        "work_pool": {"name": POOL},
    }


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
    print(f"{MANIFEST.name}: {len(_deployments())} deployments")


if __name__ == "__main__":
    main(sys.argv[1:])
