"""The examples are what `slipway new` drafts, but for the lines that a person wrote; and the catalogue takes them."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

from slipway.drafting.code import code
from slipway.drafting.drafting import draft
from slipway.spec import ModelSpec, Query

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[3] / "examples"
ROWS = {"hospital_stay": "hospital.csv", "customer_churn": "customers.db", "diabetes_progression": "progression.csv"}
# the lines that a person writes: what the model is for, and where the rows are
BY_HAND = re.compile(
    r'^""".*?"""$|^from pathlib.*?\n\n|^ROWS = .*?\n\n|^    description=.*?$|^        origin=.*?$'
    r"|^    # a person must say.*?\n|^    card=.*?^    \),$",
    re.MULTILINE | re.DOTALL,
)


@pytest.fixture(params=sorted(ROWS))
def example(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[ModelSpec, str, Path]:
    """An example in a folder of its own, with its rows made there; its file as text; and the path of the rows."""
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("*.csv", "*.db", "__pycache__"))
    script = tmp_path / "examples" / "rows" / f"{ROWS[request.param].partition('.')[0]}.py"
    made: dict[str, Any] = runpy.run_path(str(script), run_name="__main__")
    assert made["write"]
    file = tmp_path / "examples" / "models" / f"{request.param}.py"
    return runpy.run_path(str(file))["MODEL"], file.read_text(encoding="utf-8"), script.with_name(ROWS[request.param])


def test_an_example_is_as_drafted_but_for_the_lines_of_a_person(example: tuple[ModelSpec, str, Path]):
    spec, written, rows = example
    table = spec.dataset.table
    query = table.sql if isinstance(table, Query) else None

    made = draft(spec.name, f"sql+sqlite:///{rows}" if query else str(rows), spec.columns.target.name, spec.port, query=query)

    assert made.source.sha256 == spec.dataset.sha256
    assert BY_HAND.sub("", written).split("\n\n") == BY_HAND.sub("", code(made)).split("\n\n")
    assert "TODO" not in written


def test_the_examples_have_ports_and_names_of_their_own():
    specs = [runpy.run_path(str(path))["MODEL"] for path in sorted((EXAMPLES / "models").glob("*.py"))]

    assert len({spec.port for spec in specs}) == len({spec.name for spec in specs}) == len(ROWS)
