"""The local platform: Prefect, MLflow, a worker and the gateway under one supervisor, on loopback, with their state in one folder."""

from deployments.local.credentials import ensure_api_key
from deployments.local.platform import ServiceStatus, down, is_up, running, status, up
from deployments.local.services import ALL, GATEWAY, MLFLOW, PREFECT, WORKER

__all__ = ["ALL", "GATEWAY", "MLFLOW", "PREFECT", "WORKER", "ServiceStatus", "down", "ensure_api_key", "is_up", "running", "status", "up"]
