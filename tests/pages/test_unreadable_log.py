"""Pages about the audit log while it cannot be read or written: a page that says so, nothing lost, and the same pages once it is back."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slipway.access import keys, users
from slipway.access.callers import Grant
from slipway.access.records import read
from slipway.audit import AUDIT
from tests.gateway.conftest import Gateway, _build
from tests.pages.conftest import PASSWORD, Person, Visitor, text_of

VALUES = {"value:Age": "80", "value:Oldpeak": "2", "value:Sex": "=M"}
PAGE = 4096  # bytes of a page of SQLite


@pytest.fixture(scope="module")
def surgery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway of these tests' own, because they damage its log."""
    home = tmp_path_factory.mktemp("surgery")
    _build(home / "toy-1", "toy", 1, (0, 1), lambda age: int(age > 55))
    gateway = Gateway(home)
    keys.add(home, "tester", gateway.key)
    (home / ".env").write_text("SLIPWAY_PREFECT_PORT=1\n")
    gateway.start().serve(home / "toy-1")
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def reader(surgery: Gateway) -> Iterator[Visitor]:
    """A person who predicts, records outcomes and reads the log, and reads Spanish. One prediction is in the log."""
    roles = [Grant.parse(role) for role in ("predict", "outcome", "audit")]
    users.add(surgery.home, "irene", PASSWORD, roles, with_second_factor=True)
    with Visitor(surgery.url, **{"Accept-Language": "es"}) as visitor:
        assert visitor.sign_in(Person(surgery.home, "irene", read(surgery.home).users["irene"].second_factor or "")).status_code == 303
        assert visitor.submit("/predict/toy", visitor.form("/predict/toy") | VALUES).status_code == 200
        yield visitor


def listed(visitor: Visitor) -> list[str]:
    return re.findall(r'<span class="code small">([\w-]+)</span>', visitor.get("/predictions").text)


def outcomes(home: Path) -> list[tuple[str, int]]:
    with sqlite3.connect(home / AUDIT) as log:
        return log.execute("SELECT prediction_id, label FROM outcomes ORDER BY id").fetchall()


@contextmanager
def away(home: Path) -> Iterator[None]:
    """Without the file of the log."""
    (home / AUDIT).rename(home / "elsewhere.db")
    yield
    (home / "elsewhere.db").rename(home / AUDIT)


@contextmanager
def damaged(home: Path) -> Iterator[None]:
    """With noise in all pages of the log's file but the first, as a failing disk may leave it."""
    with sqlite3.connect(home / AUDIT) as log:
        log.execute("PRAGMA wal_checkpoint(FULL)")  # else lines are read from the file beside it
    with (home / AUDIT).open("r+b") as file:
        content = file.read()
        file.seek(PAGE)
        file.write(b"\xa5" * (len(content) - PAGE))
    yield
    (home / AUDIT).open("r+b").write(content)


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """While another program writes to the log and does not end."""
    log = sqlite3.connect(home / AUDIT, isolation_level=None)
    log.execute("BEGIN IMMEDIATE")
    yield
    log.close()


@pytest.mark.parametrize("trouble", [away, damaged], ids=lambda one: one.__name__)
def test_a_log_that_cannot_be_read_is_a_page_in_the_readers_language_until_it_is_back(
    surgery: Gateway, reader: Visitor, trouble: Callable[..., object], soon: Callable[..., object]
) -> None:
    before, form = listed(reader), reader.form("/audit")

    with trouble(surgery.home):
        replies = [reader.get("/predictions"), reader.submit("/audit", form | {"kind": "answers"})]

    assert [reply.status_code for reply in replies] == [503, 503]
    for reply in replies:
        assert "No está disponible en este momento" in text_of(reply)
        assert "Inténtelo de nuevo en unos segundos." in text_of(reply)
        assert "retry-after" in reply.headers
        assert str(surgery.home) not in reply.text
    assert before
    assert soon(lambda: listed(reader) == before)
    assert soon(lambda: reader.submit("/audit", form | {"kind": "answers"}).status_code == 200)


def test_a_search_for_a_person_that_cannot_be_logged_shows_nothing_and_does_not_keep_the_reader_waiting(
    surgery: Gateway, reader: Visitor
) -> None:
    reader.submit("/predict/toy", reader.form("/predict/toy") | VALUES | {"subject": "HC 1"})
    before, fields = listed(reader), reader.form("/predictions") | {"subject": "HC 1"}

    with locked(surgery.home):
        began = time.monotonic()
        reply = reader.submit("/predictions", fields)
        waited = time.monotonic() - began

    assert reply.status_code == 503
    assert before[0] not in reply.text
    assert waited < 15  # the gateway waits for 2 s, a command for 30
    assert before[0] in reader.submit("/predictions", fields).text


@pytest.mark.parametrize("trouble", [away, locked], ids=lambda one: one.__name__)
def test_an_outcome_that_cannot_be_logged_is_not_recorded_and_can_be_sent_again(
    surgery: Gateway, reader: Visitor, trouble: Callable[..., object], soon: Callable[..., object]
) -> None:
    reader.submit("/predict/toy", reader.form("/predict/toy") | VALUES)
    prediction, before = listed(reader)[0], outcomes(surgery.home)
    fields = reader.form("/predictions") | {"prediction": prediction, "outcome": "=1", "back": "/predictions"}

    with trouble(surgery.home):
        reply = reader.submit("/predictions/outcome", fields)

    assert reply.status_code == 503
    assert "No está disponible en este momento" in text_of(reply)
    assert outcomes(surgery.home) == before
    assert soon(lambda: reader.submit("/predictions/outcome", fields).status_code == 303)
    assert outcomes(surgery.home) == [*before, (prediction, 1)]
