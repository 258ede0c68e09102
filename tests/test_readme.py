"""The README shows commands as they are, and what they print today."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from slipway.catalogue import catalogue

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)


def test_every_target_of_make_that_is_shown_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"\bmake ([a-z]+)", README)) <= targets


def test_every_command_that_is_shown_is_known_with_its_options():
    shown = set(re.findall(r"slipway ([a-z]+)((?: --[a-z-]+)*)", README)) | set(re.findall(r"`slipway ([a-z]+)[^`]*?(--[a-z-]+)", README))
    options: dict[str, set[str]] = {}
    for command, some in shown:
        options.setdefault(command, set()).update(some.split())
    for command in options:
        help_text = CliRunner().invoke(app, [command, "--help"])
        assert help_text.exit_code == 0, command
        for option in options[command]:
            assert option in help_text.stdout, (command, option)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.stem)
def test_commands_that_a_page_of_the_docs_shows_are_known_and_so_is_what_it_links(page, commands):
    text = page.read_text()
    shown = set(re.findall(r"(?:`|\$ |&& )slipway ([a-z]+)", text))
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]

    assert shown <= commands
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.stem)
def test_a_page_says_first_whom_it_is_for(page):
    _, first, *_ = page.read_text().split("\n\n")

    assert first.startswith("For ")


@pytest.fixture(scope="module")
def commands() -> set[str]:
    shown = CliRunner().invoke(app, ["--help"], catch_exceptions=False).stdout
    return set(re.findall(r"^  ([a-z]+)", shown, re.MULTILINE))


def test_unknown_model_prints_what_the_readme_shows(tmp_path):
    block = next(block for block in BLOCKS if "hart-failure" in block)
    command, expected = block.split("\n", 1)
    arguments = command.removeprefix("$ slipway ").split()

    ran = subprocess.run(
        [sys.executable, "-m", "deployments.cli", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"SLIPWAY_HOME": str(tmp_path)},
    )

    assert ran.stderr == expected


def test_table_of_models_is_the_catalogue():
    rows = re.findall(r"^\| ([a-z-]+) \| `(\w+)` \| (\d+) \| (.*) \|$", README, re.MULTILINE)

    assert rows == [(spec.name, spec.registered_as, str(spec.port), spec.description) for _, spec in sorted(catalogue().items())]


def test_every_file_that_is_linked_exists():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]

    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_refusal_that_is_shown_is_the_gateways():
    from slipway.bundle.compiling import contract_columns
    from slipway.bundle.contract import Contract
    from slipway.gateway import replies
    from slipway.gateway.bodies import mlflow, refusing

    spec = catalogue()["heart-failure"]
    contract = Contract(
        format=1, model=spec.name, registered_as=spec.registered_as, version=1, run_id="", engine="onnx", description="",
        columns=contract_columns(spec), target="", classes=(0, 1), class_meanings=("", ""), positive=1, threshold=None,
        data_sha256="", sample=True, metrics={}, mlflow_version="", created_at="",
    )  # fmt: skip
    row = json.loads(re.search(r"-d '(\{.*\})'", README).group(1))["dataframe_records"][0] | {"Age": "forty"}
    body = json.dumps({"dataframe_records": [row]}).encode()

    with pytest.raises(replies.RequestError) as refused:
        refusing.check(mlflow.decode("application/json", body, contract), contract)

    assert json.loads(refused.value.reply().body) == json.loads(re.search(r"```json\n(.*?)```", README, re.DOTALL).group(1))


def test_shown_rows_name_every_column():
    body = json.loads(re.search(r"-d '(\{.*\})'", README).group(1))

    assert list(body["dataframe_records"][0]) == catalogue()["heart-failure"].columns.names
