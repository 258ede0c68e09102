"""A release is repeated from the rows that an earlier one recorded, also after the model's file pins others."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace

import pytest
from prefect.states import State

from flows.release import release
from slipway.catalogue import catalogue, lookup
from slipway.data import samples
from slipway.errors import SlipwayError, SnapshotNotFoundError
from slipway.lifecycle.ledger import Ledger
from slipway.tracking.connection import connect
from slipway.tracking.recorded_rows import RecordedRows, recorded_rows

MODEL = "heart-failure"
pytestmark = pytest.mark.timeout(300)


def run(**parameters) -> State:
    return release(MODEL, trials=2, jobs=1, return_state=True, **parameters)


def learnt(state):
    """What must come out again when the same rows went in."""
    result = state.result()
    return result.tuned.parameters, result.tuned.score, result.candidate.metrics, result.candidate.confusion_matrix


def pin(monkeypatch, website, content: bytes) -> str:
    """Publish rows at one address, and have the catalogue pin them; returns their checksum."""
    monkeypatch.delenv("SLIPWAY_MIRROR", raising=False)  # the rows come from the address
    (website.folder / "heart.csv").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    spec = lookup(MODEL)
    dataset = replace(spec.dataset, origin=f"{website.url}/heart.csv", sha256=sha256)
    monkeypatch.setitem(catalogue(), MODEL, replace(spec, dataset=dataset, gate=replace(spec.gate, floor=0.5)))
    return sha256


def test_release_is_repeated_from_its_recorded_rows_after_the_pinned_ones_have_changed(place, website, tmp_path, monkeypatch):
    # rows that are real by every sign: fewer than are generated, so no sample rows have their checksum
    lines = samples.generate(lookup(MODEL), tmp_path / "drawn").path.read_bytes().splitlines(keepends=True)
    old = pin(monkeypatch, website, b"".join(lines[:801]))
    first = run()
    new = pin(monkeypatch, website, b"".join(lines[:901]))
    second = run()
    shutil.rmtree(place.settings.studies)  # so that it is tuned again, not remembered
    shown = place.history()[0]["data_sha256"][:12]  # what `slipway history` shows in its table

    repeated = run(snapshot=shown)

    assert (second.result().snapshot.sha256, repeated.result().snapshot) == (new, first.result().snapshot)
    assert learnt(repeated) == learnt(first) != learnt(second)
    assert [(entry.data_sha256, entry.sample) for entry in Ledger(place.settings.ledger).history(MODEL)] == [
        (old, False), (new, False), (old, False),
    ]  # fmt: skip
    origin = f"{website.url}/heart.csv"
    assert recorded_rows(connect(place.settings), lookup(MODEL)) == [RecordedRows(old, origin, False), RecordedRows(new, origin, False)]
    assert recorded_rows(connect(place.settings), lookup(MODEL), new[:8]) == [RecordedRows(new, origin, False)]


def test_sample_rows_that_are_repeated_stay_sample_rows(place):
    first = run(sample=True, dry_run=True)
    snapshot = first.result().snapshot
    shutil.rmtree(place.settings.snapshots)

    repeated = run(snapshot=snapshot.sha256, dry_run=True)

    assert repeated.result().snapshot == snapshot
    assert repeated.result().candidate.sample
    assert learnt(repeated) == learnt(first)


def test_snapshot_that_nobody_recorded_ends_the_release_before_it_began(place):
    state = run(snapshot="00000000")

    with pytest.raises(SnapshotNotFoundError, match="There are none yet; `slipway release heart-failure` makes one"):
        state.result()


def test_snapshot_and_sample_rows_at_once_are_refused(place):
    with pytest.raises(SlipwayError, match="leave out `sample`, or `snapshot`"):
        run(snapshot="00000000", sample=True).result()
