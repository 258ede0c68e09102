"""One version, tried beside the one in service, and the end of the trial."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Completed
from pydantic import Field

from flows.mistakes import declines
from flows.parameters import AtLeastOne, ModelName
from slipway.catalogue import served
from slipway.lifecycle.challenge import how
from slipway.lifecycle.locking import exclusive
from slipway.lifecycle.reasons import reason
from slipway.settings import Settings
from tasks.challenge import begin_challenge, choose_challenger, end_challenge
from tasks.registry import recover
from tasks.serving import rehearse


@flow(name="challenge", flow_run_name="challenge-{name}", result_serializer="json")
@declines()
def challenge(
    name: ModelName, because: str, version: AtLeastOne | None = None, share: Annotated[float, Field(ge=0, lt=1)] = 0.0
) -> State[Any]:
    """Try a version beside the one in service: tested first, then asked about the same rows. Nothing is replaced.

    Args:
        name: The model's name in the catalogue, such as heart-failure.
        because: The reason, for the ledger.
        version: The version to try; if left out, the trial ends.
        share: The fraction of requests that it answers, from 0 to less than 1; 0: none, in shadow.
    """
    spec, settings = served(name), Settings.load()
    because = reason(because, "challenge", "it is better on last month's rows")
    with exclusive(name, settings):
        recover(spec, settings)
        if version is None:
            ended = end_challenge(spec, because, settings)
            return Completed(name="ChallengeEnded" if ended else "NoChallenger", message=because if ended else "there was none", data=ended)
        candidate = choose_challenger(spec, settings, version).candidate
        rehearse(spec, candidate, settings)
        begin_challenge(spec, candidate, because, settings, share)
    return Completed(name="Challenging", message=f"version {version}: {how(share)}: {because}", data=candidate)
