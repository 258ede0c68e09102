"""The gateway's share of the settings, read by a short-lived child process.

Reading them takes pydantic, which would cost the gateway 24 MB for as long as it runs and delay its first answer; the child reads while the
gateway imports what it needs.
"""

from __future__ import annotations

import os
import traceback
from typing import NoReturn

import msgspec

from slipway.errors import PlatformError


class Configuration(msgspec.Struct, frozen=True):
    """Where the gateway listens and keeps things. `model_ports` replaces the port a pointer asks for."""

    home: str
    bundles: str
    address: str
    port: int
    model_ports: dict[str, int]


class Reading:
    """Settings on their way. Make one before any thread starts: it forks."""

    def __init__(self) -> None:
        self._pipe, child_end = os.pipe()
        self._child = os.fork()
        if not self._child:
            _read_and_exit(child_end)
        os.close(child_end)

    def result(self) -> Configuration:
        """Wait for the settings.

        Raises:
            PlatformError: They are not valid; what is wrong stands on standard error.
        """
        with os.fdopen(self._pipe, "rb") as pipe:
            content = pipe.read()
        if os.waitpid(self._child, 0)[1]:
            raise PlatformError("the settings are not valid, see above; correct the SLIPWAY_* variables or .env and start again.")
        return msgspec.json.decode(content, type=Configuration)


def _read_and_exit(pipe: int) -> NoReturn:
    try:
        from slipway.settings import LOOPBACK, Settings

        settings = Settings.load()
        found = Configuration(str(settings.home), str(settings.bundles), LOOPBACK, settings.gateway_port, settings.model_ports)
        os.write(pipe, msgspec.json.encode(found))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
