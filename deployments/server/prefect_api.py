"""The REST API of a Prefect server, without importing Prefect."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Self

import httpx

from slipway.errors import PlatformError
from slipway.retries import retry
from slipway.settings import Settings

PAGE = 200  # the most that the server gives at once
SECONDS = 90.0  # its database waits 60 for a lock, and then it may be asked again
BUSY_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)


def api_of(settings: Settings) -> str:
    """Return the address of the API of the server in use."""
    return os.environ.get("PREFECT_API_URL") or f"{settings.prefect_url}/api"


def page_of(settings: Settings, run_id: str) -> str:
    """Return the address of a run's page."""
    return f"{api_of(settings).removesuffix('/api')}/runs/flow-run/{run_id}"


class PrefectServer:
    """A connection to one server, as a context manager. Every call raises PlatformError if it is not answered as it should be.

    Args:
        api: The address of its API, as in PREFECT_API_URL.
        seconds: How long each answer may take.
    Raises:
        PlatformError: It is no address.
    """

    def __init__(self, api: str, seconds: float = SECONDS) -> None:
        try:
            # without TLS there is nothing to verify, and reading the public authorities takes longer than an answer
            self._http = httpx.Client(base_url=api, timeout=seconds, verify=not api.startswith("http:"), auth=_auth())
        except httpx.InvalidURL as error:
            raise PlatformError(f"Prefect's API cannot be at {api!r}: {error}.") from error
        self._api = api

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer's JSON; None if it has no body."""
        try:
            answer = retry(lambda: self._http.request(method, path, json=body), pauses=BUSY_PAUSES, heals=_is_busy)
        except httpx.TransportError as error:
            raise PlatformError(f"Prefect does not answer at {self._api} ({error}); start it with `slipway up`.") from error
        if answer.is_error:
            raise PlatformError(f"Prefect at {self._api} answered {answer.status_code} to {method} {path}: {answer.text[:1000]}")
        try:
            return answer.json() if answer.content else None
        except ValueError as error:
            raise PlatformError(f"another program than Prefect answers at {self._api}: see `slipway status`.") from error

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Return everything of a kind, such as deployments."""
        found: list[dict[str, Any]] = []
        while page := self.call("POST", f"/{kind}/filter", {"limit": PAGE, "offset": len(found)}):
            found += page
        return found


def _is_busy(answer: object, _attempts: int) -> bool:
    """Return whether the server's database is busy. Nothing was done then, so the call may be repeated."""
    return isinstance(answer, httpx.Response) and answer.status_code == httpx.codes.SERVICE_UNAVAILABLE


def _auth() -> tuple[str, str] | None:
    """Return user and password of a server that requires them, as Prefect's own client reads them."""
    user, colon, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    return (user, password) if colon else None
