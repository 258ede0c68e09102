"""The lines of the table of versions in the run page."""

from __future__ import annotations

from slipway.lifecycle.history import versions
from slipway.lifecycle.ledger import entry
from slipway.records import Candidate, Origin, RegistryState


def test_every_version_has_a_line_with_what_happened_last_and_what_it_is_now(candidate: Candidate) -> None:
    first = candidate.model_copy(update={"version": 1, "sample": True})
    entries = [
        entry("promoted", first, previous=None, aliases=["champion"], stage="Production", why="no worse"),
        entry("promoted", candidate, previous=1, aliases=["champion"], stage="Production", why="no worse"),
        entry(
            "rolled back",
            first,
            previous=2,
            aliases=["champion"],
            stage="Production",
            why="too slow",
            run_url="http://x/1",
            origin=Origin(who="Ada"),
        ),
    ]
    now = RegistryState(
        registered_as="r", aliases={"champion": 1, "previous": 2, "slow": 2}, stages={1: "Production", 2: "Archived", 3: "Staging"}
    )

    third, second, back = versions(now, entries, "accuracy")

    assert (third["version"], third["stage"], third["last event"], third["accuracy"]) == ("3", "Staging", "", "")
    assert (second["aliases"], second["stage"], second["last event"]) == ("previous, slow", "Archived", "promoted")
    assert second["rows"] == "abababababab"
    assert back == {
        "version": "1", "aliases": "champion", "stage": "Production", "last event": "rolled back", "at": back["at"], "who": "Ada",
        "why": "too slow", "accuracy": "0.8696", "rows": "sample abababababab", "run": "http://x/1",
    }  # fmt: skip
    assert len({tuple(line) for line in (third, second, back)}) == 1  # the columns of one table: 160 / 184 = 0.8696


def test_a_version_that_was_deleted_from_the_registry_keeps_its_line(candidate: Candidate) -> None:
    entries = [entry("promoted", candidate, previous=1, aliases=[], stage="Archived", why="no worse")]

    (line,) = versions(RegistryState(registered_as="r", aliases={}, stages={}), entries, "recall")

    assert (line["stage"], line["recall"]) == ("no longer registered", "")
