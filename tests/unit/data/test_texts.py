"""Texts of a file: read and refused, drawn for sample rows without a word of anybody, described, compared, and checked in requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from slipway.bundle.compiling import contract_columns
from slipway.bundle.contract import Column
from slipway.data import samples
from slipway.data.snapshots import SAMPLE_TABLE
from slipway.data.typed_rows import read as typed_rows
from slipway.data.validation import validate
from slipway.errors import InvalidRowsError
from slipway.gateway.openapi import schemas
from slipway.monitoring.drift.drift import Reference, compared, find
from slipway.monitoring.simulation.drawing import simulate
from slipway.records import Snapshot
from slipway.rows.checks import Violation, expected, faults, keeps, violation, with_gaps
from slipway.rows.words import words
from slipway.scoring.checking import _cell_by_cell
from slipway.spec import Columns, ModelSpec, Target, Text
from slipway.training.evidence.profile import as_markdown, profile
from slipway.training.splitting import split

NAMES = "Rosario Iglesias Fuentes"


@pytest.fixture
def noted(toy: ModelSpec) -> ModelSpec:
    features = {
        "size": toy.columns.features["size"],
        "note": Text("Note", width=64, missing=True, longest=40),
        "reason": Text("Reason", width=64, longest=40),
    }
    return replace(toy, columns=Columns(features, Target("wanted", {0: "left", 1: "wanted"}, positive=1)))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(*texts: tuple[str, str]) -> Path:
        rows = [(size, *pair, wanted) for size, pair in enumerate(texts) for wanted in (0, 1)]
        pd.DataFrame(rows, columns=["size", "note", "reason", "wanted"]).to_csv(tmp_path / "toy.csv", index=False)
        return tmp_path / "toy.csv"

    return written


def test_an_empty_and_a_blank_cell_are_a_missing_text(noted: ModelSpec, write: Callable[..., Path]) -> None:
    rows = validate(noted, write(('says "no",\nthen goes', "pain"), ("", " pain "), ("  \n", "NA")))

    assert rows["note"].isna().tolist()[::2] == [False, True, True]
    assert rows["note"].iloc[0] == 'says "no",\nthen goes'
    assert rows["reason"].tolist()[::2] == ["pain", " pain ", "NA"]


def test_typed_rows_are_kept_with_their_texts(noted: ModelSpec, write: Callable[..., Path]) -> None:
    path = write(("a note", "pain"), ("", "fever"))
    snapshot = Snapshot(model=noted.name, path=path, sha256="0" * 64, rows=4, origin="toy", sample=False)

    first, again = typed_rows(noted, snapshot), typed_rows(noted, snapshot)

    pd.testing.assert_frame_equal(first, again)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("", " "), r"column 'reason' has missing values: line 2 ' ', line 3 ' '. If cells may be missing, declare it with missing=True"),
        (
            ("x" * 41, "pain"),
            "column 'note' has texts of more than 40 characters: line 2 '41 characters', line 3 '41 characters'. "
            "Shorten them in the file, or declare a larger longest=",
        ),
    ],
)
def test_a_text_that_is_missing_or_too_long_is_named_and_a_long_one_is_not_shown(
    noted: ModelSpec, write: Callable[..., Path], texts: tuple[str, str], message: str
) -> None:
    with pytest.raises(InvalidRowsError, match=message):
        validate(noted, write(texts))


def test_the_statistics_for_sample_rows_have_no_word_of_anybody_and_keep_what_sets_the_classes_apart(
    noted: ModelSpec, write: Callable[..., Path], tmp_path: Path
) -> None:
    rows = validate(noted, write(*((f"{NAMES} {'is better' if n % 2 else ''}", "pain") for n in range(40))))
    rows["note"] = rows["note"].where(rows["wanted"] == 1, "quiet")

    facts = samples.derive(noted, rows)
    drawn = samples.draw(noted, facts)
    drawn.to_csv(tmp_path / "sample.csv", index=False)
    again = validate(noted, tmp_path / "sample.csv", SAMPLE_TABLE)

    stored = json.dumps(facts).lower()
    assert not [word for word in {*words(NAMES), "quiet", "better", "pain"} if word in stored]
    assert facts["classes"]["1"]["columns"]["note"]["present"]["words"][0] == 3
    assert len(again) == len(rows)
    assert {word for text in again["note"] for word in words(text)} <= {f"word{n:02}" for n in range(64)}
    by_class = again.groupby("wanted")["note"].agg(lambda texts: {word for text in texts for word in words(text)})
    assert len(by_class[0]) == 1
    assert not by_class[0] & by_class[1]
    assert again["note"].str.len().max() <= 40


def test_of_words_that_few_rows_share_nothing_is_written(noted: ModelSpec, write: Callable[..., Path]) -> None:
    rows = validate(noted, write(*(("quiet", "pain") for _ in range(20))))
    rows.loc[3, "reason"] = "quiet night"

    every, shared = (samples.derive(noted, rows, fewest)["classes"]["1"]["columns"]["reason"]["groups"] for fewest in (1, 5))

    assert (sum(every), sum(shared)) == (21, 19)  # one of the 20 rows has two words of its own in the place of the common one


def test_the_profile_counts_words_and_copies_no_text(noted: ModelSpec, write: Callable[..., Path]) -> None:
    rows = split(noted, validate(noted, write(*((NAMES if n % 2 else "", "acute pain") for n in range(40)))))

    found = profile(noted, rows)

    assert found["training"]["note"]["mean"] == 3
    assert found["training"]["note"]["missing"] == int(rows.train["note"].isna().sum()) > 0
    assert found["test"]["reason"]["quantiles"]["0.5"] == 2
    assert "Rosario" not in json.dumps(found)
    assert "| words" in as_markdown(found)


def test_drift_compares_how_many_words_a_text_has_and_how_many_of_them_are_new(noted: ModelSpec) -> None:
    training = pd.DataFrame(
        {"size": [1.0, 2, 3, 4], "note": ["mild pain", "mild fever today", None, "-"], "reason": ["pain", "fever", "pain", "cough"]}
    )
    served = pd.DataFrame({"size": [1.0, 2], "note": ["pain in the arm", None], "reason": ["mild cough", "PAIN"]})

    found = {column.name: column for column in compared(noted, Reference(training, [0, 1], [0, 1]), served, [0, 1])}

    assert list(found) == [
        "size", "words in note", "new words in note", "words in reason", "new words in reason", "note is missing", "predicted wanted",
    ]  # fmt: skip
    assert found["words in note"].reference.tolist() == [2, 3, 0]
    # of "mild pain", only "mild" is in another training text; of "mild fever today" likewise; "-" has no word
    assert found["new words in note"].reference.tolist() == [1 / 2, 2 / 3]
    assert found["new words in note"].current.tolist() == [3 / 4]
    assert found["new words in reason"].reference.tolist() == [0, 1, 0, 1]
    assert found["new words in reason"].current.tolist() == [1 / 2, 0]


@pytest.mark.slow
def test_rows_like_those_of_the_training_have_no_drift_and_another_language_has(noted: ModelSpec) -> None:
    random = np.random.default_rng(1)

    def texts(language: list[str], count: int) -> pd.DataFrame:
        made = [" ".join(random.choice(language, size=1 + random.poisson(5))) for _ in range(count)]
        return pd.DataFrame({"size": random.integers(0, 9, count).astype(float), "note": made, "reason": made})

    spanish, english = [f"palabra{n}" for n in range(1_000)], [f"word{n}" for n in range(1_000)]
    labels = [0, 1] * 100
    reference = Reference(texts(spanish, 400), labels, labels)

    same, other = (find(noted, reference, texts(language, 200), labels) for language in (spanish, english))

    assert [column.column for column in same.columns if column.drifted] == []
    assert [column.column for column in other.columns if column.drifted] == ["new words in note", "new words in reason"]


def test_a_simulated_drift_takes_the_shortest_text(noted: ModelSpec, write: Callable[..., Path]) -> None:
    rows = split(noted, validate(noted, write(*(("a long note of the ward" if n % 7 else "short", "pain") for n in range(40)))))

    stream = simulate(noted, rows, "covariate", 200, size=1.5)

    assert (stream.rows["note"] == "short").mean() > 0.6


@pytest.mark.parametrize(
    ("cell", "note", "reason"),
    [
        ("pain", True, True),
        ("x" * 40, True, True),
        ("x" * 41, False, False),
        ("ñ" * 40, True, True),
        ("", True, False),
        (" \t\n", True, False),
        (None, True, False),
        (float("nan"), True, False),
        (7, False, False),
        (True, False, False),
        (["pain"], False, False),
    ],
)
def test_a_request_has_texts_up_to_the_longest(noted: ModelSpec, cell: Any, note: bool, reason: bool) -> None:
    _, lenient, strict = contract_columns(noted)

    for column, kept in ((lenient, note), (strict, reason)):
        for cells in ([cell], [cell, "pain"]):
            given = with_gaps(column, cells) if column.missing else cells
            assert keeps(column, given) is kept
            assert (not faults(column, given)) is kept


def test_limits_are_said_in_words_and_a_long_text_is_counted_and_not_repeated(noted: ModelSpec) -> None:
    _, note, reason = contract_columns(noted)

    assert expected(note) == "a text of 1 to 40 characters, or null"
    assert expected(reason) == "a text of 1 to 40 characters"
    assert str(violation(3, reason, "x" * 12_345)) == (
        "row 3, column 'reason': expected a text of 1 to 40 characters, received 12,345 characters"
    )
    assert violation(0, reason, 7).received == "7"
    assert schemas.of_column(reason) == {
        "description": "Reason", "type": "string", "minLength": 1, "maxLength": 40, "examples": ["a few words"],
    }  # fmt: skip
    assert schemas.of_column(note)["type"] == ["string", "null"]
    assert "minLength" not in schemas.of_column(note)  # an empty text is a missing one
    assert faults(reason, [schemas.example_cell(reason)]) == []
    assert schemas.example_cell(Column("x", "text", "x", longest=3)) == "a f"


@pytest.mark.parametrize("cells", [pa.array(["pain", None, ""]), pa.array(["pain", None, " "], pa.large_string())])
def test_a_file_to_score_may_have_missing_texts(noted: ModelSpec, cells: Any) -> None:
    found: list[Violation] = []

    assert _cell_by_cell(contract_columns(noted)[1], cells, True, found) == ["pain", None, None]
    assert not found
    _cell_by_cell(contract_columns(noted)[2], cells, True, found)
    assert [one.row for one in found] == [1, 2]
