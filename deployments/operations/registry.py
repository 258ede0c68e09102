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


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What MLflow keeps of a run and never changes: its experiment, and its figures with their intervals."""

    experiment: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


_KNOWN: dict[tuple[str, str], RunFiles] = {}  # by address and run: half of MLflow's answers are the same at every look


def registered(model: str, registered_as: str, now: InService, settings: Settings) -> RegisteredVersion:
    """Ask MLflow's server, which may take two seconds for each of a few answers, and else counts as silent."""
    uri = (settings.tracking_uri or settings.mlflow_url).rstrip("/")
    if not uri.startswith("http"):
        return RegisteredVersion("elsewhere")
    try:
        with client(settings) as http:
            should = mirroring.wanted(model, settings)
            found = mirrors.differences(*hand_moves.registered(settings, http, registered_as), should) if should else []
            run = _run(http, uri, now.run_id)
    except (httpx.HTTPError, ValueError):
        return RegisteredVersion("silent")
    state: MlflowState = "disagrees" if found else "agrees"
    if not run.experiment:
        return RegisteredVersion(state, found)
    shown = re.sub(r"://[^/@]*@", "://", uri)  # without the credentials that the address may contain
    page = f"{shown}/#/experiments/{run.experiment}/runs/{now.run_id}"
    return RegisteredVersion(
        state, found, page, f"{shown}/#/models/{registered_as}/versions/{now.version}", f"{page}/artifacts/{CARD}", run.evidence
    )


def _run(http: httpx.Client, uri: str, run_id: str) -> RunFiles:
    """Return what MLflow has of a run; nothing if it has lost it."""
    if known := _KNOWN.get((uri, run_id)):
        return known
    answer = http.get(f"{uri}/api/2.0/mlflow/runs/get", params={"run_id": run_id})
    if not answer.is_success:
        return RunFiles()
    experiment = str(answer.json()["run"]["info"]["experiment_id"])
    figures = http.get(f"{uri}/get-artifact", params={"run_uuid": run_id, "path": FIGURES})
    if not figures.is_success:
        return RunFiles(experiment)
    return _KNOWN.setdefault((uri, run_id), RunFiles(experiment, figures.json()))
