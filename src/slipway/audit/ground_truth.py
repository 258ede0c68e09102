"""Predictions with their actual outcome, and the history of that outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.audit.by_id import lines, marks, shadows_of
from slipway.audit.databases.cells import shown, utc
from slipway.audit.databases.tables import OUTCOMES, Store
from slipway.audit.outcomes import latest
from slipway.audit.places import Place, missing, opened
from slipway.audit.reading import Line, Shadow
from slipway.problems.serving import Answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line: the outcome of a prediction that `key` sent at `time`. `observed_at` is when it became known, if that was sent."""

    time: str
    request_id: str
    key: str
    model: str
    prediction_id: str
    label: Answer
    observed_at: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """A prediction and its latest outcome; `first_known` is the time of the first one, and `caller` sent the latest.

    `shadow` is the answer of another version.
    """

    line: Line
    outcome: Answer
    first_known: str
    shadow: Shadow | None
    caller: str = ""


def known_outcomes(place: Place, model: str, *, since: datetime | None, until: datetime) -> list[Known]:
    """Return the predictions of a model whose first outcome was recorded from `since` (included; None: no limit) to `until` (excluded).

    Each prediction comes once, in the order of the first outcomes. A correction before `until` changes the outcome but not the order, so
    that a caller who reads span after span gets each prediction once. An outcome has the time at which its transaction began: choose an
    `until` some seconds ago if none may be missed.

    Raises:
        AuditError: The log cannot be read.
    """
    if missing(place):
        return []
    span, values = "time < ?", [utc(until)]
    if since:
        span, values = f"time >= ? AND {span}", [utc(since), *values]
    earlier = "SELECT 1 FROM outcomes AS earlier WHERE earlier.prediction_id = first.prediction_id AND earlier.id < first.id"
    with opened(place) as store:
        firsts = store.rows(
            f"SELECT prediction_id, time FROM outcomes AS first WHERE model = ? AND {span} AND NOT EXISTS ({earlier}) ORDER BY id",  # noqa: S608
            (model, *values),
        )
        ids = [line["prediction_id"] for line in firsts]
        found, labels, shadows = lines(store, ids), latest(store, ids, until), shadows_of(store, ids)
    return [
        Known(found[name], labels[name].label, shown(first["time"]), shadows.get(name), labels[name].key)
        for name, first in zip(ids, firsts, strict=True)
        if name in found and name in labels  # else it was deleted a moment ago
    ]


def history(place: Place, prediction_id: str) -> list[Outcome]:
    """Return all outcomes of a prediction, oldest first; the last one counts.

    Raises:
        AuditError: The log cannot be read.
    """
    if missing(place):
        return []
    with opened(place) as store:
        return histories(store, [prediction_id]).get(prediction_id, [])


def histories(store: Store, ids: Sequence[str]) -> dict[str, list[Outcome]]:
    """Return all outcomes of some predictions, oldest first, by prediction; one without an outcome is left out."""
    found: dict[str, list[Outcome]] = {}
    if ids:
        columns = ", ".join(OUTCOMES.columns)
        statement = f"SELECT {columns} FROM outcomes WHERE prediction_id IN ({marks(ids)}) ORDER BY id"  # noqa: S608
        for line in store.rows(statement, ids):
            found.setdefault(line["prediction_id"], []).append(_outcome(line))
    return found


def _outcome(found: dict[str, Any]) -> Outcome:
    observed = found["observed_at"]
    return Outcome(**{**found, "time": shown(found["time"]), "observed_at": observed and shown(observed)})
