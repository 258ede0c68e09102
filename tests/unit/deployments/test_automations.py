"""What the file of automations says; that Prefect takes it, and what comes of it, is in tests/platform/test_alarms.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deployments.server import automations
from slipway.catalogue import services

ROOT = Path(__file__).parents[3]
RELEASES = {f"release/{name}": f"id-of-{name}" for name in services()}
ZOMBIES = "slipway: run without a sign of life"
RETRAIN = {f"slipway: retrain {name}": name for name in services()}
DOC = (ROOT / "docs" / "notifications.md").read_text()


def test_without_a_channel_only_what_does_something_else_is_put_into_effect():
    assert [automation["name"] for automation in automations.wanted([], {})] == [ZOMBIES]


def test_every_alarm_goes_to_every_channel():
    found = {automation["name"]: automation["actions"] for automation in automations.wanted(["one", "two"], RELEASES)}

    alarms = ("run failed", "run late", "release refused", "approval waiting", "service down", "smoke test failed")
    assert set(found) >= {f"slipway: {alarm}" for alarm in alarms}
    for name, actions in found.items():
        channels = [action["block_document_id"] for action in actions if action["type"] == "send-notification"]
        assert channels == ([] if name == ZOMBIES or name in RETRAIN else ["one", "two"])


def test_an_alarm_of_the_watch_starts_the_release_of_its_own_model():
    found = {automation["name"]: automation for automation in automations.wanted([], RELEASES)}

    assert set(found) == {ZOMBIES, *RETRAIN}
    for name, model in RETRAIN.items():
        (action,), trigger = found[name]["actions"], found[name]["trigger"]
        assert action["deployment_id"] == f"id-of-{model}"
        assert action["parameters"]["name"] == model
        assert trigger["match"] == {"prefect.resource.id": f"slipway.model.{model}"}


def test_every_trigger_says_what_it_matches_expects_and_within_what_time():
    for automation in automations.wanted(["one"], RELEASES):
        assert {"posture", "match", "expect", "within", "for_each"} <= automation["trigger"].keys(), automation["name"]


def test_no_trigger_expects_an_event_that_begins_no_count():
    """Prefect reads before it writes for such an event, and on SQLite loses it, or hangs: docs/decisions/0025-notifications.md."""
    for automation in automations.wanted(["one"], RELEASES):
        trigger = automation["trigger"]
        assert trigger.get("after", trigger["expect"]) == trigger["expect"], automation["name"]


def test_every_message_points_to_a_section_of_the_documentation_that_exists():
    text = automations.FILE.read_text()
    sections = re.findall(r'docs/notifications\.md, "(.+?)"', text)

    assert len(sections) == 9
    assert set(sections) <= set(re.findall(r"^### (.+)$", DOC, re.MULTILINE))


def test_every_flow_of_ours_is_watched_for_signs_of_life():
    """A flow that is not named would still be shown as running after its process is killed."""
    flows = {name for path in (ROOT / "flows").glob("*.py") for name in names_of_flows(path.read_text())}
    (zombies,) = automations.wanted([], {})

    assert {"release", "fleet"} <= flows
    assert flows <= set(zombies["trigger"]["match_related"]["prefect.resource.name"])


def names_of_flows(source: str) -> list[str]:
    """Return the names in the flow decorators of a module; a name may be a constant of the module."""
    texts = re.findall(r"@flow\(\s*name=([\w\"-]+)", source)
    assert len(texts) == source.count("@flow"), "a flow without a name= of its own"
    return [(text if '"' in text else re.search(rf"^{text} = (.+)$", source, re.MULTILINE)[1]).strip('"') for text in texts]


@pytest.mark.parametrize(
    ("found", "declared", "same"),
    [
        ({"a": 1, "id": "x"}, {"a": 1}, True),  # the server adds ids and defaults
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"within": 90.0}, {"within": 90}, True),
        ({"expect": ["b", "a"]}, {"expect": ["a", "b"]}, True),  # it keeps sets in any order
        ({"expect": ["a"]}, {"expect": ["a", "b"]}, False),
        ({"actions": [{"type": "x", "id": 1}]}, {"actions": [{"type": "x"}]}, True),
        ({"actions": [{"type": "x"}, {"type": "y"}]}, {"actions": [{"type": "x"}]}, False),  # somebody added one
        ({"actions": [{"body": "old"}]}, {"actions": [{"body": "new"}]}, False),
        ({"trigger": None}, {"trigger": {"type": "event"}}, False),
    ],
)
def test_what_the_server_holds_is_compared_with_what_was_declared(found, declared, same):
    assert automations.says(found, declared) is same
