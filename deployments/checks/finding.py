"""What a check found, and what it may ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from deployments.server.prefect_api import PrefectServer
from slipway.settings import Settings

State = Literal["well", "look", "wrong", "unknown"]


@dataclass(frozen=True)
class Finding:
    """The answer of one check.

    `well`: nothing to do. `look`: a person may want to know it, as what was switched off on purpose. `wrong`: work is not done, or soon
    will not be, until a person acts. `unknown`: what the check asks does not answer.
    """

    state: State
    reason: str
    mend: str = ""  # a command


@dataclass(frozen=True)
class Asked:
    """What a check may ask: the settings, and the programs that answer."""

    settings: Settings
    answering: frozenset[str]
    prefect: PrefectServer

    def prefect_command(self, command: str) -> str:
        """Return a command of Prefect's, as it works in any folder."""
        return f"PREFECT_API_URL={self.settings.prefect_url}/api prefect {command}"


Check = Callable[[Asked], Finding]
