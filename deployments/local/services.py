"""What the platform consists of: each program's command, environment, ports and address."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway.lifecycle.ports import PortNeed, model_need
from slipway.settings import LOOPBACK, Settings
from slipway.settings.gateway import reachable
from slipway.settings.proxies import without_proxy

PREFECT, MLFLOW, WORKER, GATEWAY, WATCHMAN = "prefect", "mlflow", "worker", "gateway", "watchman"
ALL = (PREFECT, MLFLOW, WORKER, GATEWAY, WATCHMAN)

POOL = "slipway"
WORKER_NAME = "local"

# of every process that runs flows: a heartbeat every 30 s, for a run whose beats cease is marked as crashed; and four minutes of
# patience (2 s, doubled each time) with a Prefect server that restarts
STEADY = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30", "PREFECT_CLIENT_MAX_RETRIES": "7"}

# A key, profile or server address of another Prefect must not reach ours, nor another supervisor's or flow run's marks.
NOT_INHERITED = (
    "PREFECT_",
    "SUPERVISOR_",
    "MLFLOW_TRACKING_URI",
    "SLIPWAY_API_KEY",
    "SLIPWAY_NGROK_TOKEN",
    "NGROK_AUTHTOKEN",
    "SLIPWAY_NOTIFY_",
)


@dataclass(frozen=True)
class Program:
    """One supervised program."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    url: str | None = None
    health: str | None = None
    after: str | None = None
    needs: tuple[PortNeed, ...] = ()
    timeout: float = field(default=120.0, compare=False)
    stop_seconds: int = 10


def programs(settings: Settings, model_ports: Mapping[str, int]) -> dict[str, Program]:
    """Return every program by name, in the order in which they are shown."""
    every = (_prefect(settings), _mlflow(settings), _worker(settings), _gateway(settings, model_ports), _watchman(settings))
    return {program.name: program for program in every}


def inherited(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that all programs share: the caller's, with the settings as they were resolved.

    It is handed to supervisord as its own environment and not written to its configuration, so an address with a
    password reaches no file. The API key is left out: programs that need it read `credentials.env`.
    """
    kept = {key: value for key, value in environ.items() if not key.startswith(NOT_INHERITED)}
    direct = without_proxy(environ, reachable(settings.gateway_address).strip("[]"))
    return kept | resolved(settings) | direct | {"DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1"}


def resolved(settings: Settings) -> dict[str, str]:
    """Return the settings that were set anywhere, as variables; also those that came from a `.env` file, and those that are empty."""
    values = settings.model_dump(mode="json", exclude={"api_key"}, exclude_unset=True) | {"home": str(settings.home)}
    return {f"SLIPWAY_{name.upper()}": _variable(name, value) for name, value in values.items()}


def _variable(name: str, value: object) -> str:
    """Return a setting as a variable. One that is taken away is empty: `{}` would be merged with what `.env` has."""
    if value is None or (value == {} and not Settings.model_fields[name].get_default(call_default_factory=True)):
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    same = Path(sys.executable).with_name("python3")  # `slipway` and `python -m` may name one Python differently
    return (str(same if same.exists() else sys.executable), "-m", module, *arguments)


def _log(settings: Settings, name: str) -> Path:
    return settings.home / "logs" / f"{name}.log"


def _prefect(settings: Settings) -> Program:
    port = settings.prefect_port
    return Program(
        PREFECT,
        _python("deployments.local.prefect_server", "--host", LOOPBACK, "--port", str(port)),
        _prefect_environment(settings)
        | {
            "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{settings.home / 'prefect' / 'prefect.db'}",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            # In memory, as by default, a restart forgets who runs, ends runs minutes later, and keeps the places of others for good.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            "PREFECT_SERVER_UI_API_URL": f"{settings.prefect_url}/api",
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            # By default it looks for due schedules once a minute, and misses one that is set in the run page for the next minute.
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "10",
            # By default 15: a busy machine takes as long to start a run, and an operator would be notified of each.
            "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "60",
            # Without this any web page open in the user's browser may create runs, and a run's command is a job variable.
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"{settings.prefect_url},http://localhost:{port}",
        },
        _log(settings, PREFECT),
        url=settings.prefect_url,
        health=f"{settings.prefect_url}/api/health",
        needs=(PortNeed(port, "the Prefect server", "SLIPWAY_PREFECT_PORT"),),
    )


def _mlflow(settings: Settings) -> Program:
    port = settings.mlflow_port
    return Program(
        MLFLOW,
        _python("deployments.local.mlflow_server", settings.mlflow_database, str(settings.mlflow_artifacts), str(port)),
        # Jobs are for evaluating language models; their runner is four more processes.
        {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        _log(settings, MLFLOW),
        url=settings.mlflow_url,
        health=f"{settings.mlflow_url}/health",
        needs=(PortNeed(port, "the MLflow server", "SLIPWAY_MLFLOW_PORT"),),
    )


def _worker(settings: Settings) -> Program:
    own_mlflow = settings.tracking_uri in (None, settings.mlflow_url)
    return Program(
        WORKER,
        _python("deployments.local.worker"),
        _prefect_environment(settings)
        | {"PREFECT_WORKER_QUERY_SECONDS": "2", "MLFLOW_DISABLE_TELEMETRY": "true"}
        | STEADY
        | ({"MLFLOW_TRACKING_URI": settings.mlflow_url} if own_mlflow else {}),
        _log(settings, WORKER),
        health=f"{settings.prefect_url}/api/work_pools/{POOL}/workers/filter",
        after=PREFECT,
    )


def _gateway(settings: Settings, model_ports: Mapping[str, int]) -> Program:
    address = settings.gateway_address
    needs = [PortNeed(settings.gateway_port, "the gateway", "SLIPWAY_GATEWAY_PORT", address)]
    needs += [model_need(name, port, settings) for name, port in model_ports.items()]
    return Program(
        GATEWAY,
        _python("slipway.gateway"),
        {"SLIPWAY_GATEWAY_PORT": str(settings.gateway_port)},
        _log(settings, GATEWAY),
        url=settings.gateway_url,
        health=f"{settings.gateway_url}/ping",
        stop_seconds=35,  # it answers what it took, for 30 s at most
        needs=tuple(needs),
        timeout=60.0,
    )


def _watchman(settings: Settings) -> Program:
    return Program(WATCHMAN, _python("deployments.local.watchman"), {}, _log(settings, WATCHMAN), after=PREFECT)


def _prefect_environment(settings: Settings) -> dict[str, str]:
    return {
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_API_URL": f"{settings.prefect_url}/api",
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "slipway",
        "PREFECT_LOGGING_COLORS": "false",
        "PREFECT_CLI_PROMPT": "false",
    }
