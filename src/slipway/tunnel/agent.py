"""ngrok's agent for `slipway.tunnel.address`: installed, configured, started and ended through pyngrok, without showing its token.

The agent reads the token from a file that only its owner can read. pyngrok would pass it as an argument, which the list of processes
shows. The agent itself writes a refused token to its log and its standard error.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from slipway.errors import SlipwayError
from slipway.files.standard_error import discarded_standard_error
from slipway.settings import Settings
from slipway.settings.proxies import NAMES, without_proxy

if TYPE_CHECKING:
    from pyngrok.conf import PyngrokConfig

POLL = 0.05
HIDDEN = ("SLIPWAY_NGROK_TOKEN", "NGROK_AUTHTOKEN", "NGROK_API_KEY")


class TunnelError(SlipwayError):
    """There is no tunnel: it was refused, did not open, or ended by itself."""


def configured(settings: Settings, file: Path) -> PyngrokConfig:
    """Return pyngrok's configuration for an agent whose own configuration will be in `file`."""
    from pyngrok.conf import PyngrokConfig

    log = logging.getLogger("pyngrok")  # it repeats the agent's log
    log.propagate = False
    log.addHandler(logging.NullHandler())  # without a handler, errors would go to the standard error
    program = settings.ngrok_path or settings.home / "ngrok" / "ngrok"
    config = PyngrokConfig(str(program), str(file), startup_timeout=3_600, max_logs=20)  # the watchdog's patience ends first
    config.auth_token = config.api_key = None  # pyngrok takes them from the environment and makes arguments of them
    return config


def install(config: PyngrokConfig) -> None:
    """Download the agent if it is missing. Raises TunnelError."""
    from pyngrok import installer
    from pyngrok.exception import PyngrokError

    if Path(config.ngrok_path).exists():
        return
    try:
        with redirect_stdout(sys.stderr):  # for the progress, because the standard output is for `--json`
            installer.install_ngrok(config.ngrok_path)
    except (PyngrokError, OSError) as error:
        raise TunnelError(f"{error}\nInstall ngrok's agent in another way, and set SLIPWAY_NGROK_PATH to it.") from None


def write(file: Path, token: str) -> None:
    """Write the agent's configuration, readable by its owner only."""
    import yaml

    agent = {
        "authtoken": token,
        "inspect_db_size": -1,  # otherwise every user of this machine could read requests, with keys and patients' rows, on its local page
        "remote_management": False,
        "update_check": False,
    }
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
        yaml.safe_dump({"version": "3", "agent": agent}, written)


def connect(config: PyngrokConfig, upstream: str, token: str, watchdog: Watchdog) -> str:
    """Start the agent, open a tunnel to `upstream`, and return the public address.

    Raises:
        TunnelError: The agent did not start, or opened no tunnel. It may still run: see `end`.
    """
    from pyngrok import ngrok
    from pyngrok.exception import PyngrokError

    try:
        with discarded_standard_error(), _own_environment(), watchdog:
            return str(ngrok.connect(upstream, name="slipway", pyngrok_config=config).public_url)
    except (PyngrokError, OSError, HTTPException, ValueError) as error:
        # without the cause, which has the agent's log with the token
        raise TunnelError(
            f"ngrok's agent opened no tunnel: {watchdog.reason or _one_line(error, token)}\nCheck SLIPWAY_NGROK_TOKEN, that this machine "
            "reaches connect.ngrok-agent.com:443, and that the agent is version 3.30 or newer (`ngrok update`)."
        ) from None


class Watchdog:
    """Ends the agent if it takes too long to start or opening is stopped: pyngrok itself waits for its log without an end."""

    def __init__(self, file: Path, stop: threading.Event, patience: float) -> None:
        self.reason = ""
        self._file, self._stop, self._patience = file, stop, patience
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        deadline = time.monotonic() + self._patience
        while not self._done.wait(POLL):
            if self._stop.is_set():
                self.reason = "it was stopped before."
            elif time.monotonic() > deadline:
                self.reason = f"it did not come up in {self._patience:g} s."
            if self.reason:
                for agent in processes(self._file):
                    with suppress(psutil.NoSuchProcess):
                        agent.kill()


@contextmanager
def _own_environment() -> Iterator[None]:
    """Hide other tokens from the agent, and use no proxy for the agent's local API."""
    before = dict(os.environ)
    for name in HIDDEN:
        os.environ.pop(name, None)
    os.environ.update(without_proxy(before))
    try:
        yield
    finally:
        for name in (*HIDDEN, *NAMES):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]


def disconnect(config: PyngrokConfig, address: str) -> None:
    """Close the tunnel, if the agent still runs."""
    from pyngrok import ngrok
    from pyngrok.exception import PyngrokError

    with suppress(PyngrokError, OSError, HTTPException, ValueError), _own_environment():  # Ctrl-C in a terminal ends the agent too
        ngrok.disconnect(address, config)


def end(config: PyngrokConfig, file: Path) -> None:
    """End all processes of the agent."""
    from pyngrok import ngrok

    running = processes(file)
    ngrok.kill(config)
    for agent in running:  # pyngrok knows only the one it started; if that is a wrapper, the agent is its child
        with suppress(psutil.NoSuchProcess):
            agent.kill()
    psutil.wait_procs(running, timeout=5)


def processes(file: Path) -> list[psutil.Process]:
    """Return the agent's processes: descendants of this one that were started with its configuration file, which no other agent uses."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if str(file) in process.cmdline():
                found.append(process)
    return found


def _one_line(error: Exception, token: str) -> str:
    """Return the message of pyngrok or the agent in one line and without the token."""
    return " ".join(str(error).replace("\\r", " ").replace("\\n", " ").replace(token, "***").split())
