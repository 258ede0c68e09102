"""A bundle into the gateway on this host, and the wait until the gateway answers from it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx

from slipway.bundle.reading import Bundle
from slipway.bundle.store import active, challenger
from slipway.bundle.store.active import Pointer
from slipway.bundle.store.challenger import Challenge
from slipway.catalogue import port_of
from slipway.errors import BundleError, GatewayUnreachableError, ServingError
from slipway.records import Endpoint
from slipway.retries import wait_until
from slipway.settings import Settings
from slipway.spec import ModelSpec

logger = logging.getLogger(__name__)

PATIENCE = 30.0  # seconds in which a bundle must be loaded, warmed up and switched to
POLL = 0.05


def deploy(spec: ModelSpec, bundle: Bundle, settings: Settings) -> Endpoint:
    """Install a bundle and return its endpoint once the gateway answers from it.

    Raises:
        ServingError: The gateway does not answer (`GatewayUnreachableError`), or refused the bundle. The earlier version is still
            in service, so this may be repeated.
    """
    before = active.active(settings.bundles, spec.service)
    pointer = active.install(bundle.folder, settings.bundles, port_of(spec, settings), bundle.trusted)
    try:
        _await_installation(spec.service, pointer, settings)
    except BaseException:
        active.point(settings.bundles, spec.service, before)
        raise
    contract = bundle.contract
    logger.info("%s: version %s answers on port %d", spec.service, contract.version, pointer.port)
    return Endpoint(
        model=spec.service,
        version=contract.version or 0,
        run_id=contract.run_id,
        url=f"{settings.address_of(pointer.port)}/invocations",
    )


def challenge(bundle: Bundle, share: float, settings: Settings) -> Challenge:
    """Try a bundle beside the version in service, and return once the gateway does. The caller holds the model's lock.

    Args:
        share: The fraction of requests that it answers, less than 1; 0: none, in shadow.
    Raises:
        BundleError: It cannot be compared with what is in service; nothing was changed.
        ServingError: The gateway does not answer, or refused the bundle. An earlier challenger is still tried.
    """
    model = bundle.contract.model
    before = None
    with suppress(BundleError):  # a file that cannot be read is replaced, and is not worth restoring
        before = challenger.challenged(settings.bundles, model)
    made = challenger.challenge(bundle.folder, settings.bundles, share, bundle.trusted)
    try:
        _await_installation(model, made, settings, beside=True)
    except BaseException:
        challenger.set_challenge(settings.bundles, model, before)
        raise
    logger.info("%s: version %s is the challenger", model, bundle.contract.version)
    return made


def revert(model: str, pointer: Pointer | None, settings: Settings) -> None:
    """Restore an earlier pointer, and wait until the gateway has followed. A gateway that is down follows when it starts."""
    active.point(settings.bundles, model, pointer)
    wanted = None if pointer is None else pointer.installation
    _follow(model, lambda state: state.get("installation") == wanted, "the earlier bundle is restored", settings)


def end_challenge(model: str, settings: Settings) -> bool:
    """End the challenge, wait until the gateway has followed, and return whether there was one.

    A gateway that is down starts without it.
    """
    ended = challenger.end(settings.bundles, model)
    if ended:
        _follow(model, lambda state: state.get("challenger") is None, "the challenge is ended", settings)
    return ended


def _follow(model: str, followed: Callable[[dict[str, Any]], bool], done: str, settings: Settings) -> None:
    """Wait until the gateway has followed. If it does not, that is only logged: the caller has more to put back."""
    try:
        if not _becomes(model, followed, settings):
            logger.warning("%s: %s, but the gateway did not follow within %.0f s; see `slipway status`", model, done, PATIENCE)
    except ServingError as error:  # also when no key is set
        logger.warning("%s: %s, which takes effect when the gateway is up again: %s", model, done, error)


def bearer(settings: Settings) -> dict[str, str]:
    """Return the request header that carries the API key.

    Raises:
        ServingError: No key is set.
    """
    if settings.api_key is None:
        raise ServingError("no API key is set, so the endpoint cannot be tried. Run `slipway up`, which makes one, or set SLIPWAY_API_KEY.")
    return {"Authorization": f"Bearer {settings.api_key.get_secret_value()}"}


def _await_installation(model: str, pointer: Pointer | Challenge, settings: Settings, *, beside: bool = False) -> None:
    def taken(state: dict[str, Any]) -> bool:
        return _took((state.get("challenger") or {}) if beside else state, model, pointer)

    if not _becomes(model, taken, settings):
        raise ServingError(
            f"{model}: the gateway at {settings.gateway_url} did not take the new bundle within {PATIENCE:.0f} s. See `slipway status`."
        )


def _becomes(model: str, wanted: Callable[[dict[str, Any]], bool], settings: Settings) -> bool:
    """Return whether the gateway's state of the model becomes the wanted one within `PATIENCE` seconds."""
    address = f"{settings.gateway_url}/models/{model}"
    with httpx.Client(headers=bearer(settings), timeout=5.0, verify=settings.trust) as client:
        return wait_until(lambda: wanted(_ask(client, address)), every=POLL, within=PATIENCE)


def _ask(client: httpx.Client, address: str) -> dict[str, Any]:
    try:
        response = client.get(address)
    except httpx.TransportError as error:
        raise GatewayUnreachableError(
            f"the gateway does not answer at {address} ({error}). Start it with `slipway up`; see `slipway status`."
        ) from error
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise ServingError(f"the gateway refuses the API key at {address}. Set SLIPWAY_API_KEY to a key it knows, or run `slipway up`.")
    if response.is_error:
        return {}
    try:
        return dict(response.json())
    except (ValueError, TypeError) as error:
        raise ServingError(f"another program answers at {address}, not the gateway: see `slipway status`, and end that program.") from error


def _took(state: dict[str, Any], model: str, pointer: Pointer | Challenge) -> bool:
    """Return whether the gateway runs this installation. A failed load is an error; "not yet" is none."""
    failure = state.get("error")
    if failure and failure["installation"] == pointer.installation:
        raise ServingError(f"{model}: the gateway refused bundle {pointer.bundle}: {failure['message']}")
    return bool(state.get("installation") == pointer.installation)
