"""A platform whose releases reach MLflow through a proxy that can hold them back, and what a test asks of it and of its runs."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from deployments import local
from deployments.local.supervisor import Supervisor
from slipway.bundle.store.active import Pointer, active
from slipway.catalogue import catalogue, lookup
from slipway.lifecycle.ledger import Ledger
from slipway.settings import Settings
from slipway.tracking import registry
from tests.platform.conftest import free_ports, wait_until
from tests.platform.holding import HoldingProxy

MODEL, MANY_ROWS = "heart-failure", "many-rows"

# so many that reading them takes seconds
ROWS = b"size,wanted\n" + b"1.5,0\n2.5,1\n2.5,0\n1.5,1\n" * 750_000
MODEL_FILE = """
from optuna.distributions import FloatDistribution
from sklearn.linear_model import LogisticRegression

from slipway.spec import Columns, Dataset, Gate, ModelSpec, Numeric, Split, Target

MODEL = ModelSpec(
    name="many-rows",
    registered_as="many_rows",
    description="Whether a toy is wanted, from its size.",
    dataset=Dataset(origin="{origin}", sha256="{sha256}", file="many.csv"),
    columns=Columns(
        features={{"size": Numeric(0, 100, "cm", "Size")}}, target=Target("wanted", {{0: "left", 1: "wanted"}}, positive=1)
    ),
    split=Split(test=0.25, seed=1, stratify=True),
    estimator=LogisticRegression(),
    search_space={{"C": FloatDistribution(1e-2, 1e2, log=True)}},
    metric="accuracy",
    gate=Gate(floor=0.1),
    port={port},
)
"""


@dataclass(frozen=True)
class Site:
    """The platform, as a process outside of it sees it."""

    environment: dict[str, str]
    settings: Settings
    proxy: HoldingProxy

    def slipway(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deployments.cli", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300)

    def start(self, model: str = MODEL, **parameters: Any) -> Run:
        """Ask for a release, as the run page's button does; the worker runs it."""
        given = parameters or {"sample": True, "trials": 2}
        deployment = self.ask("GET", f"/deployments/name/release/{model}")["id"]
        return Run(self, self.ask("POST", f"/deployments/{deployment}/create_flow_run", {"parameters": given})["id"])

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask Prefect's API; as its own clients do, again while its database is busy or it is starting."""
        answers: list[httpx.Response] = []

        def answered() -> bool:
            try:
                answers.append(httpx.request(method, f"{self.settings.prefect_url}/api{path}", json=body, timeout=30.0))
            except httpx.TransportError:
                return False
            return answers[-1].status_code != httpx.codes.SERVICE_UNAVAILABLE

        until(answered)
        found = answers[-1].raise_for_status()
        return found.json() if found.content else None

    def status(self, program: str) -> local.ServiceStatus:
        return next(found for found in local.status(self.settings) if found.name == program)

    def process(self, program: str) -> psutil.Process:
        return psutil.Process(Supervisor(self.settings.home).states()[program].pid)

    @property
    def own_port(self) -> int:
        """The port of the model, where the smoke test asks."""
        return int(json.loads(self.environment["SLIPWAY_MODEL_PORTS"])[MODEL])

    def pointer(self) -> Pointer | None:
        return active(self.settings.bundles, MODEL)

    def versions(self) -> set[int]:
        return set(self._registry().stages)

    def standing(self) -> tuple[Any, ...]:
        """Who is champion, what is in service, and what answers; not who is candidate: that is settled before the gate."""
        state = self._registry()
        champions = {alias: version for alias, version in state.aliases.items() if alias != registry.CANDIDATE}
        in_production = [version for version, stage in state.stages.items() if stage == registry.PRODUCTION]
        return champions, in_production, self.pointer(), self._answering(), Ledger(self.settings.ledger).unfinished(MODEL)

    def _registry(self) -> Any:
        from mlflow import MlflowClient

        return registry.state(MlflowClient(self.settings.mlflow_url, self.settings.mlflow_url), lookup(MODEL).registered_as)

    def _answering(self) -> int | None:
        key = Settings(_env_file=self.settings.home / "credentials.env").api_key
        headers = {"Authorization": f"Bearer {key.get_secret_value() if key else ''}"}
        answer = httpx.get(f"{self.settings.gateway_url}/models/{MODEL}", headers=headers)
        return answer.json()["version"] if answer.is_success else None


