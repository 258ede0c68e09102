"""Searches of the log, page after page, in both databases."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from slipway.audit import Administered, Claim, OutcomeRequest, Refused
from slipway.audit.databases import excerpts
from slipway.audit.disclosure import pseudonyms
from slipway.audit.lines import iso
from slipway.audit.outcomes import record as record_outcomes
from slipway.audit.places import opened
from slipway.audit.search import Search, acts, answers, refusals, requests
from slipway.audit.subjects.key_file import KeyFile

START = 1_790_000_000.0
MOST = 4


def pages_of(place, search, table=answers, most=MOST):
    """Follow a search from page to page, each with a connection of its own, to its end."""
    spot = None
    while True:
        with opened(place) as store:
            found = table(store, search, spot, most)
        yield found
        if (spot := found.older) is None:
            return


def ids(found):
    return [line.prediction_id for line in found.lines]


@pytest.fixture
def entry(answered):
    """Make an answer of one row, each a second after the one before."""
    seconds = itertools.count()
    contract = answered().contract

    def make(model="toy", **changes):
        changes = {"time": START + next(seconds)} | changes
        return answered(contract=msgspec.structs.replace(contract, model=model), **changes)

    return make


def written(log, record, entries):
    """Record entries one after the other, and return their prediction ids, newest first."""
    for one in entries:
        record(log, one)
    return [f"{one.request_id}-0" for one in reversed(entries)]


def test_each_line_is_on_one_page_while_others_are_written(place, open_log, entry, record):
    log = open_log(place)
    expected = written(log, record, [entry() for _ in range(11)])

    found = []
    for page in pages_of(place, Search()):
        found.append(ids(page))
        record(log, entry())

    assert [len(page) for page in found] == [4, 4, 3]
    assert [*itertools.chain(*found)] == expected


def test_lines_are_found_by_model_caller_and_time(place, open_log, entry, record):
    log = open_log(place)
    written(log, record, [entry(model, key=key) for model in ("toy", "toy-2") for key in ("user:anna", "key:erp", "user:bert")])

    def found(**search):
        with opened(place) as store:
            return [(line.model, line.key) for line in answers(store, Search(**search), None, 50).lines]

    at = [datetime.fromtimestamp(START + second, UTC) for second in range(6)]
    assert found(models={"toy"}, callers={"user:anna", "key:erp"}) == [("toy", "key:erp"), ("toy", "user:anna")]
    assert found(models=set()) == []
    assert found(since=at[4], until=at[5]) == [("toy-2", "key:erp")]
    assert len(found(until=at[5] + timedelta(days=900))) == 6


def test_a_long_search_stops_in_time_says_how_far_it_came_and_goes_on_from_there(place, open_log, entry, record, monkeypatch):
    monkeypatch.setattr(excerpts, "STEP", 3)
    search = excerpts.find
    monkeypatch.setattr("slipway.audit.search.find", lambda *args, **named: search(*args, **named, seconds=0))
    log = open_log(place)
    every = [entry(key="user:anna" if number in (0, 1, 9) else "key:erp") for number in range(10)]
    written(log, record, every)

    found = list(pages_of(place, Search(callers={"user:anna"})))

    assert [*itertools.chain(*map(ids, found))] == [f"{every[number].request_id}-0" for number in (9, 1, 0)]
    assert [len(page.lines) for page in found] == [1, 0, 1, 1]  # steps of 9 8 7, 6 5 4, 3 2 1, and 0
    assert [page.looked_until[14:19] for page in found] == [iso(START + second)[14:19] for second in (7, 4, 1)] + [""]


def test_a_search_of_some_days_does_not_read_what_is_older(place, open_log, entry, record, monkeypatch):
    monkeypatch.setattr(excerpts, "STEP", 2)
    log = open_log(place)
    written(log, record, [entry(time=START + 86_400 * day) for day in range(8)])
    asked = []
    step = excerpts._step
    monkeypatch.setattr(excerpts, "_step", lambda *args: asked.append(1) or step(*args))

    with opened(place) as store:
        found = answers(store, Search(since=datetime.fromtimestamp(START + 86_400 * 6.5, UTC)), None, 50)

    assert (len(found.lines), found.older, len(asked)) == (1, None, 1)


def test_predictions_without_an_outcome_are_found_and_no_longer_once_it_is_recorded(place, tmp_path, open_log, entry, record):
    log = open_log(place)
    first, second = written(log, record, [entry(), entry()])

    with opened(place) as store:
        record_outcomes(store, KeyFile(tmp_path), OutcomeRequest("r", "user:anna", "toy"), [Claim(0, 1, second)])
        found = answers(store, Search(without_outcome=True), None, 50)

    assert ids(found) == [first]


def test_the_lines_of_one_person_are_found_by_every_pseudonym(place, tmp_path, open_log, entry, record):
    log = open_log(place)
    newest, *_, oldest = written(log, record, [entry(subjects=[name]) for name in ("p-1", "p-2", "p-3", "p-1")])

    names = pseudonyms(tmp_path, place, "user:anna", "p-1")

    assert [ids(page) for page in pages_of(place, Search(pseudonyms=names), most=1)] == [[newest], [oldest]]
    with opened(place) as store:
        assert answers(store, Search(pseudonyms=[]), None, 50).lines == []
        assert answers(store, Search(pseudonyms=names, models={"other"}), None, 50).lines == []


def test_requests_of_many_rows_are_one_line_each(place, open_log, entry, record):
    log = open_log(place)
    many = entry(labels=[1] * 20, columns={"Age": [30] * 20, "Sex": ["F"] * 20}, probabilities=[[0.25, 0.75]] * 20)
    record(log, many)
    record(log, entry())

    with opened(place) as store:
        (line,) = requests(store, Search(models={"toy"}), None, 50).lines
        assert len(answers(store, Search(), None, 50).lines) == 1

    assert (line.request_id, line.size, line.key) == (many.request_id, 20, "anna")


def test_refused_requests_of_a_model_are_those_of_its_paths_and_of_no_model_with_a_similar_name(place, open_log):
    log = open_log(place)
    refused = Refused("r", START, "user:anna", "10.0.0.7", "POST", "/models/toy/predict", 400, "BAD_REQUEST", 1)
    for path in ("/models/toy/predict", "/predict/toy", "/predict/toy-2", "/models/toyish/predict", "/models", "/account"):
        log.refuse(dataclasses.replace(refused, path=path))
    log.close()

    def paths(**search):
        return [line.path for page in pages_of(place, Search(**search), refusals, most=1) for line in page.lines]

    assert sorted(paths(models={"toy"})) == ["/models/toy/predict", "/predict/toy"]
    assert paths(models=set()) == []
    assert len(paths()) == 6
    assert paths(callers={"user:bert"}) == []


def test_acts_of_one_person_are_found(place, open_log, record):
    log = open_log(place)
    record(log, *(Administered(who, "signed in", "10.0.0.7", START) for who in ("user:anna", "user:bert", "user:anna")))

    assert [len(page.lines) for page in pages_of(place, Search(callers={"user:anna"}), acts, most=1)] == [1, 1]
