"""Start the gateway: `python -m slipway.gateway`. Its settings are the `SLIPWAY_*` variables; see `slipway.settings`."""

from __future__ import annotations

import logging
import os
import resource
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import SlipwayError
from slipway.gateway import logs
from slipway.gateway.configuration import Configuration, Reading

if TYPE_CHECKING:
    from slipway.gateway.workers.workers import ParentChannel

SPARE_FILES = 512  # beside connections: listening sockets, the log's database, libraries

logger = logging.getLogger("slipway.gateway")


def main() -> int:
    """Return 0 after SIGTERM or SIGINT, 1 when the gateway cannot start."""
    reading = Reading()
    logs.configure("text")
    os.umask(0o077)  # the audit log contains the callers' rows

    from slipway.gateway import server  # noqa: F401 - imported while the settings are read, and before workers are forked
    from slipway.gateway.limits.admission import provider_of
    from slipway.sockets import bind

    try:
        configuration = reading.result()
        logs.configure(configuration.log_format)
        check_transport(configuration)
        provider_of(configuration)
        sock = bind(configuration.address, configuration.port)
    except SlipwayError as error:
        logger.error("%s", error)
        return 1
    _allow_files(configuration.connections + SPARE_FILES)
    scheme = "https" if configuration.tls_certificate else "http"
    logger.info("listening on %s://%s:%d", scheme, configuration.address, configuration.port)
    status = work(configuration, sock, 0, None) if configuration.workers == 1 else _several(configuration, sock)
    logger.info("stopped")
    return status


def check_transport(configuration: Configuration, *, authentication: bool = True) -> None:
    """Refuse an address that other machines can reach without TLS and authentication, and a certificate that cannot be used.

    Raises:
        PlatformError: The message says what to set.
    """
    from slipway.gateway.network.exposure import check

    check(configuration.address, tls=configuration.tls_certificate is not None, authentication=authentication)
    if configuration.tls_certificate and configuration.tls_key:
        from slipway.gateway.network.tls import ServerCertificate

        ServerCertificate(Path(configuration.tls_certificate), Path(configuration.tls_key))


def work(configuration: Configuration, sock: socket.socket, number: int, channel: ParentChannel | None) -> int:
    """Answer requests as one of the workers, until SIGTERM, SIGINT or the end of the parent."""
    import uvloop

    from slipway.gateway.server import serve

    uvloop.run(serve(configuration, sock, number, channel))
    return 0


def _several(configuration: Configuration, sock: socket.socket) -> int:
    from slipway.gateway.workers.state import FOLDER
    from slipway.gateway.workers.workers import Workers

    folder = Path(configuration.home) / FOLDER
    return Workers(configuration.workers, configuration.address, folder, lambda number, line: work(configuration, sock, number, line)).run()


def _allow_files(wanted: int) -> None:
    """Raise the limit of open files to what the connections may need, as far as the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


if __name__ == "__main__":
    sys.exit(main())
