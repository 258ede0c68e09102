"""A command deletes all old lines, and the log says so."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

from slipway import audit
from slipway.audit import Refused, Wanted
from slipway.audit.places import missing
from slipway.audit.upkeep.retention import days_ago, prune

DAY = 86_400.0
NOW = 1_700_000_000.0
REFUSED = Refused("r1", NOW, "", "10.0.0.7", "GET", "/", 404, "RESOURCE_DOES_NOT_EXIST")
BEFORE = datetime.fromtimestamp(NOW - 5 * DAY, UTC)


def test_older_lines_are_deleted_and_younger_ones_stay(tmp_path, place, open_log, answered, record):
    log = open_log(place)
    record(log, answered([1, 1], time=NOW - 9 * DAY), answered(time=NOW - 5 * DAY), answered(time=NOW))
    log.refuse(replace(REFUSED, time=NOW - 9 * DAY))
    log.refuse(REFUSED)
    log.close()
    audit.record_act(place, "root", "added a key", "anna")

    assert prune(place, BEFORE, "root") == {"outcomes": 0, "shadows": 0, "explanations": 0, "predictions": 2, "batches": 0, "refusals": 1}

    assert len(audit.predictions(place, Wanted())) == 2  # exactly as old as the limit is not older
    assert len(audit.refusals(place, Wanted())) == 1
    logged = [(act.what, act.about) for act in audit.administration(place, Wanted())]
    counts = "0 outcomes, 0 shadows, 0 explanations, 2 predictions, 0 batches, 1 refusals"
    assert logged == [
        ("deleted old lines", f"from before 2023-11-09T22:13:20.000+00:00: {counts}"),
        ("began to delete old lines", "from before 2023-11-09T22:13:20.000+00:00"),
        ("added a key", "anna"),
    ]


def test_deleted_lines_are_in_no_file(tmp_path, open_log, answered, record):
    log = open_log(tmp_path)
    record(log, answered(key="somebody-old", time=NOW - 9 * DAY))
    log.close()

    prune(tmp_path, BEFORE, "root")

    assert not any(b"somebody-old" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


KILLED = """
import os, sys
from datetime import datetime
from pathlib import Path
from slipway.audit.upkeep import retention
retention.AT_ONCE = 10
pauses = []
retention.time.sleep = lambda _: pauses.append(1) or len(pauses) == 2 and os.kill(os.getpid(), 9)
retention.prune(sys.argv[3] if len(sys.argv) > 3 else Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), "root")
"""


def test_a_deletion_killed_half_way_is_logged_and_finished_by_the_next(tmp_path, place, open_log, answered, record):
    record(open_log(place), *[answered(time=NOW - 9 * DAY) for _ in range(35)], answered(time=NOW))

    url = [] if place == tmp_path else [place]
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path, BEFORE.isoformat(), *url])

    assert killed.returncode == -9
    assert len(audit.predictions(place, Wanted())) == 16
    assert [act.what for act in audit.administration(place, Wanted())] == ["began to delete old lines"]
    assert prune(place, BEFORE, "root")["predictions"] == 15
    assert len(audit.predictions(place, Wanted())) == 1


def test_no_file_is_made_if_nothing_was_logged(tmp_path):
    tables = ("outcomes", "shadows", "explanations", "predictions", "batches", "refusals")
    assert prune(tmp_path, days_ago(1), "root") == dict.fromkeys(tables, 0)
    assert missing(tmp_path)
