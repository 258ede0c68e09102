"""What a version answers: labels from probabilities, the record of an answer and its schema, outcomes, and columns of a file."""

from __future__ import annotations

from typing import Any

import jsonschema
import msgspec
import numpy as np
import pytest

from slipway.problems.classification.output import Output, differ
from slipway.problems.classification.problem import Classification
from slipway.spec import Target

SICK = Output((0, 1), ("well", "ill"), positive=1, threshold=0.3)
FATE = Output(("drop", "enrol", "grad"), ("left", "still there", "graduated"), positive=None, threshold=None)
ODDS = np.array([[0.7, 0.3], [0.71, 0.29], [0.2, 0.8]])


def test_a_threshold_decides_from_itself_on() -> None:
    assert SICK.labels(ODDS) == [1, 0, 1]
    assert SICK.decisions(ODDS).tolist() == [1, 0, 1]
    assert SICK.margins(ODDS) == pytest.approx([0.0, 0.01, 0.5])


def test_without_a_threshold_the_most_probable_class_is_answered_and_the_first_one_at_a_tie() -> None:
    odds = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])

    assert FATE.labels(odds) == ["enrol", "drop"]
    assert FATE.margins(odds) == pytest.approx([0.2, 0.0])


@pytest.mark.parametrize(("output", "odds"), [(SICK, ODDS), (FATE, np.array([[0.2, 0.5, 0.3]]))], ids=["two classes", "three classes"])
def test_an_answer_is_what_its_schema_says(output: Output, odds: np.ndarray[Any, Any]) -> None:
    ids = [f"abc-{row}" for row in range(len(odds))]
    answers = output.predictions(ids, output.labels(odds), odds.tolist(), ["4711"] * len(odds))
    record, header = msgspec.to_builtins(answers[0]), output.header()

    described = {"properties": output.of_prediction() | output.of_header(), "required": [*output.of_prediction(), *output.of_header()]}
    jsonschema.validate(record | header, described)
    assert {**record, "prediction_id": None, "subject": None}.keys() - output.of_prediction().keys() == {"prediction_id", "subject"}
    assert record["probabilities"] == dict(zip(map(str, output.classes), odds[0].tolist(), strict=True))
    assert record["meaning"] == output.meanings[output.classes.index(record["label"])]


def test_a_row_without_a_subject_has_no_such_key() -> None:
    (answer,) = SICK.predictions(["abc-0"], [1], [[0.2, 0.8]], [msgspec.UNSET])

    assert "subject" not in msgspec.to_builtins(answer)


@pytest.mark.parametrize(
    ("output", "cell", "label"),
    [
        (SICK, 1, 1),
        (SICK, 1.0, 1),
        (SICK, True, None),
        (SICK, 0.5, None),
        (SICK, "1", None),
        (SICK, 2, None),
        (SICK, None, None),
        (SICK, [1], None),
        (FATE, "grad", "grad"),
        (FATE, "Grad", None),
        (FATE, 1, None),
    ],
)
def test_an_outcome_is_one_of_the_labels_and_nothing_that_only_looks_like_one(output: Output, cell: Any, label: Any) -> None:
    found = output.outcome(cell)

    assert (found, type(found)) == (label, type(label))


def test_a_file_of_predictions_has_a_cell_for_each_column() -> None:
    columns, cells = SICK.columns(), SICK.cells([1, 0, 1], ODDS)

    assert columns == {"label": "integer", "meaning": "text", "probability_0": "number", "probability_1": "number"}
    assert [list(cell) for cell in cells] == [[1, 0, 1], ["ill", "well", "ill"], [0.7, 0.71, 0.2], [0.3, 0.29, 0.8]]
    assert FATE.columns()["label"] == "text"
    assert SICK.tally([1, 0, 1]) == {"ill": 2, "well": 1}


def test_answers_of_other_classes_do_not_fit() -> None:
    assert SICK.fits({0: 0.4, 1: 0.6})
    assert SICK.numbers_of([{1: 0.6, 0: 0.4}]).tolist() == [[0.4, 0.6]]
    assert not SICK.fits({0: 0.4, 1: 0.5, 2: 0.1})
    assert not SICK.fits({"0": 0.4, "1": 0.6})


def test_versions_of_other_classes_or_meanings_cannot_be_compared() -> None:
    other = Output((0, 1), ("healthy", "ill"), positive=1, threshold=None)

    assert SICK.mismatch(Output((0, 1), ("well", "ill"), positive=1, threshold=None)) == ""  # the threshold may differ
    assert SICK.mismatch(other) == "their classes differ: expected [0, 1] (well, ill), received [0, 1] (healthy, ill)"


@pytest.mark.parametrize(
    ("received", "labels", "expected"),
    [
        (ODDS + 1e-7, [1, 0, 1], [False, False, False]),
        (ODDS + np.array([[0, 0], [0, 0], [1e-3, -1e-3]]), [1, 0, 1], [False, False, True]),
        (ODDS, [1, 1, 1], [False, True, False]),
        (np.array([[np.nan, 0.3], *ODDS[1:].tolist()]), [1, 0, 1], [True, False, False]),
    ],
    ids=["within", "probability", "label", "not a number"],
)
def test_rows_differ_by_label_or_by_probability(received: np.ndarray[Any, Any], labels: list[int], expected: list[bool]) -> None:
    assert differ(ODDS, [1, 0, 1], received, labels, tolerance=1e-6).tolist() == expected


def test_a_target_and_its_problem_describe_the_same_output() -> None:
    target = Target("state", {0: "well", 1: "ill"}, positive=1)
    problem = Classification(target)

    assert problem.output(0.3) == SICK
    assert problem.comparable(SICK)
    assert not problem.comparable(FATE)
