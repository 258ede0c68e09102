"""Each example on a running platform: released, asked by programs, scored, judged by its outcomes, watched, and rolled back.

The customers are in SQLite, as the example has them, and once more in a PostgreSQL server.
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from sqlalchemy import URL, create_engine, make_url

from slipway.bundle.cells import columns_of
from slipway.bundle.compiling import contract_columns
from slipway.data import fetching
from slipway.data.validation import validate
from slipway.spec import ModelSpec
from tests.platform.conftest import Operator, free_ports, operator_of
from tests.support.postgres import running_postgres

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1_800)]

EXAMPLES = Path(__file__).parents[2] / "examples"
ON_POSTGRES = "customer-churn-on-postgres"
MODELS = ("customer-churn", ON_POSTGRES, "diabetes-progression", "hospital-stay")


@dataclass(frozen=True)
class Team:
    """A person with a platform and the examples' files."""

    operator: Operator
    folder: Path

    def slipway(self, *arguments: str) -> Any:
        """Run a command in a process of its own, because the folder of models is read when a process begins, and return its JSON."""
        command = [sys.executable, "-m", "deployments.cli", *arguments]
        ran = subprocess.run(command, env=self.operator.environment, capture_output=True, text=True)
        assert ran.returncode in (0, 3), f"{arguments} ended with {ran.returncode}:\n{ran.stdout}\n{ran.stderr}"
        return json.loads(ran.stdout) if "--json" in arguments else None

    def spec(self, model: str) -> ModelSpec:
        found: ModelSpec = runpy.run_path(str(self.folder / "models" / f"{model.replace('-', '_')}.py"))["MODEL"]
        return found

    def rows(self, model: str) -> tuple[pd.DataFrame, list[Any]]:
        """Every valid row as a program sends it, and the outcomes."""
        spec = self.spec(model)
        snapshot = fetching.fetch(spec, None, self.folder / "snapshots", self.operator.settings.sql_login)
        rows = validate(spec, Path(snapshot.path))
        return pd.DataFrame(columns_of(rows, contract_columns(spec)), dtype=object), rows[spec.columns.target.name].tolist()

    def ask(self, model: str, path: str, body: dict[str, Any]) -> Any:
        key = self.operator.settings.api_key
        assert key is not None
        answered = httpx.post(
            f"{self.operator.settings.gateway_url}/models/{model}/{path}",
            json=body,
            headers={"Authorization": f"Bearer {key.get_secret_value()}"},
            timeout=60,
        )
        assert answered.status_code == 200, answered.text
        return answered.json()


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of an empty database on a PostgreSQL server of these tests."""
    with running_postgres() as server:
        server.psql("CREATE DATABASE crm;")
        yield str(server.get_uri("crm"))


def _add_customers_on_postgres(examples: Path, address: str) -> None:
    """Write the example's tables into the database, and its file with that address and a name of its own, but the same checksum."""
    url = make_url(address)
    engine = create_engine(url.set(drivername="postgresql+psycopg"))
    for name, rows in runpy.run_path(str(examples / "rows" / "customers.py"))["tables"]().items():
        rows.to_sql(name, engine, index=False)
    engine.dispose()
    text = (examples / "models" / "customer_churn.py").read_text()
    changes = {
        'f"sql+sqlite:///{ROWS}"': repr(f"sql+{URL.create('postgresql', database=url.database, query=url.query)}"),
        'name="customer-churn"': f'name="{ON_POSTGRES}"',
        'registered_as="customer_churn"': 'registered_as="customer_churn_on_postgres"',
        "port=8202": "port=8299",
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (examples / "models" / "customer_churn_on_postgres.py").write_text(text)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns("*.csv", "*.db", "__pycache__"))
    for script in sorted((folder / "examples" / "rows").glob("*.py")):
        subprocess.run([sys.executable, script], check=True, capture_output=True)
    _add_customers_on_postgres(folder / "examples", postgres)
    person = operator_of(folder / "home")
    person.environment["SLIPWAY_SQL_USER"] = "postgres"
    person.environment["SLIPWAY_MODELS"] = str(folder / "examples" / "models")
    ports = json.loads(person.environment["SLIPWAY_MODEL_PORTS"]) | dict(zip(MODELS, free_ports(len(MODELS)), strict=True))
    person.environment["SLIPWAY_MODEL_PORTS"] = json.dumps(ports)
    found = Team(person, folder / "examples")
    found.slipway("up")
    try:
        yield found
    finally:
        found.slipway("down")


