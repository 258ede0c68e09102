"""`slipway data` lists the snapshots of a model's rows and how they differ, and which versions learnt from them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from slipway.catalogue import catalogue
from slipway.data import manifests, samples
from slipway.data.fetching import fetch
from slipway.lifecycle.ledger import Ledger, entry
from slipway.records import Candidate, Snapshot
from slipway.settings import Settings
from slipway.spec import FollowedDataset, ModelSpec

ROWS = [f"{number % 90},{1 + number % 7 / 4},{'red' if number % 3 else 'blue'},{number % 2},{number}" for number in range(200)]


@pytest.fixture
def spec(toy: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path))
    follows = replace(toy, dataset=FollowedDataset(origin=str(tmp_path / "toy.csv"), file="toy.csv", key="id"))
    monkeypatch.setitem(catalogue(), "toy", follows)
    return follows


def keep(spec: ModelSpec, rows: list[str]) -> Snapshot:
    Path(spec.dataset.origin).write_text("\n".join(["size,weight,colour,wanted,id", *rows]) + "\n")
    return fetch(spec, None, Settings.load().snapshots)


def learn(snapshot: Snapshot, version: int) -> None:
    candidate = Candidate(
        model="toy", registered_as="toy_logistic", version=version, run_id=str(version) * 32, bundle="", metrics={}, confusion_matrix=[],
        data_sha256=snapshot.sha256, sample=False,
    )  # fmt: skip
    promoted = entry("promoted", candidate, previous=None, aliases=[], stage="", why="no worse")
    Ledger(Settings.load().ledger).append(promoted)


def slipway(*arguments: str) -> str:
    ran = CliRunner().invoke(app, ["data", "toy", *arguments], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def table(shown: str) -> list[list[str]]:
    return [line.split("\t") for line in shown.splitlines()]


def test_each_snapshot_is_shown_beside_the_one_before_it_with_its_versions(spec: ModelSpec) -> None:
    first = keep(spec, ROWS)
    second = keep(spec, ["50" + row[row.index(",") :] for row in ROWS[2:4]] + ROWS[4:] + ["10,1.5,red,1,900"])
    for version in (1, 2):
        learn(first, version)
    learn(second, 3)

    head, *lines = table(slipway())

    assert head == ["snapshot", "kind", "rows", "added", "gone", "changed", "read", "versions"]
    # rows 0 and 1 are gone, 2 and 3 have another size, and there is one more
    assert [line[:6] + line[7:] for line in lines] == [
        [first.sha256[:12], "followed", "200", "", "", "", "1, 2"],
        [second.sha256[:12], "followed", "199", "1", "2", "2", "3"],
    ]


def test_json_has_the_whole_comparison_and_the_parts(spec: ModelSpec) -> None:
    first, second = keep(spec, ROWS), keep(spec, ROWS[:-10])

    shown = json.loads(slipway("--json"))

    assert [(line["sha256"], line["rows"], line["whole"]) for line in shown] == [(first.sha256, 200, True), (second.sha256, 190, True)]
    assert shown[0]["difference"] is None
    assert (shown[1]["difference"]["earlier"], shown[1]["difference"]["gone"]) == (first.sha256, 10)
    assert shown[1]["parts"][0]["origin"] == spec.dataset.origin


def test_two_snapshots_are_compared_in_the_order_in_which_they_are_named(spec: ModelSpec) -> None:
    first, second = keep(spec, ROWS), keep(spec, ROWS[:-10])

    shown = slipway("--diff", second.sha256[:8], first.sha256)

    lines = table(shown)
    assert shown.startswith(f"{first.sha256[:12]} beside the earlier {second.sha256[:12]}\n")
    assert ["rows", "190", "200"] in lines
    assert ["added", "", "10"] in lines
    assert json.loads(slipway("--diff", first.sha256[:8], second.sha256[:8], "--json"))["gone"] == 10


def test_a_home_of_before_has_snapshots_without_manifests_and_sample_rows_are_not_compared(spec: ModelSpec) -> None:
    first, second = keep(spec, ROWS), keep(spec, ROWS[:-10])
    generated = samples.generate(catalogue()["heart-failure"], Settings.load().snapshots)
    sample = generated.path.rename(generated.path.with_name(generated.path.name.replace("heart-failure", "toy")))
    for snapshot in (first, second):
        manifests.path_of(snapshot.path).unlink()

    lines = {line[0]: line for line in table(slipway())[1:]}

    assert (lines[first.sha256[:12]][1:4], lines[second.sha256[:12]][1:5]) == (["", "200", ""], ["", "190", "0", "10"])
    assert lines[generated.sha256[:12]][1:5] == ["sample", "918", "", ""]
    assert sample.exists()


def test_a_damaged_snapshot_is_named_and_not_compared(spec: ModelSpec) -> None:
    keep(spec, ROWS)
    second = keep(spec, ROWS[:-10])
    second.path.write_bytes(second.path.read_bytes()[:-10])

    damaged = next(line for line in json.loads(slipway("--json")) if not line["whole"])

    assert (damaged["file"], damaged["difference"]) == (str(second.path), None)
    assert f"{second.path.name} is damaged" in slipway()


def test_a_model_without_snapshots_says_how_to_make_one(spec: ModelSpec) -> None:
    assert slipway() == "toy has no snapshot here yet; `slipway release toy` makes one.\n"


def test_digits_of_no_snapshot_list_those_that_there_are(spec: ModelSpec) -> None:
    first = keep(spec, ROWS)

    ran = CliRunner().invoke(app, ["data", "toy", "--diff", first.sha256[:8], "00000000"], catch_exceptions=False)

    assert ran.exit_code == 1
    assert f"the home folder has: {first.sha256[:12]}" in ran.stderr
