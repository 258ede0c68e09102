"""Requests of many rows, each one line of the log, because a line for each row takes seven times as long. They are read back row by row.

`rows`, `labels` and `probabilities` are JSON lists of n each. A request with subjects has a line for each row, because subjects are found,
deleted and encrypted one by one.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from slipway.audit.databases.cells import decoded
from slipway.audit.databases.tables import Row

MANY = 16  # rows; from this number on, one line is faster


def packed(columns: Mapping[str, Sequence[Any]], labels: Sequence[Any], probabilities: Sequence[Sequence[float]]) -> Row:
    """Return the three lists as JSON."""
    encode = msgspec.json.encode
    rows = list(zip(*columns.values(), strict=True))
    return encode(rows).decode(), encode(labels).decode(), encode(probabilities).decode()


def unpacked(lines: Iterable[Mapping[str, Any]], wanted: Container[str] | None) -> Iterator[dict[str, Any]]:
    """Return a line for each row of lines of batches, the last row of a request first.

    Args:
        wanted: The prediction ids to return; None for all.
    """
    for line in lines:
        rows, labels, probabilities = (decoded(line[name]) for name in ("rows", "labels", "probabilities"))
        head = {name: value for name, value in line.items() if name not in ("rows", "labels", "probabilities", "size")}
        for index in reversed(range(len(labels))):
            name = f"{line['request_id']}-{index}"
            if wanted is None or name in wanted:
                yield head | {"prediction_id": name, "row": rows[index], "label": labels[index], "probabilities": probabilities[index]}
