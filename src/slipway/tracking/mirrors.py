"""Alias and stage in MLflow as mirrors of what is in service: what they should say, what they say, and how they are put in line.

The tag `NOTE` of the registered model says what Slipway last wrote there. An alias or a stage that differs from it was moved by hand.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from slipway.records import RegistryState
from slipway.tracking.registry import CANDIDATE, CHALLENGER, CHAMPION, PREVIOUS, PRODUCTION, stages_without_warning, state
from slipway.tracking.registry import runs as runs_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

NOTE = "slipway.mirrored"
ARCHIVED = "Archived"


class Version(NamedTuple):
    """A version by its number and its run. MLflow gives the numbers of a deleted registered model again, to other runs."""

    number: int
    run_id: str


@dataclass(frozen=True, slots=True)
class Mirrors:
    """What the mirrors of a model should say: the version in service, the one before it, and the challenger."""

    champion: Version
    previous: Version | None = None
    challenger: Version | None = None

    def aliases(self, runs: dict[int, str]) -> dict[str, int]:
        """Return the version for each alias, without versions that MLflow has no more."""
        wanted = {CHAMPION: self.champion, PREVIOUS: self.previous, CHALLENGER: self.challenger}
        return {alias: version.number for alias, version in wanted.items() if version and runs.get(version.number) == version.run_id}


def read(client: MlflowClient, registered_as: str) -> tuple[RegistryState, dict[int, str]]:
    """Return what alias and stage say, and the run of each version."""
    return state(client, registered_as), runs_of(client, registered_as)


def differences(now: RegistryState, runs: dict[int, str], wanted: Mirrors) -> list[str]:
    """Return in words where alias or stage do not say what they should; empty if they do."""
    registered_as = now.registered_as
    aliases, champion = wanted.aliases(runs), wanted.champion.number
    found = []
    if CHAMPION not in aliases:
        found.append(f"version {champion} answers, and {registered_as} has no such version in MLflow any more")
    for alias in (CHAMPION, PREVIOUS, CHALLENGER):
        is_on, should = now.aliases.get(alias), aliases.get(alias)
        if is_on != should and not (alias == CHAMPION and should is None and is_on is None):
            found.append(f"the alias {alias} is {_on(is_on)} instead of {_on(should)}")
    for version, stage in sorted(now.stages.items()):
        if stage == PRODUCTION and version != aliases.get(CHAMPION):
            found.append(f"version {version} is in {PRODUCTION}, and version {champion} answers")
        elif version == aliases.get(CHAMPION) and stage != PRODUCTION:
            found.append(f"version {version} is in stage {stage} instead of {PRODUCTION}")
    return found


def written(tags: dict[str, str]) -> dict[str, int] | None:
    """Return the aliases that Slipway last wrote, by the tags of the registered model; None if no note says so."""
    try:
        return msgspec.json.decode(tags.get(NOTE, "null"), type=dict[str, int] | None)
    except msgspec.MsgspecError:
        return None


def is_behind(client: MlflowClient, registered_as: str, wanted: Mirrors) -> bool:
    """Return whether Slipway last wrote another champion than the one in service. A person's move is no reason: the note stays the same."""
    found = client.search_registered_models(filter_string=f"name='{registered_as}'")
    note = written(found[0].tags) if found else None
    return note is not None and note.get(CHAMPION) != wanted.aliases(runs_of(client, registered_as)).get(CHAMPION)


def write(client: MlflowClient, registered_as: str, wanted: Mirrors) -> None:
    """Put alias and stage in line, and note what was written. What MLflow has lost is left out. Safe to repeat."""
    now, runs = read(client, registered_as)
    if not runs:
        return
    aliases = wanted.aliases(runs)
    champion = aliases.get(CHAMPION)
    with stages_without_warning():
        if champion is not None and now.stages[champion] != PRODUCTION:
            client.transition_model_version_stage(registered_as, str(champion), PRODUCTION)
        for version, stage in now.stages.items():
            if stage == PRODUCTION and version != champion:
                client.transition_model_version_stage(registered_as, str(version), ARCHIVED)
    for alias in (CHAMPION, PREVIOUS, CHALLENGER):
        if alias in aliases and now.aliases.get(alias) != aliases[alias]:
            client.set_registered_model_alias(registered_as, alias, str(aliases[alias]))
        elif alias in now.aliases and alias not in aliases:
            client.delete_registered_model_alias(registered_as, alias)
    if now.aliases.get(CANDIDATE) in aliases.values():
        client.delete_registered_model_alias(registered_as, CANDIDATE)
    client.set_registered_model_tag(registered_as, NOTE, msgspec.json.encode(aliases).decode())
    logger.info("%s: alias and stage in MLflow say what is in service: %s", registered_as, aliases or "nothing that MLflow still has")


def _on(version: int | None) -> str:
    return "on no version" if version is None else f"on version {version}"
