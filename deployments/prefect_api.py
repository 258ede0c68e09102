"""Asking the platform's Prefect server over REST, without importing Prefect, which takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from slipway.errors import PlatformError
from slipway.settings import Settings


@contextmanager
def prefect_api(settings: Settings) -> Iterator[httpx.Client]:
    """Give a client whose paths are below `/api/`, and whose replies are no errors.

    Raises:
        PlatformError: The server does not answer, or refuses a request; the message carries what it said.
    """
    with httpx.Client(base_url=f"{settings.prefect_url}/api/", timeout=30.0, trust_env=False, event_hooks={"response": [_check]}) as http:
        try:
            yield http
        except httpx.TransportError as error:
            raise PlatformError(
                f"the Prefect server at {settings.prefect_url} does not answer ({error}). Start it with `slipway up`; see `slipway status`."
            ) from error


def _check(response: httpx.Response) -> None:
    if response.is_error:
        response.read()
        raise PlatformError(
            f"the Prefect server refused {response.request.method} {response.request.url.path}: "
            f"{response.status_code} {response.text[:1000]}"
        )
