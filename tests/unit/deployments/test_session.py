from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.bundle.store.active import Pointer, point
from slipway.catalogue import services
from slipway.lifecycle.ports import model_ports, needed_ports
from slipway.settings import Settings

# as in `make demo`: `slipway up` imports the flows, hence Prefect, and `slipway release` runs one in the same process
SECOND_COMMAND = """
import prefect
from prefect.settings import PREFECT_API_URL, PREFECT_HOME

from deployments.terminal.session import use_prefect
from slipway.lifecycle.ports import model_ports, needed_ports
from slipway.settings import Settings

use_prefect(Settings.load())
print(PREFECT_API_URL.value(), PREFECT_HOME.value())
"""


@pytest.mark.slow  # Prefect is imported, for seconds
def test_the_port_of_dot_env_holds_also_where_prefect_was_imported_before(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    (tmp_path / "pyproject.toml").write_text((root / "pyproject.toml").read_text())  # it names port 4200 for the commands of Prefect
    (tmp_path / ".env").write_text("SLIPWAY_PREFECT_PORT=4321\nSLIPWAY_HOME=state\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY_", "PREFECT_", "MLFLOW_"))}

    ran = subprocess.run(
        [sys.executable, "-c", SECOND_COMMAND],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.split() == ["http://127.0.0.1:4321/api", str(tmp_path / "state" / "prefect")]


def test_a_command_needs_the_port_of_its_model_and_of_those_in_service_that_share_it(tmp_path: Path) -> None:
    ports = {"heart-failure": 9001, "diabetes": 9001, "aids-trial": 9002}
    settings = Settings(home=tmp_path, model_ports=ports)

    assert needed_ports(settings, None) == {}
    assert needed_ports(settings, "heart-failure") == {"heart-failure": 9001}

    for name in ("diabetes", "aids-trial"):
        (settings.bundles / name).mkdir(parents=True)
        point(settings.bundles, name, Pointer(bundle="1-a", port=ports[name], installation="1"))
    assert needed_ports(settings, "heart-failure") == {"heart-failure": 9001, "diabetes": 9001}
    assert model_ports(settings, in_service=True) == {"diabetes": 9001, "aids-trial": 9002}
    assert set(model_ports(settings, in_service=False)) == set(services()) - {"diabetes", "aids-trial"}
