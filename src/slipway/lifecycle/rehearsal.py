"""A bundle is tried as it will be served, over real HTTP, in a gateway of its own. No caller of the service reaches it.

That gateway has its own folder, key and audit log, and free ports of the loopback. It ends with the rehearsal, or with its process.
"""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from pydantic import SecretStr

from slipway.access import keys
from slipway.bundle.reading import Bundle
from slipway.errors import ServingError
from slipway.lifecycle import serving, smoke
from slipway.records import SmokeReport
from slipway.retries import wait_until
from slipway.settings import LOOPBACK, Settings
from slipway.sockets import bind
from slipway.spec import ModelSpec

logger = logging.getLogger(__name__)

STARTS_WITHIN = 30.0
ENDS_WITHIN = 10.0
POLL = 0.05
LOG = "gateway.log"


def rehearse(spec: ModelSpec, bundle: Bundle) -> SmokeReport:
    """Load a bundle beside the version in service, and smoke-test it there. Service and registry are not touched.

    Raises:
        ServingError: The gateway of the rehearsal did not start, or refused the bundle.
        SmokeTestError: Its answers differ from those measured.
    """
    logger.info("%s: version %s is rehearsed in a gateway of its own", spec.name, bundle.contract.version)
    with tempfile.TemporaryDirectory(prefix="slipway-rehearsal-") as folder, private_gateway(Path(folder)) as settings:
        endpoint = serving.deploy(spec, bundle, settings)
        # only that gateway knows the model's free port; its main port serves the model too
        beside = endpoint.model_copy(update={"url": f"{settings.gateway_url}/models/{spec.service}/invocations"})
        return smoke.smoke_test(beside, bundle, settings)


@contextmanager
def private_gateway(home: Path) -> Iterator[Settings]:
    """Run a gateway on the loopback for the length of the block, and yield the settings that reach it.

    Raises:
        ServingError: It did not start.
    """
    key = keys.generate()
    keys.add(home, "rehearsal", key)
    with bind(LOOPBACK, 0) as listening, (home / LOG).open("w") as log:
        port = listening.getsockname()[1]
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                process = subprocess.Popen(
                    [sys.executable, "-m", "slipway.gateway.rehearsing", str(home), str(listening.fileno())],
                    pass_fds=[listening.fileno()],
                    stdin=theirs.fileno(),
                    stdout=log,
                    stderr=log,
                    cwd=home,
                )
            try:
                listening.close()  # in this process, so that the port is closed when the gateway ends
                # not from the environment, whose variables are for the real gateway
                settings = Settings.model_construct(home=home, gateway_port=port, api_key=SecretStr(key))
                _await_answer(process, settings.gateway_url, home / LOG)
                yield settings
            finally:
                _end(process)


def _await_answer(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    def answers() -> bool:
        if process.poll() is not None:
            raise ServingError(f"the gateway of the rehearsal ended with status {process.returncode}:\n{_last_lines(log)}")
        try:
            return httpx.get(f"{address}/ping", timeout=1.0, verify=False).is_success  # noqa: S501 - plain http
        except httpx.TransportError:
            return False

    if not wait_until(answers, every=POLL, within=STARTS_WITHIN):
        raise ServingError(f"the gateway of the rehearsal did not answer at {address} within {STARTS_WITHIN:.0f} s:\n{_last_lines(log)}")


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
