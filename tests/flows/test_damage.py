"""Everything that a person can damage in MLflow, before every command: it works, or it is refused in one message and nothing changes.

The cases are every operation on every object, times every command.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from flows.promote import promote
from flows.release import release
from flows.rollback import rollback
from flows.watch import watch
from slipway.bundle.store.active import active
from slipway.catalogue import lookup
from slipway.errors import SlipwayError
from slipway.lifecycle import challenge, mirroring, record
from slipway.lifecycle.ledger import Ledger, LedgerEntry
from slipway.lifecycle.locking import exclusive
from slipway.records import Origin
from slipway.tracking import mirrors, registry
from slipway.tracking.connection import connect
from tests.flows.conftest import move_endpoint
from tests.support.homes import copy_home

MODEL = "heart-failure"
NAME = "heart_failure_logistic"
pytestmark = [
    pytest.mark.drill,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:``mlflow.tracking.client.MlflowClient.transition_model_version_stage`` is deprecated"),
]


class Damaged:
    """A home with version 2 in service and version 1 before it, for a person to damage."""

    def __init__(self, place: Any) -> None:
        self.place, self.client = place, connect(place.settings)
        self.runs = registry.runs(self.client, NAME)
        self.experiment = self.client.get_experiment_by_name(MODEL).experiment_id

    def artifacts(self, version: int) -> Any:
        return self.place.settings.mlflow_artifacts / self.runs[version] / "artifacts" / registry.BUNDLE_PATH

    def stage(self, version: int, stage: str) -> None:
        self.client.transition_model_version_stage(NAME, str(version), stage)


def _restored(damaged: Damaged) -> None:
    damaged.client.delete_run(damaged.runs[2])
    damaged.client.restore_run(damaged.runs[2])


def _altered(damaged: Damaged) -> None:
    contract = damaged.artifacts(2) / "contract.json"
    contract.write_text(contract.read_text().replace("heart", "heard"))


def _by_hand(damaged: Damaged) -> None:
    run_id = damaged.client.create_run(damaged.experiment).info.run_id
    made = damaged.client.create_model_version(NAME, f"runs:/{run_id}/model", run_id)
    damaged.client.set_registered_model_alias(NAME, registry.CHAMPION, made.version)


def _without_tags(damaged: Damaged) -> None:
    for version in ("1", "2"):
        for tag in damaged.client.get_model_version(NAME, version).tags:
            damaged.client.delete_model_version_tag(NAME, version, tag)


OPERATIONS: dict[str, Callable[[Damaged], object]] = {
    "nothing": lambda _: None,
    "version in service: deleted": lambda d: d.client.delete_model_version(NAME, "2"),
    "version before: deleted": lambda d: d.client.delete_model_version(NAME, "1"),
    "version by hand: made champion": _by_hand,
    "registered model: renamed": lambda d: d.client.rename_registered_model(NAME, "renamed"),
    "registered model: deleted": lambda d: d.client.delete_registered_model(NAME),
    "run in service: deleted": lambda d: d.client.delete_run(d.runs[2]),
    "run in service: deleted and restored": _restored,
    "run before: deleted": lambda d: d.client.delete_run(d.runs[1]),
    "experiment: deleted": lambda d: d.client.delete_experiment(d.experiment),
    "experiment: renamed": lambda d: d.client.rename_experiment(d.experiment, "renamed"),
    "artifacts in service: deleted": lambda d: shutil.rmtree(d.artifacts(2)),
    "artifacts in service: altered": _altered,
    "artifacts before: deleted": lambda d: shutil.rmtree(d.artifacts(1)),
    "alias champion: removed": lambda d: d.client.delete_registered_model_alias(NAME, registry.CHAMPION),
    "alias champion: moved": lambda d: d.client.set_registered_model_alias(NAME, registry.CHAMPION, "1"),
    "alias previous: removed": lambda d: d.client.delete_registered_model_alias(NAME, registry.PREVIOUS),
    "alias previous: moved": lambda d: d.client.set_registered_model_alias(NAME, registry.PREVIOUS, "2"),
    "alias challenger: made": lambda d: d.client.set_registered_model_alias(NAME, registry.CHALLENGER, "1"),
    "alias candidate: made": lambda d: d.client.set_registered_model_alias(NAME, registry.CANDIDATE, "2"),
    "stage in service: archived": lambda d: d.stage(2, "Archived"),
    "stage in service: none": lambda d: d.stage(2, "None"),
    "stage before: production": lambda d: d.stage(1, "Production"),
    "tags of the versions: removed": _without_tags,
    "tag of the registered model: removed": lambda d: d.client.delete_registered_model_tag(NAME, mirrors.NOTE),
    "tag of the registered model: nonsense": lambda d: d.client.set_registered_model_tag(NAME, mirrors.NOTE, "{"),
}


def _release(_: Damaged) -> object:
    return release(MODEL, sample=True, trials=1, jobs=1, return_state=True).result()


def _reconcile(damaged: Damaged) -> object:
    with exclusive(MODEL, damaged.place.settings):
        return mirroring.reconcile(lookup(MODEL), damaged.place.settings, Origin(started_by="shell"))


def _challenge(damaged: Damaged) -> object:
    settings, spec = damaged.place.settings, lookup(MODEL)
    with exclusive(MODEL, settings), registry.bundle_of(connect(settings), NAME, 1) as bundle:
        return challenge.begin(spec, bundle, 0.0, settings)


COMMANDS: dict[str, Callable[[Damaged], object]] = {
    "release": _release,
    "rollback": lambda _: rollback(MODEL, because="it is worse", return_state=True).result(),
    "rollback to": lambda _: rollback(MODEL, because="it is worse", to=1, return_state=True).result(),
    "promote": lambda _: promote(MODEL, because="it is better", version=1, return_state=True).result(),
    "challenge": _challenge,
    "watch": lambda _: watch(MODEL, return_state=True).result(),
    "reconcile": _reconcile,
}


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {}


@pytest.fixture
def damaged(place: Any, request: pytest.FixtureRequest, two_versions: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Damaged:
    """A home of its own for the test: the first one is made, the others are copies of it."""
    if "home" not in two_versions:
        service = request.getfixturevalue("service")
        service.promote(1)
        service.promote(2)
        kept = tmp_path_factory.mktemp("two-versions")
        copy_home(place.home, kept, "gateway", "locks")
        two_versions["home"] = kept
    else:
        copy_home(two_versions["home"], place.home, "gateway", "locks")
        move_endpoint(place)
    return Damaged(place)


def standing(damaged: Damaged) -> tuple[Any, dict[str, int], dict[int, str], list[LedgerEntry]]:
    state = registry.state(damaged.client, NAME)
    return active(damaged.place.settings.bundles, MODEL), state.aliases, state.stages, Ledger(damaged.place.settings.ledger).history(MODEL)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_it_works_or_is_refused_in_one_message_and_nothing_changes(damaged: Damaged, operation: str, command: str) -> None:
    OPERATIONS[operation](damaged)
    before, settings = standing(damaged), damaged.place.settings

    refused: SlipwayError | None = None
    try:
        COMMANDS[command](damaged)
    except SlipwayError as error:
        refused = error

    if refused:
        assert len(str(refused).splitlines()) <= 4
        assert "Traceback" not in str(refused)
        pointer, aliases, stages, lines = standing(damaged)
        assert (pointer, aliases, stages) == before[:3]
        assert [line.event for line in lines[len(before[3]) :]] in ([], ["undone"])
        return
    now = record.in_service(lookup(MODEL), settings)
    assert now is not None
    assert now.served
    assert now.entry is not None
    if command in ("release", "rollback", "rollback to", "reconcile"):
        left = mirroring.disagreements(lookup(MODEL), settings)
        assert all("any more" in what for what in left), left  # what MLflow has lost cannot be put in line
