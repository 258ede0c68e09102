"""The local platform: Prefect, MLflow, a worker, the gateway and a watchman, supervised, on loopback, with their state in one folder."""

from deployments.local.credentials import ensure_api_key
from deployments.local.platform import ServiceStatus, down, is_up, require_usable, running, status, taken_ports, up
from deployments.local.services import ALL, GATEWAY, MLFLOW, PREFECT, WATCHMAN, WORKER

__all__ = [
    "ALL",
    "GATEWAY",
    "MLFLOW",
    "PREFECT",
    "WATCHMAN",
    "WORKER",
    "ServiceStatus",
    "down",
    "ensure_api_key",
    "is_up",
    "require_usable",
    "running",
    "status",
    "taken_ports",
    "up",
]
