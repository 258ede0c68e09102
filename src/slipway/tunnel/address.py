"""A public https address for the gateway's main port, through ngrok's agent and pyngrok. For trying out; see docs/tunnel.md."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from slipway.settings import Settings
from slipway.tunnel import agent
from slipway.tunnel.agent import TunnelError, Watchdog

__all__ = ["Tunnel", "TunnelError", "is_there", "opened", "require_guarded"]

PATIENCE = 20.0  # seconds within which a started agent must have its session with ngrok
BUSY = (httpx.codes.OK, httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)


@dataclass(frozen=True)
class Tunnel:
    """An open tunnel: its public address, and a function that returns whether it is still open."""

    address: str
    upstream: str
    is_open: Callable[[], bool]


@contextmanager
def opened(settings: Settings, stop: threading.Event | None = None, patience: float = PATIENCE) -> Iterator[Tunnel]:
    """Open a tunnel to the gateway's main port for the duration of the block. Afterwards the agent has always ended.

    Args:
        stop: If it is set, also by another thread or a signal, opening ends early.
        patience: Seconds that the agent may take to start; its download, at first use, is not counted.
    Raises:
        TunnelError: No token is set, SLIPWAY_NGROK_PATH does not name a program, the gateway does not answer or does not require a
            credential, or the agent did not open a tunnel. Nothing is left running.
    """
    token = _token(settings)
    _require_program(settings.ngrok_path)
    require_guarded(settings)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with ExitStack() as stack:
        file = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tunnel-", dir=settings.home))) / "agent.yml"
        config = agent.configured(settings, file)
        agent.install(config)
        stack.callback(agent.end, config, file)
        agent.write(file, token)
        address = agent.connect(config, settings.gateway_url, token, Watchdog(file, stop or threading.Event(), patience))
        stack.callback(agent.disconnect, config, address)
        file.unlink()  # the agent has read it
        if not address.startswith("https://"):
            raise TunnelError(f"ngrok gave {address}, which is not encrypted, so the tunnel was closed again.")
        yield Tunnel(address, settings.gateway_url, lambda: bool(agent.processes(file)))


def require_guarded(settings: Settings) -> None:
    """Require that the gateway answers, and refuses a request without a credential.

    Raises:
        TunnelError: It does not. The gateway always requires a credential, so another program listens there.
    """
    url = settings.gateway_url
    try:
        with _client(settings) as client:
            ping, stranger = client.get(f"{url}/ping").status_code, client.get(f"{url}/models").status_code
    except (httpx.TransportError, OSError) as error:
        raise TunnelError(f"the gateway does not answer at {url} ({error}). Start it with `slipway up`; see `slipway status`.") from error
    if (ping, stranger) != (httpx.codes.OK, httpx.codes.UNAUTHORIZED):
        raise TunnelError(
            f"the program at {url} is not a gateway that asks for a credential, so it gets no public address: /ping answered {ping} and "
            f"/models, without a key, {stranger}; expected 200 and 401. See `slipway status` and SLIPWAY_GATEWAY_PORT."
        )


def is_there(settings: Settings) -> bool:
    """Return whether a gateway still listens. After it has ended, another program may take its port, and would be public.

    A gateway that is too busy to answer still listens.
    """
    try:
        with _client(settings) as client:
            return client.get(f"{settings.gateway_url}/ping").status_code in BUSY
    except httpx.TimeoutException:
        return True
    except httpx.TransportError:
        return False


def _client(settings: Settings) -> httpx.Client:
    return httpx.Client(timeout=5.0, trust_env=False, verify=settings.trust)


def _token(settings: Settings) -> str:
    if settings.ngrok_token is None:
        raise TunnelError(
            "a tunnel needs a token of ngrok, and none is set. https://dashboard.ngrok.com/get-started/your-authtoken shows yours; "
            "set SLIPWAY_NGROK_TOKEN (or NGROK_AUTHTOKEN) to it, in the environment or in .env."
        )
    return settings.ngrok_token.get_secret_value()


def _require_program(path: Path | None) -> None:
    if path and not (path.is_file() and os.access(path, os.X_OK)):
        raise TunnelError(
            f"SLIPWAY_NGROK_PATH={path} is not a program. Name ngrok's agent, or leave it empty to download the agent at first use."
        )
