"""The connection to MLflow, and an error at once when MLflow does not answer."""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import TYPE_CHECKING

import httpx

from slipway.errors import RegistryUnavailableError, StorageError
from slipway.files.storage import heals, require_storage, storage_error
from slipway.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

# By default MLflow tries for minutes before it reports that no server listens.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # the standard output is for `--json`


def connect(settings: Settings) -> MlflowClient:
    """Return a client, after the server has answered or the local database has been opened.

    Raises:
        RegistryUnavailableError: The server does not answer, or the database cannot be opened.
        StorageError: The home folder cannot be written, or its disk is nearly full.
    """
    uri = settings.tracking
    if uri.startswith(("http://", "https://")):
        _require_answer(uri)
    elif uri == settings.mlflow_database:
        require_storage(settings.home)  # MLflow would try for two minutes
        settings.mlflow_artifacts.mkdir(parents=True, exist_ok=True)
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # it logs SQL and a traceback of what it raises anyway
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        client = mlflow.MlflowClient(uri, uri)
        client.search_experiments(max_results=1)
    except (MlflowException, SQLAlchemyError) as error:
        if (found := storage_error(error, settings.home)) and not heals(error):
            raise StorageError(without_password(f"MLflow at {uri} cannot be used: {found}")) from error
        error = found or error
        raise RegistryUnavailableError(without_password(f"MLflow at {uri} cannot be used: {error}\n{_way_out()}")) from error
    return client


def is_away(error: BaseException | None) -> bool:
    """Return whether an error means that MLflow did not answer, or answered 5xx, so that another try may help."""
    if isinstance(error, RegistryUnavailableError):
        return True
    if "mlflow" not in sys.modules:  # then none of its errors can have been raised, and importing it takes seconds
        return False
    from mlflow.exceptions import MlflowException, RestException
    from requests.exceptions import HTTPError, RequestException

    if isinstance(error, RestException):
        return bool(error.get_http_status_code() >= httpx.codes.INTERNAL_SERVER_ERROR)
    if isinstance(error, MlflowException):  # its code is the same for every failure; its cause says which
        error = error.__cause__ or error.__context__
    if isinstance(error, HTTPError) and error.response is not None:
        return bool(error.response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR)
    return isinstance(error, RequestException)


def page(settings: Settings) -> str:
    """Return the address of MLflow's pages, without the credentials that the tracking address may contain."""
    return re.sub(r"://[^/@]*@", "://", settings.tracking).rstrip("/")


def run_page(client: MlflowClient, settings: Settings, run_id: str) -> str | None:
    """Return the address of a run's page; None if MLflow is a database without a server."""
    if not settings.tracking.startswith("http"):
        return None
    return f"{page(settings)}/#/experiments/{client.get_run(run_id).info.experiment_id}/runs/{run_id}"


def version_page(settings: Settings, registered_as: str, version: int) -> str | None:
    """Return the address of a registered version's page; None if MLflow is a database without a server."""
    if not settings.tracking.startswith("http"):
        return None
    return f"{page(settings)}/#/models/{registered_as}/versions/{version}"


def _require_answer(uri: str) -> None:
    try:
        # without TLS there is nothing to verify, and loading the certificates takes longer than the request
        httpx.get(f"{uri.rstrip('/')}/health", timeout=10.0, verify=uri.startswith("https://")).raise_for_status()
    except httpx.HTTPError as error:
        # without the cause: httpx's message has the whole address, with its password
        raise RegistryUnavailableError(
            without_password(f"MLflow at {uri} does not answer ({error or type(error).__name__}). {_way_out()}")
        ) from None


def without_password(message: object) -> str:
    """Return a message with *** for the passwords in its addresses."""
    return re.sub(r"(://[^\s/@:]*:)[^\s/@]*@", r"\1***@", str(message))


def _way_out() -> str:
    return "See `slipway status`; `slipway up` starts the local one, SLIPWAY_TRACKING_URI names another."
