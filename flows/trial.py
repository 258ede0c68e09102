"""What becomes of a challenger's release after the gate: it is tried beside the version in service, and replaces nothing."""

from __future__ import annotations

from slipway.errors import ChallengeError
from slipway.lifecycle import challenge
from slipway.records import Release
from slipway.settings import Settings
from slipway.spec import ModelSpec
from tasks.challenge import begin_challenge
from tasks.reporting import show_history
from tasks.serving import rehearse


def require_trial(spec: ModelSpec, settings: Settings, *, approval: bool) -> None:
    """Refuse, before anything is tuned, what would come to nothing.

    Raises:
        ChallengeError: Nothing is in service beside which it could be tried, or a person is to approve what replaces nothing.
    """
    if approval:
        raise ChallengeError(
            f"{spec.name} challenges {spec.service}: its release puts nothing into service that a person could approve. "
            f"Leave approval out; `slipway promote {spec.service} --approval` asks for it."
        )
    challenge.require_champion(spec, settings)


def try_beside(spec: ModelSpec, result: Release, settings: Settings) -> Release:
    """Smoke-test the candidate in a gateway of its own, then have it answer in shadow what the champion answers."""
    rehearsed = rehearse(spec, result.candidate, settings)
    paired = result.verdict.paired
    begin_challenge(
        spec, result.candidate, f"made by {spec.name}: {paired.reason if paired else 'not compared on the same rows'}", settings
    )
    show_history(spec, settings, return_state=True)
    return result.model_copy(update={"outcome": "challenging", "smoke_test": rehearsed})
