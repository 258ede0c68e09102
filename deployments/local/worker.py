"""The worker: `python -m deployments.local.worker` puts back what an earlier one left half-done, then becomes Prefect's own worker.

A run that was killed together with its worker leaves nobody to undo its promotion; supervisord starts this a second later.
"""

from __future__ import annotations

import logging
import os
import sys
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from deployments.local.services import POOL, WORKER_NAME
from slipway.errors import ReleaseInProgressError, SlipwayError
from slipway.lifecycle.ledger import Ledger
from slipway.retries import wait_until
from slipway.settings import Settings

logger = logging.getLogger(__name__)

PATIENCE, POLL = 60.0, 2.0  # seconds; MLflow may be starting as well
COMMAND = ("-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", WORKER_NAME, "--install-policy", "never")


def put_back(settings: Settings) -> None:
    """Undo every promotion that was announced and never ended, unless its release still runs. Failures to undo are logged."""
    try:
        left = Ledger(settings.ledger).all_unfinished()
    except (SQLAlchemyError, ImportError) as error:  # a worker without a ledger still runs what needs none
        logger.error("the ledger cannot be read, so nothing was put back: %s", error)
        return
    for model in left:
        try:
            wait_until(partial(_put_back, model, settings), every=POLL, within=PATIENCE, despite=SlipwayError)
        except SlipwayError as error:
            logger.error("%s: its promotion could not be undone; its next release tries again: %s", model, error)


def _put_back(model: str, settings: Settings) -> bool:
    """Undo one, unless its release still runs. The imports are here, because they are rarely needed."""
    from slipway.catalogue import lookup
    from slipway.lifecycle.locking import exclusive
    from slipway.lifecycle.promotion import recover

    try:
        with exclusive(model, settings):
            recover(lookup(model), settings)
    except ReleaseInProgressError as error:
        logger.info("%s", error)
    return True


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    put_back(Settings.load())
    os.execv(sys.executable, [sys.executable, *COMMAND])  # noqa: S606 - the same process, so that supervisord knows it


if __name__ == "__main__":
    main()
