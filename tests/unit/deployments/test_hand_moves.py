"""What MLflow says of a registered model, compared with what Slipway wrote there."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.local.hand_moves import HandMove, moved
from slipway.catalogue import listings
from slipway.tracking.mirrors import NOTE
from slipway.tracking.registry import CHAMPION
from slipway.tracking.unfinished import MODEL_TAG

MODEL = listings()["heart-failure"]


def registered(champion: int | None, note: str | None = '{"champion":2,"previous":1}') -> dict[str, Any]:
    aliases = [] if champion is None else [{"alias": CHAMPION, "version": str(champion)}]
    return {"aliases": aliases, "tags": [] if note is None else [{"key": NOTE, "value": note}]}


def versions(*in_production: int, made_by: str = "heart-failure") -> list[dict[str, Any]]:
    return [
        {
            "version": str(number),
            "current_stage": "Production" if number in in_production else "Archived",
            "tags": [{"key": MODEL_TAG, "value": made_by}] if made_by else [],
        }
        for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("said", "known", "expected"),
    [
        (registered(2), versions(2), None),
        (registered(3), versions(2), HandMove(MODEL, 3, "heart-failure")),
        (registered(2), versions(1), HandMove(MODEL, 1, "heart-failure")),  # MLflow's page archives the version before if asked to
        (registered(2), versions(1, 2), HandMove(MODEL, 1, "heart-failure")),  # and else does not
        (registered(2), versions(3, made_by=""), HandMove(MODEL, 3, "")),
        (registered(None), versions(2), HandMove(MODEL, None, "")),
        (registered(2), versions(), HandMove(MODEL, None, "")),
        (registered(2), [], HandMove(MODEL, None, "")),  # deleted
        (registered(3, note=None), versions(3), None),  # a home of an earlier Slipway: nobody knows who moved it
        (registered(3, note="{"), versions(3), None),
    ],
)
def test_what_differs_from_the_note_was_moved_by_hand(said: dict[str, Any], known: list[dict[str, Any]], expected: HandMove | None) -> None:
    assert moved(MODEL, said, known) == expected
