"""The trial of a challenger: after the gate, its version is tried beside the one in service, and replaces nothing."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas import State

from flows.endings import challenging
from slipway.errors import ChallengeError
from slipway.lifecycle import challenge
from slipway.records import Release
from slipway.settings import Settings
from slipway.spec import ModelSpec
from tasks.challenge import begin_challenge
from tasks.serving import rehearse


def require_trial(spec: ModelSpec, settings: Settings, *, dry_run: bool, approval: bool) -> None:
    """Refuse the release of a challenger, before anything is tuned, when it could not end in a trial. A dry run need not.

    Raises:
        ChallengeError: No version is in service beside which it could be tried, or approval was requested, although nothing is replaced.
    """
    if not spec.challenges or dry_run:
        return
    if approval:
        raise ChallengeError(
            f"{spec.name} challenges {spec.service}: its release puts nothing into service, so there is nothing to approve. "
            f"Leave approval out; `slipway promote {spec.service} --approval` asks for it."
        )
    challenge.require_champion(spec, settings)


def try_beside(spec: ModelSpec, result: Release, settings: Settings) -> State[Any]:
    """Smoke-test the candidate in a gateway of its own, then have it answer in shadow what the champion answers."""
    rehearsed = rehearse(spec, result.candidate, settings)
    compared = result.verdict.paired.reason if result.verdict.paired else "not compared on the same rows"
    begin_challenge(spec, result.candidate, f"made by {spec.name}: {compared}", settings)
    return challenging(spec, result, rehearsed, settings)
