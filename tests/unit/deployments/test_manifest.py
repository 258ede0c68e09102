"""`prefect.yaml`: a deployment has a new version when what it says has changed, and only then."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments.server import manifest
from slipway.catalogue import catalogue
from slipway.spec import ModelSpec, Schedule


def deployment_of(name: str) -> dict[str, Any]:
    return next(deployment for deployment in manifest.deployments() if manifest.full_name(deployment) == name)


def version_of(name: str) -> tuple[str, str]:
    definition, _, schedules = deployment_of(name)["version"].partition(".")
    return definition, schedules


@pytest.fixture
def in_catalogue(toy: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda **changes: monkeypatch.setitem(catalogue(), toy.name, replace(toy, **changes))


def test_every_model_has_its_deployments_and_all_have_the_fleet() -> None:
    names = [manifest.full_name(deployment) for deployment in manifest.deployments()]

    of_services = [f"{flow}/{name}" for flow in manifest.KINDS for name, spec in catalogue().items() if not spec.challenges]
    of_challengers = [f"release/{name}" for name, spec in catalogue().items() if spec.challenges]
    assert sorted(names) == sorted(["fleet/all", *of_services, *of_challengers])


def test_the_manifest_names_pool_limit_and_schedules(in_catalogue: Any) -> None:
    in_catalogue(schedules=(Schedule("nightly", "0 3 * * *", "America/Bogota"),))

    shown = {manifest.full_name(deployment): deployment for deployment in yaml.safe_load(manifest.content())["deployments"]}

    assert shown["release/toy"]["work_pool"] == {"name": "slipway"}
    assert shown["release/toy"]["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert shown["release/toy"]["tags"] == ["slipway", "release", "toy"]
    assert shown["release/toy"]["schedules"] == [
        {"slug": "slipway-nightly", "cron": "0 3 * * *", "timezone": "America/Bogota", "active": False}
    ]
    assert "schedules" not in shown["fleet/all"]


def test_a_version_changes_with_the_model_and_its_second_part_with_the_schedules(in_catalogue: Any) -> None:
    in_catalogue()
    first = version_of("release/toy")

    in_catalogue(description="Whether a toy is loved.")
    described = version_of("release/toy")
    in_catalogue(schedules=(Schedule("nightly", "0 3 * * *", "UTC"),))
    scheduled = version_of("release/toy")

    assert described[0] != first[0]
    assert described[1] == first[1]
    assert scheduled[0] == first[0]
    assert scheduled[1] != first[1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("dry_run: bool = False", "dry_run: bool = True"),
        ("dry_run: Stop after the gate", "dry_run: End after the gate"),
    ],
    ids=["default", "description"],
)
def test_a_version_changes_with_the_form(old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, fleet = version_of("release/heart-failure"), version_of("fleet/all")
    shutil.copytree(manifest.ROOT / "flows", tmp_path / "flows")
    flow = tmp_path / "flows" / "release.py"
    monkeypatch.setattr(manifest, "ROOT", tmp_path)
    assert version_of("release/heart-failure") == first

    flow.write_text(flow.read_text().replace(old, new, 1))

    assert version_of("release/heart-failure")[0] != first[0]
    assert version_of("fleet/all") == fleet


def test_a_version_does_not_change_with_what_a_flow_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = version_of("release/heart-failure")
    shutil.copytree(manifest.ROOT / "flows", tmp_path / "flows")
    flow = tmp_path / "flows" / "release.py"
    monkeypatch.setattr(manifest, "ROOT", tmp_path)

    flow.write_text(flow.read_text() + "\n\ndef more() -> None: ...\n")

    assert version_of("release/heart-failure") == first
