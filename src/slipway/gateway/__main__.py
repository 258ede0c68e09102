"""Start the gateway: `python -m slipway.gateway`, configured by `SLIPWAY_*` (see `slipway.settings`)."""

from __future__ import annotations

import logging
import os
import sys

from slipway.errors import SlipwayError
from slipway.gateway.configuration import Reading

logger = logging.getLogger("slipway.gateway")


def main() -> int:
    """Return 0 after SIGTERM or SIGINT, 1 when the gateway cannot start."""
    reading = Reading()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    os.umask(0o077)  # the audit log holds the callers' rows

    import uvloop

    from slipway.gateway.server import bind, serve

    try:
        configuration = reading.result()
        sock = bind(configuration.address, configuration.port)
    except SlipwayError as error:
        logger.error("%s", error)
        return 1
    logger.info("listening on http://%s:%d", configuration.address, configuration.port)
    uvloop.run(serve(configuration, sock))
    logger.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
