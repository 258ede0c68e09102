"""Sending simulated rows and outcomes through the real endpoint, under a key of their own, so that the log shows which are simulated."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from slipway.access import keys
from slipway.access.callers import Grant
from slipway.audit import record_act
from slipway.audit.acts import myself
from slipway.bundle.cells import rows_of
from slipway.bundle.compiling import contract_columns
from slipway.client import Client, ClientError, Prediction, RecordedOutcomes, Unauthorized
from slipway.errors import SimulationError
from slipway.lifecycle.locking import simulating
from slipway.monitoring.simulation.drawing import Stream
from slipway.retries import wait_until
from slipway.settings import Settings
from slipway.spec import ModelSpec

KEY = "simulation"
PARTS = 5  # requests that fill a window; the rows of one request are always in one window
LOOK, KNOWN_WITHIN = 0.2, 10.0  # seconds; the gateway usually knows a new key after one

ShowProgress = Callable[[str, int, int], None]  # what is being sent, how many were sent, of how many


@dataclass(frozen=True, slots=True)
class Simulated:
    """The replies of the endpoint: its answers in the order of the rows, and how many outcomes it recorded."""

    answers: list[Prediction]
    outcomes: RecordedOutcomes

    @property
    def rows(self) -> int:
        return len(self.answers)

    @property
    def versions(self) -> dict[int | None, int]:
        """How many rows each version answered, in the order in which they first did."""
        return dict(Counter(answer.version for answer in self.answers))


def send(spec: ModelSpec, stream: Stream, outcomes: bool, settings: Settings, show_progress: ShowProgress) -> Simulated:
    """Send the rows in their order, and then their outcomes.

    Args:
        outcomes: Whether to send outcomes.
        show_progress: Called after each request.
    Raises:
        SimulationError: The gateway does not answer or refuses; earlier requests are in the log. Or another simulation is running:
            all use the same key.
        KeyNameTakenError: Another key has the name of the simulation's.
    """
    columns = contract_columns(spec)
    rows = [dict(zip(spec.columns.names, row, strict=True)) for row in rows_of(stream.rows, columns)]
    part = max(1, min(spec.watch.rows // PARTS, settings.max_rows))
    with _key(spec.name, settings) as key, Client(settings.gateway_url, key=key, ca=settings.tls_authority) as client:
        answers: list[Prediction] = []
        done = RecordedOutcomes(0, 0, 0)
        try:
            deadline = time.monotonic() + KNOWN_WITHIN
            for at in range(0, len(rows), part):
                answers += _answered(client, spec.name, rows[at : at + part], deadline)
                show_progress("rows", len(answers), len(rows))
            pairs = zip(answers, stream.outcomes, strict=True)
            records = [{"prediction_id": answer.prediction_id, "outcome": outcome} for answer, outcome in pairs] if outcomes else []
            for at in range(0, len(records), part):
                done += client.outcomes(spec.name, records[at : at + part])
                show_progress("outcomes", min(at + part, len(records)), len(records))
        except ClientError as error:
            raise SimulationError(
                f"{spec.name}: {len(answers):,} rows and {done.recorded:,} outcomes are in the log, then: {error}"
            ) from error
    return Simulated(answers, done)


def _answered(client: Client, model: str, rows: list[dict[str, Any]], deadline: float) -> list[Prediction]:
    """Return the answers to one request; until the deadline the gateway may not know the new key yet."""
    left = max(0.0, deadline - time.monotonic())
    return wait_until(lambda: client.predict(model, rows, chunk=len(rows)), every=LOOK, within=left, despite=Unauthorized)


@contextmanager
def _key(model: str, settings: Settings) -> Iterator[str]:
    """Issue a key for predictions and outcomes of this model, and revoke it at the end. A key that a crash left is revoked first.

    Raises:
        KeyNameTakenError: A key that expires in more than a day has this name, so it is not the simulation's.
    """
    grants = [Grant("predict", model), Grant("outcome", model)]
    with simulating(settings):
        left = keys.listed(settings.home).get(KEY)
        if left and left.expires and left.expires <= time.time() + keys.DAY:
            keys.revoke(settings.home, KEY)
        keys.require_new(settings.home, KEY)
        place = settings.audit_url or settings.home
        record_act(place, myself(), "add key", f"{KEY}: {', '.join(map(str, grants))}; for a day")  # first: no unlogged access
        key = keys.issue(settings.home, KEY, grants, days=1)
        try:
            yield key
        finally:
            keys.revoke(settings.home, KEY)
            record_act(place, myself(), "revoke key", KEY)
