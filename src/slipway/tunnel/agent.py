"""ngrok's agent, as `slipway.tunnel.address` uses it: installed, configured, started and ended through pyngrok, with its token unseen.

The token goes to the agent in a file that only its owner reads. As an argument, which is how pyngrok would hand it over, it would
stand in the list of processes; the agent itself writes it to its log and its standard error when it is refused.
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
from slipway.settings import LOOPBACK, Settings

if TYPE_CHECKING:
    from pyngrok.conf import PyngrokConfig

POLL = 0.05
HIDDEN = ("SLIPWAY_NGROK_TOKEN", "NGROK_AUTHTOKEN", "NGROK_API_KEY")


class TunnelError(SlipwayError):
    """There is no tunnel: it was refused, did not open, or ended by itself."""


def configured(settings: Settings, file: Path) -> PyngrokConfig:
    """Return what pyngrok needs to know of an agent whose own configuration will be in `file`."""
    from pyngrok.conf import PyngrokConfig

    log = logging.getLogger("pyngrok")  # it repeats what the agent says
    log.propagate = False
    log.addHandler(logging.NullHandler())  # without a handler, errors would go to the standard error
    program = settings.ngrok_path or settings.home / "ngrok" / "ngrok"
    config = PyngrokConfig(str(program), str(file), startup_timeout=3_600, max_logs=20)  # our own patience ends first
    config.auth_token = config.api_key = None  # those of the environment: pyngrok makes arguments of them
    return config


def install(config: PyngrokConfig) -> None:
    """Download the agent, if it is not there. Raises TunnelError."""
    from pyngrok import installer
    from pyngrok.exception import PyngrokError

    if Path(config.ngrok_path).exists():
        return
    try:
        with redirect_stdout(sys.stderr):  # the progress: the standard output belongs to `--json`
            installer.install_ngrok(config.ngrok_path)
    except (PyngrokError, OSError) as error:
        raise TunnelError(f"{error}\nInstall ngrok's agent in another way, and set SLIPWAY_NGROK_PATH to it.") from None


def write(file: Path, token: str) -> None:
    """Write the agent's configuration, readable by its owner only."""
    import yaml

    agent = {
        "authtoken": token,
        "inspect_db_size": -1,  # else any user of this machine could read requests, keys and patients' rows included, at its local page
        "remote_management": False,
        "update_check": False,
    }
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
        yaml.safe_dump({"version": "3", "agent": agent}, written)


def connect(config: PyngrokConfig, upstream: str, token: str, watch: Watch) -> str:
    """Start the agent, have it open a tunnel to `upstream`, and return the public address.

    Raises:
        TunnelError: The agent did not start, or opened none. It may run: see `end`.
    """
    from pyngrok import ngrok
    from pyngrok.exception import PyngrokError

    try:
        with _unheard(), _own_environment(), watch:
            return str(ngrok.connect(upstream, name="slipway", pyngrok_config=config).public_url)
    except (PyngrokError, OSError, HTTPException, ValueError) as error:
        # without the cause: it holds the agent's log, token and all
        raise TunnelError(
            f"ngrok's agent opened no tunnel: {watch.gave_up or _said(error, token)}\nCheck SLIPWAY_NGROK_TOKEN, that this machine "
            "reaches connect.ngrok-agent.com:443, and that the agent is version 3.30 or newer (`ngrok update`)."
        ) from None


class Watch:
    """Ends the agent when it takes too long to come up, or when that is no longer wanted: pyngrok waits for its next line for ever."""

    def __init__(self, file: Path, stop: threading.Event, patience: float) -> None:
        self.gave_up = ""
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
                self.gave_up = "it was stopped before."
            elif time.monotonic() > deadline:
                self.gave_up = f"it did not come up in {self._patience:g} s."
            if self.gave_up:
                for agent in processes(self._file):
                    with suppress(psutil.NoSuchProcess):
                        agent.kill()


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep what is started meanwhile off our standard error, where the agent would write a token that is refused."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _own_environment() -> Iterator[None]:
    """Hide other tokens from the agent, and ask no proxy for the agent's local API."""
    before = dict(os.environ)
    direct = ",".join(filter(None, [before.get("no_proxy", before.get("NO_PROXY", "")), LOOPBACK, "localhost"]))
    for name in HIDDEN:
        os.environ.pop(name, None)
    os.environ.update(no_proxy=direct, NO_PROXY=direct)
    try:
        yield
    finally:
        for name in (*HIDDEN, "no_proxy", "NO_PROXY"):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]


def disconnect(config: PyngrokConfig, address: str) -> None:
    """Have the agent close the tunnel, if it still runs."""
    from pyngrok import ngrok
    from pyngrok.exception import PyngrokError

    with suppress(PyngrokError, OSError, HTTPException, ValueError), _own_environment():  # Ctrl-C on a terminal ended the agent, too
        ngrok.disconnect(address, config)


def end(config: PyngrokConfig, file: Path) -> None:
    """Return when none of the agent's processes is left."""
    from pyngrok import ngrok

    running = processes(file)
    ngrok.kill(config)
    for agent in running:  # pyngrok knows the one that it started; below a wrapper there is another one
        with suppress(psutil.NoSuchProcess):
            agent.kill()
    psutil.wait_procs(running, timeout=5)


def processes(file: Path) -> list[psutil.Process]:
    """Return the agent's processes: those below this one that were started with its configuration, whose path is its own."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if str(file) in process.cmdline():
                found.append(process)
    return found


def _said(error: Exception, token: str) -> str:
    """Return what pyngrok or the agent says, in one line and without the token."""
    return " ".join(str(error).replace("\\r", " ").replace("\\n", " ").replace(token, "***").split())
