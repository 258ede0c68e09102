"""Outcomes, searches and files of the audit log: what is typed, what it means, and what a reader sees."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import msgspec
import pytest

from slipway.audit import Line, Outcome, Refusal
from slipway.pages.audit.export import beginning, columns_of, part, record_of
from slipway.pages.audit.lines import shown_line
from slipway.pages.audit.outcomes import OutcomeError, OutcomeField, known_outcome, outcome_field, typed_outcome
from slipway.pages.audit.search_form import SearchForm
from slipway.pages.prediction.fields import Choice
from slipway.pages.prediction.words import Phrase
from slipway.pages.rendering import FieldError, View, render

LINE = Line("r-0", "r", "2026-11-30T10:12:00.000+00:00", "user:anna", "diabetes", 4, "4" * 32, [61, "=1+1"], 1, [0.25, 0.75], 1.5)
FORMULAS = ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"]


def outcome(label, key="user:anna", time="2026-11-30T10:12:00.000+00:00"):
    return Outcome(time, "q", key, "diabetes", "r-0", label, None)


def test_classes_are_chosen_by_their_words_and_sent_as_they_are(vocabulary):
    words = vocabulary("diabetes", "es")

    field = outcome_field(words)

    assert (field.kind, [str(choice.words) for choice in field.choices]) == ("radios", ["sin diabetes", "diabetes"])
    assert [typed_outcome(words, choice.sent) for choice in field.choices] == [0, 1]


@pytest.mark.parametrize("sent", ["", "1", "=2", "=", "=01", "diabetes", "=1 or 1"])
def test_what_is_no_class_is_refused(vocabulary, sent):
    with pytest.raises(OutcomeError, match="Elija lo que ocurrió"):
        typed_outcome(vocabulary("diabetes", "es"), sent)


def test_a_number_is_typed_as_the_reader_writes_numbers(vocabulary, specs):
    words = next(words for name in specs if (words := vocabulary(name, "es")).contract.quantity)

    assert outcome_field(words).kind == "number"
    assert typed_outcome(words, "12,5") == 12.5
    assert typed_outcome(words, f" 12 {words.contract.quantity.unit} ") == 12.0
    for typed, message in [
        ("", "Escriba el número"),
        ("1.234", "de dos maneras. Escriba 1234 o 1,234"),
        ("nan", "no puede ser"),
        ("9" * 400, "no puede"),
    ]:
        with pytest.raises(OutcomeError, match=message):
            typed_outcome(words, typed)


@pytest.mark.parametrize("kind", ["number", "select"])
def test_a_refused_outcome_stays_in_its_field_with_the_message_beside_it(kind):
    choices = tuple(Choice(f"={name}", Phrase(name)) for name in "abcdef") if kind == "select" else ()
    field = OutcomeField(kind, Phrase("Progression"), choices, unit="points", hint="From 0 to 700.")
    line = replace(shown_line(LINE, None, "en"), field=field)

    page = render(
        "audit/predictions.html", View("en"), lines=[line], errors=[FieldError("o1", "Not a number")], typed='1"2', models=[], older="",
        chosen=SimpleNamespace(model="", open=False, after=""), looked_until="", back="", done="", subject=None,
    ).decode()  # fmt: skip

    assert '<a href="#o1">Not a number</a>' in page
    assert '<p class="error" id="o1-error">Not a number</p>' in page
    assert "<details open><summary>Record the outcome" in page
    if kind == "number":
        assert re.search(
            r'<input id="o1" name="outcome" [^>]*value="1&#34;2" aria-invalid="true" aria-describedby="o1-hint o1-error">', page
        )
    else:
        assert re.findall(r'<option value="([^"]*)"', page) == ["", *(f"={name}" for name in "abcdef")]


def test_what_is_known_names_the_latest_outcome_and_those_before_it(vocabulary):
    words = vocabulary("diabetes", "en")

    known = known_outcome([outcome(0, "key:erp"), outcome(1)], words, "en", own="user:anna")

    assert known is not None
    assert (str(known.words), known.by, [str(one) for one in known.before]) == ("diabetes", "you", ["no diabetes"])
    assert known.time.startswith("30 November 2026, ")
    assert known_outcome([], words, "en") is None
    assert str(known_outcome([outcome("<b>")], None, "en").words) == "<b>"


def test_a_line_is_in_words_if_its_version_is_known_and_else_as_it_was_written(vocabulary):
    words = shown_line(LINE, vocabulary("diabetes", "en", version=4, threshold=0.5), "en")
    plain = shown_line(LINE, None, "en")

    assert (str(words.answer), words.sure, words.version) == ("Diabetes", "The probability of “diabetes” is 75.0%.", "4")
    assert (str(plain.title), str(plain.answer), plain.sure) == ("diabetes", "1", "")


def test_a_search_says_from_when_to_when_with_the_last_day_or_minute_included():
    form = SearchForm({"since_day": "2026-11-30", "since_time": "08:00", "until_day": "2026-11-30"})

    assert form.since == datetime(2026, 11, 30, 8).astimezone()
    assert form.until == datetime(2026, 12, 1).astimezone()
    assert SearchForm({"until_day": "2026-11-30", "until_time": "09:05"}).until == datetime(2026, 11, 30, 9, 5).astimezone() + timedelta(
        minutes=1
    )
    assert form.errors("en") == []


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"since_day": "30.11.2026"}, "since_day"),
        ({"since_time": "08:00"}, "since_day"),
        ({"until_day": "2026-02-30"}, "until_day"),
        ({"until_day": "0001-01-01"}, "until_day"),
        ({"since_day": "2026-11-30", "until_day": "2026-11-29"}, "until_day"),
        ({"subject": "x" * 201}, "subject"),
        ({"subject": "a\0b"}, "subject"),
        ({"subject": "HC 4711", "kind": "refusals"}, "subject"),
        ({"prediction": "' OR 1=1 --"}, "prediction"),
    ],
)
def test_a_search_that_cannot_be_made_is_refused_beside_its_field(sent, field):
    assert [error.field for error in SearchForm(sent).errors("es")] == [field]


def test_a_name_means_the_user_the_key_and_the_person_of_a_provider():
    assert SearchForm({"caller": " anna "}).callers == {"anna", "user:anna", "key:anna", "oidc:anna"}
    assert SearchForm({"caller": "key:anna"}).callers == {"key:anna"}
    assert SearchForm({}).callers is None


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_a_csv_file_is_a_formula(formula):
    refusal = Refusal("r", "2026-11-30", formula, "10.0.0.7", "POST", formula, 400, "BAD_REQUEST", 1)

    content = beginning("csv", columns_of("refusals")) + part("csv", [record_of(refusal)])

    header, row = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert dict(zip(header, row, strict=True)) == {
        "request_id": "r", "time": "2026-11-30", "key": f"'{formula}", "address": "10.0.0.7", "method": "POST", "path": f"'{formula}",
        "status": "400", "code": "BAD_REQUEST", "violations": "1",
    }  # fmt: skip


def test_a_file_has_numbers_as_numbers_the_latest_outcome_and_no_encrypted_id():
    line = LINE.__class__(
        **{**{name: getattr(LINE, name) for name in LINE.__slots__}, "label": -1.5, "subject": "c2VhbGVk", "subject_key": "k"}
    )

    content = beginning("csv", columns_of("answers")) + part("csv", [record_of(line, [outcome(0), outcome(1, "key:erp")])])
    as_json = msgspec.json.decode(part("jsonl", [record_of(line)]))

    header, row = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    found = dict(zip(header, row, strict=True))
    assert (found["label"], found["row"], found["outcome"], found["outcome_key"]) == ("-1.5", '[61,"=1+1"]', "1", "key:erp")
    assert (as_json["label"], as_json["row"], as_json["outcome"]) == (-1.5, [61, "=1+1"], None)
    assert "c2VhbGVk" not in content.decode()
    assert "subject" not in as_json
