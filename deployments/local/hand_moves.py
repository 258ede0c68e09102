"""A move by hand in MLflow is a wish: alias or stage that a person moved to a version is noticed, and judged or put back.

Slipway notes in a tag of the registered model what it last wrote there. What differs from the note was moved by hand.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from slipway.catalogue import listings
from slipway.catalogue.index import Listing
from slipway.lifecycle import record
from slipway.lifecycle.ledger import Ledger
from slipway.pages.runs import ENDED
from slipway.records import STARTED_BY, RegistryState
from slipway.settings import Settings
from slipway.tracking.mirrors import written
from slipway.tracking.registry import CHAMPION, PRODUCTION
from slipway.tracking.unfinished import MODEL_TAG

ORIGIN = "MLflow's page"
EVENT = "slipway.alias.moved"

logger = logging.getLogger("slipway.watchman")


@dataclass(frozen=True, slots=True)
class HandMove:
    """Alias or stage of a model were moved. `version` is where to; None if they were only taken away. `made_by` is its model."""

    model: Listing
    version: int | None
    made_by: str

    @property
    def what(self) -> str:
        """What was done, for a person."""
        if self.version is None:
            return f"alias or stage of {self.model.registered_as} was removed in MLflow"
        return f"version {self.version} of {self.model.registered_as} was made {CHAMPION} or {PRODUCTION} in MLflow"


class HandMoves:
    """What was done about the moves that were seen, so that none is acted on twice."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._seen = settings, set[HandMove]()
        self._acted_on = dict[HandMove, str]()  # with the run that judges it; "" if none does

    def look(self, http: httpx.Client) -> None:
        """Look at MLflow once, and act on what was moved. What is in line again may be moved again.

        A move counts when two looks in a row see it: a release writes alias and stage first, and its note after them.
        """
        found = set(moves(self._settings, http))
        lasting, self._seen = found & self._seen, found
        self._acted_on = {move: run for move, run in self._acted_on.items() if move in found}
        for move in lasting:
            try:
                if move not in self._acted_on:
                    logger.warning("%s: %s", move.model.name, move.what)
                    self._act(move, http)
                elif _has_ended(self._acted_on[move], self._settings, http):
                    logger.warning("%s: the run that was to judge that ended without putting it in line", move.model.name)
                    self._put_back(move, http)
            except (httpx.HTTPError, subprocess.TimeoutExpired) as error:
                logger.warning("%s: nothing could be done about that yet: %r", move.model.name, error)

    def _act(self, move: HandMove, http: httpx.Client) -> None:
        """Have the version judged, or put alias and stage back."""
        if self._settings.hand_moves == "gate" and move.version is not None and move.made_by and not self._is_in_service(move):
            if run := _judge(move, self._settings, http):
                self._acted_on[move] = run
            return
        if move.version is not None and not move.made_by:
            logger.warning("%s: no release made version %s, so it is put back", move.model.name, move.version)
        self._put_back(move, http)

    def _put_back(self, move: HandMove, http: httpx.Client) -> None:
        arguments = ["reconcile", move.model.name, "--started-by", ORIGIN, "--json"]
        ended = subprocess.run([sys.executable, "-m", "deployments.cli", *arguments], capture_output=True, text=True, timeout=300)
        if ended.returncode not in (0, 3):
            logger.warning("%s: alias and stage could not be put back yet: %s", move.model.name, ended.stderr.strip()[-500:])
            return
        self._acted_on[move] = ""
        _emit(move, self._settings, http)

    def _is_in_service(self, move: HandMove) -> bool:
        """Return whether alias and stage say what is in service, and only the note is behind: a release was killed before it wrote it."""
        model = move.model.service
        now = record.of_entries(model, Ledger(self._settings.ledger).history(model), self._settings)
        return now is not None and now.version == move.version


def moves(settings: Settings, http: httpx.Client) -> Iterator[HandMove]:
    """Yield each model whose alias or stage differs from what Slipway wrote. An MLflow that does not answer has none to show."""
    for model in listings().services().values():
        try:
            found = read(model.registered_as, settings, http)
            if found and (move := moved(model, *found)):
                yield move
        except (httpx.HTTPError, ValueError) as error:
            logger.debug("MLflow does not answer about %s: %r", model.registered_as, error)