@dataclass(frozen=True)
class Run:
    """One flow run, as Prefect's API and the operating system show it."""

    site: Site
    id: str

    def as_shown(self) -> dict[str, Any]:
        return self.site.ask("GET", f"/flow_runs/{self.id}")

    def state(self) -> str:
        return self.as_shown()["state_type"]

    def steps(self) -> dict[str, str]:
        """The state of each step, by its name without the model's."""
        found = self.site.ask("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [self.id]}}})
        return {step["name"].removesuffix(f"-{MODEL}").removesuffix(f"-{MANY_ROWS}"): step["state_type"] for step in found}

    def ends(self, state: str, within: float = 180) -> None:
        wait_until(lambda: self.state() in ("COMPLETED", "CANCELLED", "CRASHED", "FAILED"), within)
        shown = self.as_shown()
        assert shown["state_type"] == state, (shown["state"]["name"], shown["state"]["message"], self.log())

    def cancel(self) -> None:
        """As `prefect flow-run cancel` and the run page's button do."""
        self.site.ask("POST", f"/flow_runs/{self.id}/set_state", {"state": {"type": "CANCELLING"}})

    def log(self) -> list[str]:
        query = {"logs": {"flow_run_id": {"any_": [self.id]}}, "sort": "TIMESTAMP_ASC", "limit": 200}
        return [line["message"] for line in self.site.ask("POST", "/logs/filter", query)]

    def processes(self) -> list[psutil.Process]:
        """Every process that was started for this run: its own, and those that tune for it."""
        return [process for process in psutil.process_iter() if self._mine(process)]

    def _mine(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("PREFECT__FLOW_RUN_ID") == self.id
        except (psutil.Error, OSError):
            return False

    def tuners(self) -> list[psutil.Process]:
        return [process for process in self.processes() if any("popen_loky" in word for word in process.cmdline())]

    def engine(self) -> psutil.Process:
        return next(process for process in self.processes() if "prefect.engine" in process.cmdline())


def build(home: Path, folder: Path) -> Site:
    """Choose ports, write the model with many rows, and start the proxy; the platform is for the caller to start."""
    prefect, mlflow, gateway, many, *own = free_ports(4 + len(catalogue()))
    proxy = HoldingProxy(f"127.0.0.1:{mlflow}", folder)
    (folder / "many.csv").write_bytes(ROWS)
    (folder / "models").mkdir()
    described = MODEL_FILE.format(origin=f"{proxy.url}/rows/many.csv", sha256=hashlib.sha256(ROWS).hexdigest(), port=many)
    (folder / "models" / "many_rows.py").write_text(described)
    left_out = ("SLIPWAY_", "PREFECT_", "MLFLOW_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)} | {
        "SLIPWAY_HOME": str(home),
        "SLIPWAY_MODELS": str(folder / "models"),
        "SLIPWAY_PREFECT_PORT": str(prefect),
        "SLIPWAY_MLFLOW_PORT": str(mlflow),
        "SLIPWAY_GATEWAY_PORT": str(gateway),
        "SLIPWAY_MODEL_PORTS": json.dumps(dict(zip(catalogue(), own, strict=True))),
        "SLIPWAY_TRACKING_URI": proxy.url,
    }
    settings = Settings(home=home, prefect_port=prefect, mlflow_port=mlflow, gateway_port=gateway, tracking_uri=proxy.url)
    return Site(environment, settings, proxy)


def until(true: Callable[[], object], seconds: float = 150) -> None:
    wait_until(lambda: bool(true()), seconds)
