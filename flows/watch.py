"""The watch of one model in service: the rows it gets against its training rows, its answers against the outcomes."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas import State

from flows import endings
from flows.mistakes import declines
from flows.parameters import ModelName
from slipway.catalogue import served
from slipway.errors import NotInServiceError
from slipway.lifecycle.locking import watching
from slipway.settings import Settings
from tasks.monitoring import compare_challenger, conclude, judge_windows, propose, raise_alarm, recall, report_watch


@flow(name="watch", flow_run_name="watch-{name}", result_serializer="json")
@declines()
def watch(name: ModelName) -> State[Any]:
    """Judge the rows served and the outcomes recorded since the last watch, and raise an alarm when enough windows are bad.

    A challenger is compared with the version in service on the rows that both answered, and proposed when it is better.

    An alarm is an event. An automation then starts a release of the model, whose result goes through the gate as usual.

    Args:
        name: The model's name in the catalogue, such as heart-failure.
    """
    spec, settings = served(name), Settings.load()
    with watching(name, settings):
        try:
            version = recall(spec, settings)
        except NotInServiceError as error:
            return endings.not_in_service(error)
        observed = judge_windows(spec, version, settings)
        paired = compare_challenger(spec, version, settings) if version.challenger else None
        result = conclude(spec, version, observed, paired, settings)
        run_id = report_watch(spec, version, observed, result, settings)
        if result.alarm:
            raise_alarm(spec, result.alarm, result.sample, settings)
        if result.proposal:
            propose(spec, result.proposal, settings)
    return endings.watched(result, run_id)
