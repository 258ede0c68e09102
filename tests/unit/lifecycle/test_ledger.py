"""What happened to a model is written in order, never changed, and a promotion that was cut short is known."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import IntegrityError

from slipway.errors import ReleaseInProgressError
from slipway.lifecycle.ledger import Ledger, LedgerEntry, LedgerEvent, entry
from slipway.records import Candidate, Origin, Promotion, RegistryState


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "by-itself" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Ledger:
    return Ledger(f"sqlite:///{path}")


@pytest.fixture
def in_postgresql(postgres_url: str) -> str:
    return postgres_url.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture
def promotion(candidate: Candidate) -> Promotion:
    before = RegistryState(registered_as="heart_failure_logistic", aliases={"champion": 1}, stages={1: "Production", 2: "Staging"})
    return Promotion(
        candidate=candidate, host="here", registry=before, previous=1, pointer={"bundle": "1-aa", "port": 8001, "installation": "bb"}
    )


def line(candidate: Candidate, event: LedgerEvent = "promoted", why: str = "no worse") -> LedgerEntry:
    return entry(event, candidate, previous=1, aliases=["champion"], stage="Production", why=why)


def test_history_is_in_the_order_in_which_it_happened(ledger: Ledger, candidate: Candidate) -> None:
    events: list[LedgerEvent] = ["promoted", "refused", "undone", "promoted"]
    for number, event in enumerate(events):
        ledger.append(line(candidate, event, why=str(number)))

    assert [(found.event, found.why) for found in ledger.history("heart-failure")] == list(zip(events, "0123", strict=True))


def test_an_entry_survives_reopening_with_every_value(ledger: Ledger, path: Path, candidate: Candidate) -> None:
    written = line(candidate)
    ledger.append(written)

    (again,) = Ledger(f"sqlite:///{path}").history("heart-failure")

    assert again == written
    assert again.metrics == {"accuracy": 160 / 184, "roc_auc": 0.93}
    assert again.confusion_matrix == [[68, 14], [10, 92]]
    assert "@" in again.who
    assert again.at.endswith("+00:00")


def test_without_a_name_the_history_is_of_all_models_and_may_be_cut_to_the_newest(ledger: Ledger, candidate: Candidate) -> None:
    other = candidate.model_copy(update={"model": "toy"})
    for number, about in enumerate([candidate, other, candidate]):
        ledger.append(line(about, why=str(number)))

    assert [(found.model, found.why) for found in ledger.history()] == [("heart-failure", "0"), ("toy", "1"), ("heart-failure", "2")]
    assert [found.why for found in ledger.history(last=2)] == ["1", "2"]
    assert [found.why for found in ledger.history("heart-failure", last=1)] == ["2"]


def test_models_do_not_see_each_others_history(ledger: Ledger, candidate: Candidate) -> None:
    ledger.append(line(candidate))

    assert ledger.history("toy") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET entry = '{}'",
        "DELETE FROM ledger",
        "INSERT OR REPLACE INTO ledger (id, model, entry) VALUES (1, 'heart-failure', '{}')",
        "REPLACE INTO ledger (id, model, entry) SELECT id, model, '{}' FROM ledger",
        "UPDATE OR REPLACE ledger SET entry = '{}'",
        "INSERT INTO ledger (id, model, entry) VALUES (1, 'heart-failure', '{}') ON CONFLICT DO UPDATE SET entry = excluded.entry",
    ],
)
def test_the_database_itself_refuses_to_change_an_entry(ledger: Ledger, path: Path, candidate: Candidate, statement: str) -> None:
    ledger.append(line(candidate))

    with sqlite3.connect(path) as connection, pytest.raises(sqlite3.IntegrityError, match="the ledger is append-only"):
        connection.execute(statement)
    connection.close()

    (found,) = ledger.history("heart-failure")
    assert found.why == "no worse"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET entry = '{}'",
        "DELETE FROM ledger",
        "TRUNCATE ledger",
        "INSERT INTO ledger (id, model, entry) VALUES (1, 'toy', '{}') ON CONFLICT (id) DO UPDATE SET entry = excluded.entry",
    ],
)
def test_postgresql_refuses_to_change_an_entry_as_well(in_postgresql: str, candidate: Candidate, statement: str) -> None:
    ledger = Ledger(in_postgresql)
    ledger.append(line(candidate))

    with create_engine(in_postgresql).begin() as connection, pytest.raises(IntegrityError, match="the ledger is append-only"):
        connection.execute(text(statement))

    (found,) = Ledger(in_postgresql).history("heart-failure")
    assert found.why == "no worse"


def test_a_user_of_postgresql_who_may_only_add_lines_is_enough(in_postgresql: str, promotion: Promotion) -> None:
    Ledger(in_postgresql)
    with create_engine(in_postgresql).begin() as connection:
        for statement in (
            "CREATE ROLE writer LOGIN",
            "GRANT SELECT, INSERT ON ledger TO writer",
            "GRANT USAGE ON SEQUENCE ledger_id_seq TO writer",
            "GRANT SELECT, INSERT, DELETE ON promotions_in_progress TO writer",
        ):
            connection.execute(text(statement))

    ledger = Ledger(make_url(in_postgresql).set(username="writer").render_as_string(hide_password=False))
    ledger.announce(promotion)
    ledger.append(line(promotion.candidate))

    assert ledger.unfinished("heart-failure") is None
    assert [found.event for found in ledger.history()] == ["promoted"]


def test_many_processes_may_open_a_new_ledger_at_once(in_postgresql: str, candidate: Candidate) -> None:
    Ledger(in_postgresql)
    with create_engine(in_postgresql).begin() as connection:
        connection.execute(text("DROP TRIGGER ledger_is_append_only ON ledger"))  # as a ledger of an earlier version is

    with ThreadPoolExecutor(8) as threads:
        opened = list(threads.map(Ledger, [in_postgresql] * 8))

    opened[0].append(line(candidate))
    assert len(opened[7].history("heart-failure")) == 1


def test_a_promotion_that_was_announced_and_not_ended_is_known_after_reopening(ledger: Ledger, path: Path, promotion: Promotion) -> None:
    assert ledger.unfinished("heart-failure") is None

    ledger.announce(promotion)

    again = Ledger(f"sqlite:///{path}")
    assert again.unfinished("heart-failure") == promotion
    assert again.unfinished("toy") is None
    assert again.history("heart-failure") == []


def test_its_entry_ends_it(ledger: Ledger, promotion: Promotion) -> None:
    ledger.announce(promotion)

    ledger.append(line(promotion.candidate))

    assert ledger.unfinished("heart-failure") is None
    assert len(ledger.history("heart-failure")) == 1


def test_an_entry_of_another_model_does_not_end_it(ledger: Ledger, promotion: Promotion) -> None:
    ledger.announce(promotion)

    ledger.append(line(promotion.candidate.model_copy(update={"model": "toy"})))

    assert ledger.unfinished("heart-failure") == promotion


@pytest.mark.parametrize("event", ["refused", "approved", "rejected"])
def test_what_happens_beside_a_promotion_does_not_end_it(ledger: Ledger, promotion: Promotion, event: LedgerEvent) -> None:
    ledger.announce(promotion)

    ledger.append(line(promotion.candidate, event))

    assert ledger.unfinished("heart-failure") == promotion


def test_an_entry_of_an_earlier_version_of_the_ledger_is_still_read(ledger: Ledger, path: Path, candidate: Candidate) -> None:
    earlier = line(candidate).model_dump(mode="json", exclude={"run_url"})
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO ledger (model, entry) VALUES ('heart-failure', ?)", [json.dumps(earlier)])
    connection.close()

    (found,) = ledger.history("heart-failure")

    assert (found.event, found.version, found.run_url) == ("promoted", 2, None)


def test_who_decided_may_be_somebody_else_than_who_runs_this(candidate: Candidate) -> None:
    ada, page = Origin(who="Ada"), "http://127.0.0.1/runs/1"
    found = entry("approved", candidate, previous=1, aliases=[], stage="Staging", why="seen", run_url=page, origin=ada)

    assert (found.who, found.run_url) == ("Ada", page)


def test_a_second_announcement_is_an_error_and_the_first_is_kept(ledger: Ledger, promotion: Promotion) -> None:
    ledger.announce(promotion)

    with pytest.raises(ReleaseInProgressError, match="heart-failure: another promotion of this model has begun and not ended"):
        ledger.announce(promotion.model_copy(update={"pointer": None}))

    assert ledger.unfinished("heart-failure") == promotion


def test_a_dry_run_cannot_be_entered(candidate: Candidate) -> None:
    with pytest.raises(ValueError, match="a dry run registers no version"):
        line(candidate.model_copy(update={"version": None}))
