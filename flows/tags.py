"""The tags of a run, by which Prefect's page finds what belongs together."""

from __future__ import annotations

SLIPWAY = "slipway"


def tags_of(flow: str, name: str) -> list[str]:
    """Return the tags of a deployment and of its runs: a run of the shell has the same as one of the run page."""
    return [SLIPWAY, flow, name]
