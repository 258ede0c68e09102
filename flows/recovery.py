"""Recovery after a run that was cancelled, crashed or failed: what it left half-done is put back.

A flow has it with `**RECOVERS` among its options. Prefect calls `put_back` in the process of the run. If that was killed, the worker
calls it in another one. If the worker was killed too, it puts things back when it is started again, and so does the model's next release.
"""

from __future__ import annotations

import logging
from typing import Any

from slipway.catalogue import catalogue, lookup
from slipway.errors import ReleaseInProgressError, SlipwayError
from slipway.lifecycle.ledger import Ledger
from slipway.lifecycle.locking import exclusive
from slipway.lifecycle.mirroring import follow
from slipway.settings import Settings
from tasks.origin import origin_of
from tasks.registry import recover

logger = logging.getLogger("slipway.flows.recovery")


def put_back(flow: Any, flow_run: Any, state: Any) -> None:
    """Undo the promotions and registrations that the run did not finish, of one model or of several. Alias and stage follow."""
    settings = Settings.load()
    given = flow_run.parameters
    for name in [given["name"]] if "name" in given else given.get("names") or catalogue():
        try:
            spec = lookup(name)
            with exclusive(spec.service, settings):
                # a step that fails undoes its own work, unless MLflow does not answer; a killed one cannot
                if not state.is_failed() or Ledger(settings.ledger).unfinished(spec.service):
                    recover(spec, settings, replaces=False)
                    follow(spec, settings, origin_of([flow_run]))  # also what a person moved in MLflow, if this run was to judge it
        except ReleaseInProgressError as error:
            logger.info("%s: nothing was put back: %s", name, error)
        except SlipwayError as error:
            logger.error("%s: could not be put back, and its next release tries again: %s", name, error)


RECOVERS: dict[str, Any] = {"on_cancellation": [put_back], "on_crashed": [put_back], "on_failure": [put_back]}
