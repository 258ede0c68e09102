"""What MLflow's server says of the version in service, by its REST API: MLflow's client imports for seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import httpx

from deployments.local import hand_moves
from deployments.local.answering import client
from slipway.lifecycle import mirroring
from slipway.lifecycle.record import InService
from slipway.pages.service.shapes import MlflowState
from slipway.settings import Settings
from slipway.tracking import mirrors

FIGURES, CARD = "evidence/figures.json", "card.md"


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """The version in service in MLflow: whether alias and stage say so, its pages, and its figures with their intervals.

    Without a server there are no pages; `evidence` is empty if MLflow has lost the run.
    """

    state: MlflowState
    disagreements: list[str] = field(default_factory=list)
    run_page: str = ""
    version_page: str = ""
    card_page: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


def registered(model: str, registered_as: str, now: InService, settings: Settings) -> RegisteredVersion:
    """Ask MLflow's server, which may take two seconds for each of a few answers, and else counts as silent."""
    uri = (settings.tracking_uri or settings.mlflow_url).rstrip("/")
    if not uri.startswith("http"):
        return RegisteredVersion("elsewhere")
    try:
        with client(settings) as http:
            should = mirroring.wanted(model, settings)
            found = mirrors.differences(*hand_moves.registered(settings, http, registered_as), should) if should else []
            return RegisteredVersion(
                "disagrees" if found else "agrees", found, *_pages(http, uri, registered_as, now), _evidence(http, uri, now)
            )
    except (httpx.HTTPError, ValueError):
        return RegisteredVersion("silent")


def _pages(http: httpx.Client, uri: str, registered_as: str, now: InService) -> tuple[str, str, str]:
    """Return the addresses of the run, of the version and of the model card, without the credentials that MLflow's own may contain."""
    shown = re.sub(r"://[^/@]*@", "://", uri)
    answer = http.get(f"{uri}/api/2.0/mlflow/runs/get", params={"run_id": now.run_id})
    if not answer.is_success:
        return "", "", ""
    run = f"{shown}/#/experiments/{answer.json()['run']['info']['experiment_id']}/runs/{now.run_id}"
    return run, f"{shown}/#/models/{registered_as}/versions/{now.version}", f"{run}/artifacts/{CARD}"


def _evidence(http: httpx.Client, uri: str, now: InService) -> dict[str, Any]:
    answer = http.get(f"{uri}/get-artifact", params={"run_uuid": now.run_id, "path": FIGURES})
    return dict(answer.json()) if answer.is_success else {}
