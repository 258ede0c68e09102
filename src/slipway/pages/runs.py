"""A run of a flow, as pages follow it."""

from __future__ import annotations

import msgspec

from slipway.pages.languages import Language
from slipway.pages.texts import text

ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class StartedRun(msgspec.Struct, frozen=True):
    """A run as Prefect has it. `type` is one of its types of states, such as RUNNING, and `state` the name of the state."""

    id: str
    name: str
    type: str
    state: str
    message: str
    page: str

    def words(self, language: Language) -> str:
        """Return how it goes."""
        state = self.type.lower() or "scheduled"
        return text(language, f"run.state.{state}")

    @property
    def ended(self) -> bool:
        return self.type in ENDED

    @property
    def failed(self) -> bool:
        return self.ended and self.type != "COMPLETED"
