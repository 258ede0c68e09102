"""The pages of the log, where it is in PostgreSQL."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.access import keys, users
from slipway.access.callers import Grant
from slipway.access.records import read
from tests.gateway.conftest import Gateway, _build
from tests.pages.conftest import PASSWORD, Person, Visitor, text_of
from tests.support.postgres import running_postgres

VALUES = {"value:Age": "80", "value:Oldpeak": "2", "value:Sex": "=M"}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Visitor]:
    """Somebody who may predict, record outcomes and read the log, at a gateway whose log is in PostgreSQL."""
    gateway = Gateway(tmp_path / "home")
    keys.add(gateway.home, "tester", gateway.key)
    users.add(gateway.home, "anna", PASSWORD, [*map(Grant, ("predict", "outcome", "audit"))], with_second_factor=True)
    anna = replace(Person(gateway.home, "anna"), secret=read(gateway.home).users["anna"].second_factor or "")
    _build(tmp_path / "toy-1", "toy", 1, (0, 1), lambda age: int(age > 55))
    with running_postgres() as server:
        (gateway.home / ".env").write_text(f"SLIPWAY_AUDIT_URL={server.get_uri()}\n")
        gateway.start().serve(tmp_path / "toy-1")
        with Visitor(gateway.url) as visitor:
            assert visitor.sign_in(anna).status_code == 303
            yield visitor
        gateway.stop()


def test_own_predictions_outcomes_searches_and_downloads_are_as_in_sqlite(reader):
    ids = []
    for number in range(53):
        reply = reader.submit("/predict/toy", reader.form("/predict/toy") | VALUES | {"subject": f"HC {number % 50}"})
        ids.insert(0, f"{reply.headers['x-request-id']}-0")

    first = reader.get("/predictions")
    older = re.search(r'href="(/predictions\?after=\w+)"', first.text)[1]
    listed = [id for page in (first, reader.get(older)) for id in re.findall(r'<span class="code small">([\w-]+)</span>', page.text)]
    assert listed == ids
    for outcome in ("=1", "=0"):
        done = reader.submit("/predictions/outcome", reader.form("/predictions") | {"prediction": ids[0], "outcome": outcome})
    assert done.headers["location"] == "/predictions?done=outcome.corrected"
    assert ids[0] not in reader.get("/predictions?open=1").text

    page = reader.submit("/audit", reader.form("/audit") | {"subject": "HC 2"})
    assert re.findall(r'name="line" value="([\w-]+)"', page.text) == [ids[0], ids[50]]
    assert re.search(r"0 recorded .*, by user:anna\. Before: 1\.", text_of(page))
    assert "HC 2" in text_of(reader.submit("/audit/line", reader.form("/audit") | {"line": ids[0], "reveal": "1"}))
    everything = reader.submit("/audit/export", reader.form("/audit") | {"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(everything.content.decode("utf-8-sig"), newline="")))
    assert [row["prediction_id"] for row in rows] == ids
    assert (rows[0]["label"], rows[0]["outcome"], rows[0]["outcome_key"], rows[1]["outcome"]) == ("1", "0", "user:anna", "")
    acts = text_of(reader.submit("/audit", reader.form("/audit") | {"kind": "acts"}))
    assert "exported the audit log answers" in acts
    assert "HC" not in acts