@pytest.fixture(scope="module")
def released(team: Team) -> dict[str, Any]:
    ended = team.slipway("fleet", *MODELS, "--trials", "3", "--json")
    return {entry["model"]: entry for entry in ended["entries"]}


@pytest.mark.parametrize("model", MODELS)
def test_every_row_is_answered_as_mlflows_model_of_the_version_answers_it(team: Team, released: dict[str, Any], model: str):
    rows, _ = team.rows(model)
    asked = (
        "import json, sys, mlflow, pandas as pd\n"
        "rows = pd.DataFrame(json.load(sys.stdin)['columns'], dtype=object)\n"
        f"loaded = mlflow.pyfunc.load_model('models:/{team.spec(model).registered_as}@champion')\n"
        "print('ANSWERS', json.dumps(pd.Series(loaded.predict(rows)).tolist()))\n"
    )
    environment = os.environ | {"MLFLOW_TRACKING_URI": team.operator.settings.mlflow_url}
    sent = json.dumps({"columns": rows.to_dict("list")})
    found = subprocess.run([sys.executable, "-c", asked], input=sent, env=environment, capture_output=True, text=True, check=True)
    expected = json.loads(found.stdout.rpartition("ANSWERS ")[2])

    answered = team.ask(model, "invocations", {"dataframe_split": rows.to_dict("split", index=False)})["predictions"]

    assert released[model]["outcome"] == "promoted"
    assert len(answered) == len(rows) > 400
    assert answered == (pytest.approx(expected, rel=1e-6) if model == "diabetes-progression" else expected)


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize("model", MODELS)
def test_curl_has_the_same_answer_as_any_program(team: Team, model: str, tmp_path: Path):
    rows, _ = team.rows(model)
    row = rows.iloc[0].to_dict()
    (tmp_path / "row.json").write_text(json.dumps({"row": row}))
    key = team.operator.settings.api_key
    assert key is not None
    command = 'curl --silent --fail --header "Authorization: Bearer $KEY" --header "Content-Type: application/json" --data @row.json "$URL"'
    environment = os.environ | {"KEY": key.get_secret_value(), "URL": f"{team.operator.settings.gateway_url}/models/{model}/predict"}

    shown = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)

    (answer,), (same,) = json.loads(shown.stdout)["predictions"], team.ask(model, "predict", {"row": row})["predictions"]
    assert {name: value for name, value in answer.items() if name != "prediction_id"} == {
        name: value for name, value in same.items() if name != "prediction_id"
    }


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize("model", MODELS)
def test_it_is_scored_judged_by_its_outcomes_watched_and_rolled_back(team: Team, model: str, tmp_path: Path):
    rows, truth = team.rows(model)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    scored = team.slipway("score", model, str(tmp_path / "rows.csv"), "--to", str(tmp_path / "out.csv"), "--json")
    answered = team.ask(model, "predict", {"rows": rows.head(600).to_dict("records")})["predictions"]
    known = [{"prediction_id": one["prediction_id"], "outcome": outcome} for one, outcome in zip(answered, truth, strict=False)]
    pd.DataFrame(known).to_csv(tmp_path / "outcomes.csv", index=False)

    sent = team.slipway("outcomes", model, str(tmp_path / "outcomes.csv"), "--json")
    watched = team.slipway("watch", model, "--json")

    assert (scored["rows"], scored["rejected"]) == (len(rows), 0)
    assert sent["done"]["recorded"] == len(known)
    assert {window["kind"] for window in watched["windows"]} >= {"outcomes"} or watched["waiting_outcomes"] == len(known)

    again = team.slipway("release", model, "--trials", "1", "--json")
    assert again["outcome"] in ("promoted", "refused")
    if again["outcome"] == "promoted":
        team.slipway("rollback", model, "--because", "the drill says so")
    assert team.ask(model, "predict", {"row": rows.iloc[0].to_dict()})["version"] == 1
