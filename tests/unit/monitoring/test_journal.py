"""The journal of the watch stays as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from slipway.lifecycle.ledger import Ledger
from slipway.monitoring.journal import Journal, Switch
from tests.unit.monitoring.test_policy import alarm, window


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'made' / 'ledger.db'}"
    return request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://", 1)


def test_windows_and_alarms_come_back_as_they_were(url):
    first, second, third = window("D", 1), window("F", 2), window(".", 3).model_copy(update={"version": 3})
    journal = Journal(url)
    for record in (first, second, third, window("D", 1).model_copy(update={"model": "other"}), alarm("concept")):
        journal.add(record)

    again = Journal(url)
    assert again.windows("toy") == [first, second, third]
    assert again.windows("toy", 2) == [first, second]
    assert [(found.kind, found.reason) for found in again.alarms("toy")] == [("concept", "then")]
    assert again.alarms("other") == []


def test_the_switch_is_as_it_was_set_last(url):
    journal = Journal(url)
    assert (journal.switch("toy"), journal.frozen("toy")) == (None, "")

    journal.add(Switch(model="toy", frozen=True, why="the laboratory moves"))
    assert journal.frozen("toy") == "the laboratory moves"
    journal.add(Switch(model="toy", frozen=False, why="it has moved"))
    assert (journal.frozen("toy"), journal.frozen("other")) == ("", "")


@pytest.mark.parametrize("change", ["UPDATE watch_windows SET model = 'x'", "DELETE FROM watch_windows"])
def test_a_record_is_never_changed(url, change):
    Journal(url).add(window("D", 1))

    with pytest.raises(IntegrityError, match="append-only"), create_engine(url).begin() as connection:
        connection.execute(text(change))


def test_it_uses_the_ledgers_database(url):
    Ledger(url)
    Journal(url).add(window("D", 1))

    assert Ledger(url).history("toy") == []
    assert len(Journal(url).windows("toy")) == 1
