"""The commands that the README and the docs show run, and print what is shown; those that cannot run here say why."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from tests.support import forking

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?:<!-- (before|not run): ([^\n]+) -->\n)?```(?:console|bash|sh)\n(.*?)```", re.DOTALL)
QUICK = {"audit", "certs", "history", "keys", "models", "users", "watch"}  # these need no more than a home folder
PASSWORD = "correct-horse-battery-staple\n"
ASKS_FOR_PASSWORD = (["users", "add"], ["users", "rotate"])
# what differs from run to run: times, days that are left, and what a page leaves out with three dots
VARIES = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:]+\+00:00)?|in \d+ days|\.\.\.")


@dataclass(frozen=True)
class Block:
    page: str
    mark: str
    said: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text.splitlines()[0].removeprefix('$ ')}"

    def words(self) -> set[str]:
        """Return the command of Slipway of each line, or the whole line if it has none."""
        return {re.sub(r"^(?:\w+=\S+ )*slipway (\w+).*", r"\1", command) for command, _ in self.commands()}

    def commands(self) -> list[tuple[str, str]]:
        """Return each command with the output below it."""
        return [(command, shown) for command, _, shown in (part.partition("\n") for part in re.split(r"^\$ ", self.text, flags=re.M)[1:])]


BLOCKS = [Block(page.name, *found) for page in PAGES for found in BLOCK.findall(page.read_text())]
RUN = [block for block in BLOCKS if block.mark != "not run"]


@pytest.fixture
def ask(tmp_path):
    """Run a command as a shell does, in a home folder of the test's own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    environment |= {"SLIPWAY_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "COLUMNS": "500"}
    (tmp_path / "models").mkdir()

    def run(command: str) -> subprocess.CompletedProcess[str]:
        if "|" in command:
            path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
            shell = ["bash", "-o", "pipefail", "-c", command]
            return subprocess.run(shell, env=environment | {"PATH": path}, capture_output=True, text=True, timeout=60, check=False)
        words = shlex.split(command)
        given = dict(word.replace("~", str(tmp_path)).split("=", 1) for word in words[: words.index("slipway")])
        arguments = words[words.index("slipway") + 1 :]
        typed = PASSWORD if arguments[:2] in ASKS_FOR_PASSWORD else ""
        return forking.slipway(*arguments, *(["--password-stdin"] if typed else []), environment=environment | given, typed=typed)

    return run


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_runs_here_or_says_why_not(block):
    """A command that starts or needs more than a home folder is not run here, so its block says `<!-- not run: why -->`."""
    assert block.mark == "not run" or block.words() <= QUICK


def test_every_line_of_a_shell_is_in_a_block_that_is_read_here():
    shown = sum(len(re.findall(r"^\s*\$ ", page.read_text(), re.M)) for page in PAGES)

    assert shown == sum(len(block.commands()) for block in BLOCKS) > 0


@pytest.mark.parametrize("block", [block for block in RUN if block.words() <= QUICK], ids=str)
def test_a_block_prints_what_it_shows(block, ask):
    for program in set(re.findall(r"\| (\w+) ", block.text)):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if block.mark == "before":
        assert ask(block.said).returncode == 0

    for command, shown in block.commands():
        done = ask(command)
        questions = re.compile(r"^(Password|Repeat for confirmation):$\n", re.M)  # asked only at a terminal
        words = questions.sub("", shown).split()
        expected = r"\s+".join(".*".join(re.escape(part) for part in VARIES.split(word)) for word in words)
        assert re.search(expected, done.stderr + done.stdout), f"{command}\nprinted:\n{done.stderr}{done.stdout}"
        assert done.returncode == int(shown.startswith("error: "))


def test_every_option_in_a_block_that_is_not_run_exists():
    shown = [command for block in BLOCKS if block.mark == "not run" for command, _ in block.commands()]
    options: dict[tuple[str, ...], set[str]] = {}
    for command in shown:
        if found := re.match(r"(?:\w+=\S+ )*slipway ((?:audit )?\w+)", command):
            options.setdefault(tuple(found[1].split()), set()).update(re.findall(r" (--[a-z-]+)", command))

    assert options
    for words, some in options.items():
        help_text = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"}).stdout
        assert [option for option in sorted(some) if option not in help_text] == [], words


def test_a_block_that_is_not_run_names_tests_that_exist():
    named = {test for block in BLOCKS if block.mark == "not run" for test in re.findall(r"tests/[\w/.]+\.py", block.said)}

    assert named
    assert [test for test in sorted(named) if not (ROOT / test).exists()] == []


def test_every_checksum_of_rows_that_a_page_shows_is_one_that_a_model_pins():
    models = (ROOT / "src" / "slipway" / "models").glob("*.py")
    pinned = [sha for model in models for sha in re.findall(r'sha256="([0-9a-f]{64})"', model.read_text())]
    lines = [line for page in PAGES for line in page.read_text().splitlines() if "customers" not in line]  # an example of followed rows
    shown = [digits for line in lines for digits in re.findall(r"(?:--snapshot |snapshot=|snapshots/[a-z-]+-)([0-9a-f]{8,})", line)]

    assert shown
    assert [digits for digits in shown if not any(sha.startswith(digits) for sha in pinned)] == []
