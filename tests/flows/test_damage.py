"""All that a person can damage in MLflow, and a lost ledger, before every command: it works, or it is refused and nothing changes.

The cases are every operation on every object, times every command. Some happen while a command runs, at chosen moments.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pandas as pd
import pytest

from flows.promote import promote
from flows.release import release
from flows.rollback import rollback
from flows.watch import watch
from slipway.bundle.store.active import active
from slipway.catalogue import lookup
from slipway.data import samples
from slipway.errors import SlipwayError
from slipway.lifecycle import challenge, mirroring, record
from slipway.lifecycle.ledger import Ledger, LedgerEntry
from slipway.lifecycle.locking import exclusive
from slipway.records import Origin
from slipway.tracking import mirrors, registry
from slipway.tracking.connection import connect
from tests.flows.conftest import move_endpoint, wait_until
from tests.support.homes import copy_home
from tests.support.writes import Writes

MODEL = "heart-failure"
NAME = "heart_failure_logistic"
LOST = "ledger: removed"
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
    LOST: lambda d: (d.place.home / "ledger.db").unlink(),
}


def _release(_: Damaged) -> object:
    return release(MODEL, sample=True, trials=1, jobs=1, return_state=True).result()


def _watch(damaged: Damaged) -> object:
    """Watch a window of rows that callers sent: those of the training."""
    spec, settings = lookup(MODEL), damaged.place.settings
    rows = pd.read_csv(samples.generate(spec, settings.snapshots).path)[list(spec.columns.features)].head(spec.watch.rows)
    asked = httpx.post(
        f"{settings.gateway_url}/models/{MODEL}/invocations",
        json={"dataframe_split": rows.to_dict("split")},
        headers={"Authorization": f"Bearer {damaged.place.key}"},
    )
    assert asked.is_success
    results = list[Any]()

    def judged() -> bool:
        results.append(watch(MODEL, return_state=True).result())
        return results[-1].state != "unjudged"

    wait_until(judged, "the rows are old enough to be judged")
    return results[-1]


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
    "watch": _watch,
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


def test_undamaged_every_command_does_its_work(damaged: Damaged) -> None:
    """Else a command that refuses everything would pass below."""
    outcomes = [COMMANDS[command](damaged) for command in ("watch", "challenge", "promote", "rollback", "release", "reconcile")]

    watched, challenged, promoted, rolled_back, released, reconciled = outcomes
    assert watched.state == "steady"
    assert challenged.bundle.startswith("1-")
    assert (promoted.outcome, promoted.candidate.version) == ("promoted", 1)
    assert (rolled_back.outcome, rolled_back.candidate.version) == ("rolled back", 2)
    assert (released.outcome, released.candidate.version) == ("promoted", 3)
    assert reconciled == ([], [])


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_it_works_or_is_refused_in_one_message_and_nothing_changes(damaged: Damaged, operation: str, command: str) -> None:
    OPERATIONS[operation](damaged)
    before, settings = standing(damaged), damaged.place.settings

    refused = _refusal(COMMANDS[command], damaged)

    if refused:
        assert standing(damaged)[1:3] == before[1:3]
        _require_untouched(refused, damaged, before)
        return
    now = record.in_service(lookup(MODEL), settings)
    assert now is not None
    assert now.served
    if operation == LOST and command in ("challenge", "watch", "reconcile"):
        assert _names_the_lost_line(damaged)
        return
    assert now.entry is not None
    if command in ("release", "rollback", "rollback to", "reconcile"):
        _require_agreement(damaged)


MOMENTS = {  # what is about to be written
    "before it is announced": "INSERT INTO promotions_in_progress",
    "before the pointer moves": f"os.rename bundles/{MODEL}/active.json",
    "before the ledger's line": "INSERT INTO ledger",
}
SOME = (
    "version in service: deleted",
    "version before: deleted",
    "registered model: renamed",
    "registered model: deleted",
    "run before: deleted",
    "experiment: deleted",
    "artifacts before: deleted",
    "alias champion: moved",
    "stage before: production",
    "tags of the versions: removed",
    LOST,
)


@pytest.mark.parametrize("command", ["release", "rollback", "promote"])
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("operation", SOME)
def test_what_happens_while_it_runs_leaves_one_of_two_states(
    damaged: Damaged, operation: str, moment: str, command: str, prefect_server: str
) -> None:
    before, happened = standing(damaged), list[str]()

    def happen(_: int, what: str) -> None:
        if MOMENTS[moment] in what and not happened:
            happened.append(what)
            OPERATIONS[operation](damaged)

    with Writes(damaged.place.home, urlsplit(prefect_server).port or 0, happen):
        refused = _refusal(COMMANDS[command], damaged)

    assert len(happened) == 1
    if refused:
        _require_untouched(refused, damaged, before)
        return
    now = record.in_service(lookup(MODEL), damaged.place.settings)
    assert now is not None
    assert (now.served, now.version) == (True, {"release": 3}.get(command, 1))
    if now.entry is None:
        assert operation == LOST
        assert _names_the_lost_line(damaged)
        return
    assert now.entry == standing(damaged)[3][-1]
    _require_agreement(damaged)


def _refusal(command: Callable[[Damaged], object], damaged: Damaged) -> SlipwayError | None:
    """Return the one message with which a command ends; None if it worked. Any other error is a failure of the test."""
    try:
        command(damaged)
    except SlipwayError as error:
        return error
    return None


def _require_untouched(refused: SlipwayError, damaged: Damaged, before: Any) -> None:
    assert len(str(refused).splitlines()) <= 4
    assert "Traceback" not in str(refused)
    pointer, _, _, lines = standing(damaged)
    assert pointer == before[0], refused
    assert [line.event for line in lines[len(before[3]) :]] in ([], ["undone"]), refused
    assert Ledger(damaged.place.settings.ledger).unfinished(MODEL) is None


def _names_the_lost_line(damaged: Damaged) -> bool:
    return any(
        "the ledger has no line that put it into service" in what for what in mirroring.disagreements(lookup(MODEL), damaged.place.settings)
    )


def _require_agreement(damaged: Damaged) -> None:
    left = mirroring.disagreements(lookup(MODEL), damaged.place.settings)
    assert all("any more" in what for what in left), left  # what MLflow has lost cannot be put in line
