"""What is in service stays so whatever a person does in MLflow, and a person's decision stays until a person lifts it."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
from dataclasses import replace

import pytest
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.states import Cancelling, Pending
from typer.testing import CliRunner

from deployments.cli import app
from deployments.operations.preview import preview
from flows.challenge import challenge as try_version
from flows.promote import promote
from flows.release import release
from flows.rollback import rollback
from slipway.bundle.store.active import active, point
from slipway.catalogue import catalogue, lookup
from slipway.errors import PortTakenError, RegistryError, RollbackError
from slipway.lifecycle import challenge, holds, mirroring, record
from slipway.lifecycle import rollback as choosing
from slipway.lifecycle.ledger import Ledger
from slipway.monitoring.journal import Journal, Switch
from slipway.records import Origin
from slipway.settings import LOOPBACK
from slipway.spec import Gate
from slipway.tracking import registry
from slipway.tracking.connection import connect

MODEL = "heart-failure"
pytestmark = pytest.mark.timeout(300)
QUICK = {"sample": True, "trials": 1, "jobs": 1}


@pytest.fixture
def spec():
    return lookup(MODEL)


@pytest.fixture
def mlflow(place):
    return connect(place.settings)


def version_in_service(place, spec):
    found = record.in_service(spec, place.settings)
    return found and found.version


def name_of_run(state):
    with get_client(sync_client=True) as client:
        return client.read_flow_run(state.state_details.flow_run_id).name


def slipway(*arguments):
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


# what an operator can start


def test_a_model_that_challenges_another_can_be_released_on_its_page_once_there_is_a_version_to_try_it_beside(place, service):
    assert preview(place.settings, MODEL).choices == [MODEL]

    service.promote(1)

    assert preview(place.settings, MODEL).choices == [MODEL, f"{MODEL}-boosting"]


# a version in service that MLflow has lost


def test_sample_rows_do_not_replace_a_deleted_version_of_real_rows(place, service, spec, mlflow):
    service.promote(1, sample=False)
    mlflow.delete_registered_model_alias(spec.registered_as, registry.CHAMPION)
    mlflow.transition_model_version_stage(spec.registered_as, "1", "Archived")
    mlflow.delete_model_version(spec.registered_as, "1")
    before = active(place.settings.bundles, MODEL)

    state = release(MODEL, return_state=True, **QUICK)

    assert (state.name, name_of_run(state)) == ("Refused", f"⚠ release-{MODEL}")  # in the green of the others, and yet seen
    assert "it was trained on sample rows, and champion version 1 on real ones" in state.message
    assert [rule.name for rule in state.result().verdict.rules][:3] == ["floor", "champion", "real rows"]
    assert active(place.settings.bundles, MODEL) == before


def test_a_rollback_works_when_mlflow_has_lost_the_versions_their_runs_and_their_bundles(place, service, spec, mlflow):
    one, two = service.promote(1), service.promote(2)
    for version in "12":
        mlflow.delete_model_version(spec.registered_as, version)
    for candidate in (one, two):
        mlflow.delete_run(candidate.run_id)
        shutil.rmtree(place.settings.mlflow_artifacts / candidate.run_id)
    found = mirroring.disagreements(spec, place.settings)
    assert found == ["version 2 answers, and heart_failure_logistic has no such version in MLflow any more"]

    assert slipway("reconcile", MODEL, "--json").exit_code == 3
    state = rollback(MODEL, because="two is worse", return_state=True)

    assert (state.name, version_in_service(place, spec)) == ("RolledBack", 1)
    assert [(entry["event"], entry["version"], entry["previous"]) for entry in place.history()][-1] == ("rolled back", 1, 2)


def test_a_rollback_goes_by_what_was_in_service_and_not_by_where_an_alias_was_moved(place, service, spec, mlflow):
    for version in (1, 2, 3):
        service.promote(version)
    assert rollback(MODEL, because="three is worse", return_state=True).name == "RolledBack"
    mlflow.set_registered_model_alias(spec.registered_as, registry.CHAMPION, "1")

    state = rollback(MODEL, because="again", return_state=True)

    assert (state.name, version_in_service(place, spec)) == ("AlreadyInService", 2)
    assert mirroring.disagreements(spec, place.settings) == []
    assert registry.state(mlflow, spec.registered_as).aliases == {"champion": 2, "previous": 3}
    assert choosing.plan(spec, place.settings, 1).candidate.version == 1


def test_reconcile_shows_what_disagrees_and_puts_it_in_line(place, service, spec, mlflow):
    service.promote(1)
    service.promote(2)
    mlflow.set_registered_model_alias(spec.registered_as, registry.CHAMPION, "1")
    mlflow.delete_registered_model_alias(spec.registered_as, registry.PREVIOUS)
    mlflow.transition_model_version_stage(spec.registered_as, "1", "Production")
    wrong = [
        "the alias champion is on version 1 instead of on version 2",
        "the alias previous is on no version instead of on version 1",
        "version 1 is in Production, and version 2 answers",
    ]

    shown = slipway("reconcile", MODEL, "--dry-run", "--json")
    assert (shown.exit_code, json.loads(shown.stdout)) == (3, {"model": MODEL, "mended": [], "left": wrong})
    mended = slipway("reconcile", MODEL, "--json")
    assert (mended.exit_code, json.loads(mended.stdout)["mended"]) == (0, wrong)

    line = Ledger(place.settings.ledger).history(MODEL)[-1]
    assert (line.event, line.version, line.started_by, line.why) == ("reconciled", 2, "shell", "; ".join(wrong))
    now = registry.state(mlflow, spec.registered_as)
    assert (now.aliases, now.stages) == ({"champion": 2, "previous": 1}, {1: "Archived", 2: "Production"})


def test_a_promotion_that_was_cut_short_is_named_and_reconcile_undoes_it(place, service, spec):
    service.promote(1)
    service.promote(2, finished=False)

    said = slipway("reconcile", MODEL, "--dry-run", "--json")
    assert (said.exit_code, json.loads(said.stdout)["left"]) == (3, ["a promotion of version 2 was cut short"])
    assert version_in_service(place, spec) == 2

    mended = slipway("reconcile", MODEL, "--json")
    assert (mended.exit_code, json.loads(mended.stdout)["mended"]) == (0, ["a promotion of version 2 was cut short"])
    assert version_in_service(place, spec) == 1
    assert [entry["event"] for entry in place.history()] == ["promoted", "undone", "reconciled"]


def test_what_a_killed_run_did_not_mirror_is_caught_up_with_and_what_a_person_moved_is_not(place, service, spec, mlflow):
    service.promote(1)
    service.promote(2, mirrored=False)
    mirroring.catch_up(spec, place.settings)
    assert registry.state(mlflow, spec.registered_as).aliases == {"champion": 2, "previous": 1}

    mlflow.set_registered_model_alias(spec.registered_as, registry.CHAMPION, "1")
    mirroring.catch_up(spec, place.settings)
    assert registry.state(mlflow, spec.registered_as).aliases["champion"] == 1


def test_a_lost_pointer_is_named_and_a_rollback_brings_the_version_back(place, service, spec):
    service.promote(1)
    service.promote(2)
    point(place.settings.bundles, MODEL, None)
    assert "the ledger says that version 2 is in service, and the gateway has no pointer to it" in mirroring.disagreements(
        spec, place.settings
    )

    assert rollback(MODEL, because="the pointer was removed", return_state=True).name == "RolledBack"

    assert version_in_service(place, spec) == 2
    assert mirroring.disagreements(spec, place.settings) == []


def test_a_version_moved_by_hand_that_the_gate_refuses_is_put_back_with_the_reason(place, service, spec, mlflow, monkeypatch):
    service.promote(1)
    service.promote(2)
    mlflow.set_registered_model_alias(spec.registered_as, registry.CHAMPION, "1")
    mlflow.transition_model_version_stage(spec.registered_as, "1", "Production", archive_existing_versions=True)
    monkeypatch.setitem(catalogue(), MODEL, replace(spec, gate=Gate(floor=0.999)))

    state = promote(MODEL, because="version 1 was made champion in MLflow", version=1, return_state=True)

    assert state.name == "Refused"
    assert version_in_service(place, spec) == 2
    now = registry.state(mlflow, spec.registered_as)
    assert (now.aliases, now.stages) == ({"champion": 2, "previous": 1}, {1: "Archived", 2: "Production"})
    line = Ledger(place.settings.ledger).history(MODEL)[-1]
    assert (line.event, line.version) == ("refused", 1)
    assert "is below the floor 0.9990" in line.why


def test_a_run_tries_a_version_beside_the_champion_and_ends_the_trial_each_with_its_reason(place, service, spec, mlflow):
    service.promote(1)
    service.promote(2)

    tried = try_version(MODEL, "it was right on Monday", version=1, share=0.25, return_state=True)
    again = try_version(MODEL, "still", version=2, return_state=True)
    ended = try_version(MODEL, "the trial is over", return_state=True)
    nothing = try_version(MODEL, "to be sure", return_state=True)

    assert (tried.name, tried.message) == ("Challenging", "version 1: it answers 25% of the requests: it was right on Monday")
    assert "is in service already" in again.message
    assert [(ended.name, ended.message), nothing.name] == [("ChallengeEnded", "the trial is over"), "NoChallenger"]
    last = place.history()[-1]
    assert (last["event"], last["version"], last["why"]) == ("challenging", 1, "it was right on Monday")
    assert "challenger" not in registry.state(mlflow, spec.registered_as).aliases


def test_a_release_goes_on_beside_a_challenger_with_a_share(place, service, spec, mlflow):
    service.promote(1)
    service.promote(2)
    with registry.bundle_of(mlflow, spec.registered_as, 1) as bundle:
        challenge.begin(spec, bundle, 0.9, place.settings)

    assert release(MODEL, return_state=True, **QUICK).name == "Promoted"

    assert version_in_service(place, spec) == 3
    assert registry.state(mlflow, spec.registered_as).aliases == {"champion": 3, "previous": 2, "challenger": 1}


# what would stop a registration is found before the search


def test_a_champion_that_no_release_made_is_found_before_the_search_and_nothing_changes(place, spec, mlflow):
    mlflow.create_registered_model(spec.registered_as)
    run_id = mlflow.create_run(mlflow.create_experiment("by hand")).info.run_id
    mlflow.create_model_version(spec.registered_as, f"runs:/{run_id}/model", run_id)
    mlflow.set_registered_model_alias(spec.registered_as, registry.CHAMPION, "1")
    before = registry.state(mlflow, spec.registered_as)

    state = release(MODEL, return_state=True, **QUICK)

    with pytest.raises(RegistryError, match="version 1 of heart_failure_logistic has the alias champion in MLflow, and no release made it"):
        state.result()
    assert registry.state(mlflow, spec.registered_as) == before
    assert list(place.settings.studies.glob("*")) == []
    assert place.history() == []


def test_a_renamed_registered_model_is_found_before_the_search(place, service, spec, mlflow):
    service.promote(1)
    mlflow.rename_registered_model(spec.registered_as, "renamed_by_hand")

    state = release(MODEL, return_state=True, **QUICK)

    with pytest.raises(RegistryError, match=r"is registered as renamed_by_hand in MLflow.*Rename it back"):
        state.result()
    assert version_in_service(place, spec) == 1


def test_a_port_that_another_program_has_is_found_before_the_search(place):
    port = place.settings.model_ports[MODEL]

    with socket.create_server((LOOPBACK, port)):
        state = release(MODEL, return_state=True, **QUICK)

    with pytest.raises(PortTakenError, match=f"port {port}, which the model heart-failure needs, is held by process {os.getpid()}"):
        state.result()
    assert list(place.settings.studies.glob("*")) == []
    assert place.history() == []


# persons before automations


def test_a_persons_rollback_holds_until_a_person_resumes(place, service, spec, started_by):
    service.promote(1)
    service.promote(2)
    assert rollback(MODEL, because="it calls everybody healthy", return_state=True).name == "RolledBack"
    taken_back = Ledger(place.settings.ledger).history(MODEL)[-1]
    assert taken_back.started_by == "shell"

    for by in ("schedule", "automation slipway: retrain heart-failure"):
        state = started_by(by, release, name=MODEL, **QUICK)
        assert (state.name, name_of_run(state)) == ("Held", f"⚠ release-{MODEL}")
        assert state.message == (
            f"automations are held back, because {taken_back.who} rolled back to version 1 at {taken_back.at[:16].replace('T', ' ')} UTC: "
            f"it calls everybody healthy. A person ends that: `slipway resume {MODEL} --because WHY`."
        )
    assert version_in_service(place, spec) == 1

    assert slipway("resume", MODEL, "--because", "the sensor is replaced").exit_code == 0
    state = started_by("schedule", release, name=MODEL, because="every Monday", **QUICK)
    assert (state.name, name_of_run(state)) == ("Promoted", f"release-{MODEL}")
    line = Ledger(place.settings.ledger).history(MODEL)[-1]
    assert (line.event, line.started_by, line.because) == ("promoted", "schedule", "every Monday")
    shown = slipway("history", MODEL).output.splitlines()
    assert (shown[0].split("\t")[0], shown[-1].split("\t")[0].split()[-1]) == ("when, who, started by", "schedule")
    assert "nothing holds automations back" in slipway("resume", MODEL, "--because", "again").output


def test_a_lost_ledger_may_have_held_a_persons_decision_so_it_holds_too(place, service, spec, started_by):
    service.promote(1)
    (place.home / "ledger.db").unlink()

    assert slipway("reconcile", MODEL, "--json").exit_code == 3
    state = started_by("schedule", release, name=MODEL, **QUICK)
    assert state.name == "Held"
    assert "the ledger has no line about version 1, which is in service; it was removed, or replaced by another" in state.message

    assert "automations may promote again" in slipway("resume", MODEL, "--because", "nobody rolled back").output
    assert started_by("schedule", release, name=MODEL, **QUICK).name == "Promoted"
    assert version_in_service(place, spec) == 2
    assert slipway("reconcile", MODEL, "--json").exit_code == 0


def test_a_freeze_holds_a_release_that_a_schedule_starts(place, service, started_by):
    service.promote(1)
    Journal(place.settings.ledger).add(Switch(model=MODEL, frozen=True, why="the ward is moving"))

    state = started_by("schedule", release, name=MODEL, **QUICK)

    assert (state.name, "the ward is moving" in state.message) == ("Held", True)
    slipway("resume", MODEL, "--because", "the ward has moved")
    assert Journal(place.settings.ledger).frozen(MODEL) == ""


def test_a_hold_is_of_persons_only(place, service, candidate):
    settings = place.settings
    service.promote(1)
    about = Ledger(settings.ledger).history(MODEL)[-1]
    for event, who, by, held in (
        ("rejected", "nobody", "shell", False),
        ("rejected", "slipway", "run page", False),
        ("rejected", "Ada", "schedule", False),
        ("rejected", "Ada", "run page", True),
        ("promoted", "root@vm", "automation slipway: retrain heart-failure", True),
        ("refused", "root@vm", "shell", True),
        ("promoted", "root@vm", "shell", False),
        ("rolled back", "root@vm", "", True),
        ("resumed", "root@vm", "shell", False),
    ):
        Ledger(settings.ledger).append(about.model_copy(update={"event": event, "who": who, "started_by": by}))
        assert bool(holds.hold(Ledger(settings.ledger).history(MODEL))) is held, (event, who, by)
    assert holds.resume(MODEL, "nothing to lift", settings, Origin()) == ""


# a run that was cancelled


class Cancel(logging.Handler):
    """Cancels a run as soon as its search logs a trial."""

    def __init__(self, client, run):
        super().__init__()
        self.client, self.run, self.done = client, run, False

    def emit(self, line):
        if "trial" in line.getMessage() and not self.done:
            self.done = True
            self.client.set_flow_run_state(self.run, Cancelling(), force=True)


def test_a_release_that_was_cancelled_during_its_search_promotes_nothing_although_it_goes_on(place, service, spec):
    """Nobody ends its process: the worker that should have done it is away."""
    service.promote(1)
    before, ledger = active(place.settings.bundles, MODEL), place.history()
    with get_client(sync_client=True) as client:
        made = client.create_flow_run(release, parameters={"name": MODEL, **QUICK}, state=Pending())
        handler = Cancel(client, made.id)
        logging.getLogger("slipway").addHandler(handler)
        try:
            state = run_flow(release, flow_run=client.read_flow_run(made.id), parameters={"name": MODEL, **QUICK}, return_type="state")
        finally:
            logging.getLogger("slipway").removeHandler(handler)

    assert handler.done
    assert state.name != "Promoted"
    assert active(place.settings.bundles, MODEL) == before
    assert place.history() == ledger
    assert list(registry.state(connect(place.settings), spec.registered_as).stages) == [1]


def test_what_was_never_in_service_stays_refused_although_its_alias_was_moved(place, service, spec, mlflow, candidate):
    service.promote(1)
    run_id = mlflow.create_run(mlflow.get_experiment_by_name(MODEL).experiment_id).info.run_id
    mlflow.create_model_version(spec.registered_as, f"runs:/{run_id}/model", run_id)
    for alias in (registry.CHAMPION, registry.PREVIOUS):
        mlflow.set_registered_model_alias(spec.registered_as, alias, "2")

    with pytest.raises(RegistryError, match="version 2 has no bundle"):
        choosing.plan(spec, place.settings, 2)
    with pytest.raises(RollbackError, match="no version was in service before version 1"):
        choosing.plan(spec, place.settings)