def read(registered_as: str, settings: Settings, http: httpx.Client) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """Return what MLflow's server says of a registered model and of its versions; None before the first release, or without a server.

    It asks the server itself: MLflow's client imports for seconds.

    Raises:
        httpx.HTTPError: It does not answer.
    """
    uri = settings.tracking_uri or settings.mlflow_url
    if not uri.startswith("http"):
        return None
    api = f"{uri.rstrip('/')}/api/2.0/mlflow"
    answer = http.get(f"{api}/registered-models/get", params={"name": registered_as})
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    wanted = {"filter": f"name='{registered_as}'", "max_results": "1000"}
    versions = http.get(f"{api}/model-versions/search", params=wanted).raise_for_status().json().get("model_versions", [])
    return answer.raise_for_status().json()["registered_model"], versions


def registered(settings: Settings, http: httpx.Client, registered_as: str) -> tuple[RegistryState, dict[int, str]]:
    """Return what alias and stage of a registered model say, and the run of each version, as `slipway.tracking.mirrors.read` does.

    Raises:
        httpx.HTTPError: MLflow's server does not answer.
    """
    found, versions = read(registered_as, settings, http) or ({}, [])
    return RegistryState(
        registered_as=registered_as,
        aliases={alias["alias"]: int(alias["version"]) for alias in found.get("aliases", [])},
        stages={int(version["version"]): version.get("current_stage", "None") for version in versions},
    ), {int(version["version"]): version.get("run_id", "") for version in versions}


def moved(model: Listing, registered: dict[str, Any], versions: list[dict[str, Any]]) -> HandMove | None:
    """Compare what MLflow says of a registered model with the note of what Slipway wrote there; None if they agree, or without a note."""
    tags = {tag["key"]: tag["value"] for tag in registered.get("tags", [])}
    if (note := written(tags)) is None:
        return None
    champion = note.get(CHAMPION)
    aliases = {alias["alias"]: int(alias["version"]) for alias in registered.get("aliases", [])}
    known = {int(version["version"]): version for version in versions}
    production = sorted(number for number, version in known.items() if version.get("current_stage") == PRODUCTION)
    if aliases.get(CHAMPION) == champion and production == ([] if champion is None else [champion]):
        return None
    to = [number for number in (aliases.get(CHAMPION), *production) if number is not None and number != champion]
    made_by = {tag["key"]: tag["value"] for tag in known.get(to[0], {}).get("tags", [])}.get(MODEL_TAG, "") if to else ""
    return HandMove(model, to[0] if to else None, made_by)


def _judge(move: HandMove, settings: Settings, http: httpx.Client) -> str:
    """Start the promotion of the version, and return the run's id: the gate judges it, a person approves where the model demands it.

    "" if it could not be started.
    """
    api = f"{settings.prefect_url}/api"
    found = http.get(f"{api}/deployments/name/promote/{move.model.name}")
    if not found.is_success:
        logger.warning("%s: the deployment promote/%s does not answer, so the version waits to be judged", move.model.name, move.model.name)
        return ""
    run = {
        "parameters": {"name": move.model.name, "version": move.version, "because": move.what},
        "labels": {STARTED_BY: ORIGIN},
        "state": {"type": "SCHEDULED"},
    }
    started = http.post(f"{api}/deployments/{found.json()['id']}/create_flow_run", json=run)
    if not started.is_success:
        return ""
    logger.warning("%s: version %s is judged by run %s", move.model.name, move.version, started.json()["name"])
    _emit(move, settings, http)
    return str(started.json()["id"])


def _has_ended(run: str, settings: Settings, http: httpx.Client) -> bool:
    """Return whether a run that judges a version has ended. One that put the version into service, or put it back, left no move to see."""
    if not run:
        return False
    found = http.get(f"{settings.prefect_url}/api/flow_runs/{run}")
    return found.status_code == httpx.codes.NOT_FOUND or (found.is_success and found.json()["state_type"] in ENDED)


def _emit(move: HandMove, settings: Settings, http: httpx.Client) -> None:
    """Hand an event to Prefect, for automations and the event feed; a lost one undoes nothing."""
    event = {
        "id": str(uuid.uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": EVENT,
        "resource": {"prefect.resource.id": f"slipway.model.{move.model.name}", "prefect.resource.name": move.model.name},
        "related": [],
        "payload": {"model": move.model.name, "version": move.version, "reason": move.what},
    }
    http.post(f"{settings.prefect_url}/api/events", json=[event])
