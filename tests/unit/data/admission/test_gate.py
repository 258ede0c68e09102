"""The data gate compares new rows with the last ones: it lets them pass, asks a person, or refuses, in words with figures."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.data import manifests
from slipway.data.admission import profile, words
from slipway.data.admission.gate import admit
from slipway.data.fetching import fetch
from slipway.errors import SpecError
from slipway.records import Admission, DataFinding
from slipway.spec import DataGate, Dataset, FollowedDataset, ModelSpec

HEADER = "size,weight,colour,wanted,id"
Line = list[str]


def lines(count: int = 400, seed: int = 1) -> list[Line]:
    draw = random.Random(seed)
    return [
        [
            str(draw.randint(0, 100)),
            f"{draw.gauss(2.5, 0.4):.3f}",
            draw.choice(["red", "blue"]),
            str(int(draw.random() < 0.5)),
            f"{seed}-{number}",
        ]
        for number in range(count)
    ]


class Following:
    """A model that follows a file, and what the data gate finds at each content of it."""

    def __init__(self, spec: ModelSpec, folder: Path) -> None:
        self.spec, self.folder = spec, folder

    def release(self, rows: list[Line], header: str = HEADER, preferred: str = "", **gate: Any) -> Admission:
        path = Path(self.spec.dataset.origin)
        path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n")
        spec = replace(self.spec, data_gate=DataGate(**gate))
        return admit(spec, fetch(spec, None, self.folder), self.folder, preferred)


@pytest.fixture
def following(toy: ModelSpec, tmp_path: Path) -> Callable[..., Following]:
    def make(**fields: Any) -> Following:
        dataset = FollowedDataset(origin=str(tmp_path / "toy.csv"), file="toy.csv", **fields)
        return Following(replace(toy, dataset=dataset), tmp_path / "snapshots")

    return make


def found(admission: Admission, name: str) -> DataFinding:
    return next(finding for finding in admission.findings if finding.name == name)


def not_passed(admission: Admission) -> dict[str, str]:
    return {finding.name: finding.outcome for finding in admission.findings if finding.outcome != "passed"}


def test_the_first_rows_have_nothing_to_be_compared_with(following: Any) -> None:
    admission = following().release(lines())

    assert admission.outcome == "passed"
    assert admission.difference is None
    assert "first rows" in admission.reasons


def test_rows_that_are_the_same_pass(following: Any) -> None:
    toys = following()
    toys.release(lines())
    sha256 = toys.release(lines()).sha256

    again = toys.release(lines(), preferred=sha256)

    assert again.outcome == "passed"
    assert again.difference is not None
    assert again.difference.nothing


def test_a_few_more_rows_pass_with_their_number(following: Any) -> None:
    toys = following()
    toys.release(lines())

    admission = toys.release(lines() + lines(40, seed=2))

    assert admission.outcome == "passed"
    assert (admission.difference.added, admission.difference.gone, admission.difference.rows) == (40, 0, (400, 440))
    assert found(admission, "added").reason == "40 rows added, 10.0% of the 400 before; at most 100.0%"


def test_rows_that_are_gone_are_refused_beyond_the_limit(following: Any) -> None:
    toys = following()
    toys.release(lines())

    few, many = lines()[4:], lines()[5:]  # 1 % of 400 rows is 4

    assert not_passed(toys.release(few)) == {}
    assert not_passed(toys.release(lines())) == {}
    sha256 = toys.release(lines()).sha256
    refused = toys.release(many, preferred=sha256)
    assert (refused.outcome, not_passed(refused)) == ("refused", {"gone": "refused"})
    assert refused.reasons == "5 rows gone, 1.2% of the 400 before; at most 1.0%"


def test_the_model_file_says_what_is_refused_and_what_is_asked(following: Any) -> None:
    toys = following()
    sha256 = toys.release(lines()).sha256

    assert toys.release(lines(300), preferred=sha256, refuses=()).outcome == "asked"
    assert toys.release(lines(300), preferred=sha256, gone=0.25).outcome == "passed"
    assert toys.release(lines(900), preferred=sha256, refuses=("added",)).outcome == "refused"


def test_a_column_of_the_model_that_is_gone_is_refused_by_name(following: Any) -> None:
    toys = following()
    toys.release(lines())

    admission = toys.release([row[:1] + row[2:] for row in lines()], "size,colour,wanted,id")

    assert admission.outcome == "refused"
    assert "column 'weight' is gone, and the model uses it" in admission.reasons
    assert admission.difference.columns_gone == ["weight"]


def test_an_unused_column_that_is_gone_passes_and_is_named(following: Any) -> None:
    toys = following()
    toys.release(lines())

    admission = toys.release([row[:4] for row in lines()], "size,weight,colour,wanted")

    assert admission.outcome == "passed"
    assert "not used and gone: 'id'" in found(admission, "columns").reason
    assert admission.difference.gone == 0  # only the columns of the model make a row what it is


def test_a_column_that_the_model_file_does_not_name_is_refused(following: Any) -> None:
    toys = following()
    toys.release(lines())

    admission = toys.release([[*row, "x"] for row in lines()], f"{HEADER},note")

    assert "column 'note' is new; name it in the model's file" in admission.reasons


def test_numbers_that_became_texts_are_refused(following: Any) -> None:
    toys = following()
    toys.release(lines())

    admission = toys.release([[f"{row[0]} cm", *row[1:]] for row in lines()])

    assert "column 'size' has text cells instead of number ones" in admission.reasons


def test_without_a_key_a_changed_row_counts_as_gone_and_added(following: Any) -> None:
    toys = following()
    toys.release(lines())

    admission = toys.release([["50", *row[1:]] if number < 3 else row for number, row in enumerate(lines())])

    assert (admission.difference.added, admission.difference.gone, admission.difference.changed) == (3, 3, None)


def test_with_a_key_a_changed_row_counts_as_changed(following: Any) -> None:
    toys = following(key="id")
    toys.release(lines())
    changed = [[row[0], "2.5", *row[2:]] if number < 60 else row for number, row in enumerate(lines())]

    admission = toys.release(changed[:-2] + lines(5, seed=2))

    assert (admission.difference.added, admission.difference.gone, admission.difference.changed) == (5, 2, 60)
    assert not_passed(admission) == {"changed": "asked"}
    assert found(admission, "changed").reason == "60 rows changed, 15.0% of the 400 before; at most 10.0%"


def test_a_number_counts_by_its_value_and_not_by_its_spelling(following: Any) -> None:
    toys = following()
    toys.release(lines())

    admission = toys.release([[f"{row[0]}.0", *row[1:]] for row in lines()])

    assert (admission.difference.added, admission.difference.gone) == (0, 0)


def test_a_class_that_became_more_frequent_is_asked_about(following: Any) -> None:
    toys = following()
    toys.release(lines())
    more = [[*row[:3], "1", row[4]] for row in lines(200, seed=2)]

    admission = toys.release(lines() + more)

    assert not_passed(admission) == {"classes": "asked"}
    ones = sum(row[3] == "1" for row in lines())
    assert f"has {(600 - 200 - ones) / 600:.1%} of the rows, before {(400 - ones) / 400:.1%}" in admission.reasons


def test_missing_cells_and_repeated_rows_are_asked_about(following: Any) -> None:
    toys = following()
    toys.release(lines())
    gaps = [[row[0], "", *row[2:]] for row in lines(100, seed=2)]
    different = len({tuple(row[:4]) for row in gaps})

    admission = toys.release(lines() + gaps + lines()[:100])

    assert not_passed(admission) == {"missing": "asked", "duplicates": "asked"}
    assert found(admission, "missing").reason == "column 'weight' has missing cells in 16.7%, before 0.0%; a rise of at most 10.0%"
    assert found(admission, "duplicates").reason.startswith(f"{(200 - different) / 600:.1%} of the rows repeat another, before 0.0%")


def test_a_column_that_moved_far_is_asked_about_and_one_that_chance_moved_is_not(following: Any) -> None:
    toys = following()
    toys.release(lines())
    heavier = [[row[0], f"{float(row[1]) + 2:.3f}", *row[2:]] for row in lines(400, seed=2)]

    admission = toys.release(lines() + heavier)

    assert not_passed(admission) == {"drift": "asked"}
    # half of the rows weigh 2 more, which is 5 standard deviations of the earlier ones: the quantiles moved by 2.5 of them
    weight = next(one for one in admission.difference.columns if one.column == "weight")
    assert weight.distance == pytest.approx(2.5, abs=0.15)
    assert "column 'weight' moved by 2.4" in admission.reasons or "column 'weight' moved by 2.5" in admission.reasons
    assert "size" not in admission.reasons


@pytest.mark.parametrize("seed", range(10))
def test_fresh_rows_of_the_same_kind_are_within_the_limits_but_for_the_gone_ones(following: Any, seed: int) -> None:
    toys = following()
    toys.release(lines(2_000, seed=100 + seed))

    admission = toys.release(lines(2_000, seed=200 + seed))

    assert not_passed(admission) == {"gone": "refused"}


def test_the_rows_are_compared_with_those_of_the_version_in_service(following: Any) -> None:
    toys = following()
    in_service = toys.release(lines()).sha256
    toys.release(lines(800))  # refused or rejected: no version in service learnt from them

    admission = toys.release(lines(390), preferred=in_service)

    assert admission.difference.rows == (400, 390)
    assert admission.difference.earlier == in_service


def test_lost_rows_of_the_version_in_service_are_asked_about(following: Any) -> None:
    admission = following().release(lines(), preferred="0" * 64)

    assert admission.outcome == "asked"
    assert "000000000000, are gone from the home folder" in admission.reasons


def test_a_snapshot_of_before_without_manifest_is_compared_if_the_version_in_service_has_it(following: Any) -> None:
    toys = following()
    in_service = toys.release(lines()).sha256
    for path in [*toys.folder.glob("*.manifest.json"), *toys.folder.glob("*.profile.parquet")]:
        path.unlink()

    assert toys.release(lines(410), preferred=in_service).difference.rows == (400, 410)


def test_a_damaged_profile_is_made_again(following: Any) -> None:
    toys = following()
    in_service = toys.release(lines()).sha256
    for path in toys.folder.glob("*.profile.parquet"):
        path.write_bytes(path.read_bytes()[:-5])

    assert toys.release(lines(410), preferred=in_service).difference.added == 10


def test_pinned_rows_pass_whatever_they_are(toy: ModelSpec, tmp_path: Path) -> None:
    from slipway.files.checksums import digest

    path = tmp_path / "toy.csv"
    path.write_text(f"{HEADER}\n1,1,red,1,a\n")
    spec = replace(toy, dataset=Dataset(str(path), digest(path.read_bytes()), "toy.csv"))
    snapshot = fetch(spec, None, tmp_path / "snapshots")

    admission = admit(spec, snapshot, tmp_path / "snapshots", preferred="0" * 64)

    assert (admission.outcome, admission.findings) == ("passed", [])
    manifest = manifests.read(snapshot.path)
    assert manifest is not None
    assert [part.kind for part in manifest.parts] == ["pinned"]


@pytest.mark.parametrize(("outcome", "expected"), [("passed", "passed"), ("asked", "asked"), ("refused", "refused")])
def test_further_findings_count_as_much(following: Any, outcome: Any, expected: str) -> None:
    toys = following()
    toys.release(lines())
    snapshot = fetch(toys.spec, None, toys.folder)

    admission = admit(toys.spec, snapshot, toys.folder, further=[DataFinding(name="outcomes", outcome=outcome, reason="of one caller")])

    assert admission.outcome == expected
    assert found(admission, "outcomes").reason == "of one caller"


def test_the_report_shows_findings_and_both_snapshots(following: Any) -> None:
    toys = following()
    toys.release(lines())

    text = words.report(toys.release([[f"{int(row[0]) // 2}", *row[1:]] for row in lines(200, seed=2)]))

    assert "- ✗ **gone**: 400 rows gone, 100.0% of the 400 before; at most 1.0%" in text
    assert "| rows | 400 | 200 |" in text
    assert "| size |  | 0 | 100 -> 50 |" in text.replace("0.0%", "")


def test_the_profile_is_kept_and_used_again(following: Any) -> None:
    toys = following()
    toys.release(lines())
    (path,) = toys.folder.glob("*.profile.parquet")
    snapshot = fetch(toys.spec, None, toys.folder)
    made = path.stat().st_ino
    again = profile.of_snapshot(toys.spec, snapshot.path, snapshot.sha256, toys.spec.dataset.table)
    wider = replace(toys.spec, columns=replace(toys.spec.columns, excluded={"id": "an id", "weight": "unreliable"}, features={
        name: kind for name, kind in toys.spec.columns.features.items() if name != "weight"
    }))  # fmt: skip

    assert again.rows == 400
    assert path.stat().st_ino == made
    assert set(profile.of_snapshot(wider, snapshot.path, snapshot.sha256, toys.spec.dataset.table).hashes) != set(again.hashes)


@pytest.mark.parametrize("name", ["gone", "changed", "added", "classes", "missing", "duplicates", "drift"])
def test_a_negative_limit_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match=f"{name}=-1"):
        DataGate(**{name: -1.0})  # type: ignore[arg-type]


def test_a_rule_that_there_is_not_is_refused() -> None:
    with pytest.raises(SpecError, match="'rows'"):
        DataGate(refuses=("rows",))  # type: ignore[arg-type]
