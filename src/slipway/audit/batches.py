"""A request of many rows is one line of the log, and is read back as a line a row: a thousand lines take seven times as long to write.

`rows`, `labels` and `probabilities` are JSON lists of n each. A request that names subjects has a line a row, because those are found,
deleted and encrypted by person.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from slipway.audit.databases.cells import decoded
from slipway.audit.databases.tables import Row

MANY = 16  # rows from which it pays


def packed(columns: Mapping[str, Sequence[Any]], labels: Sequence[Any], probabilities: Sequence[Sequence[float]]) -> Row:
    """Return the three lists as JSON."""
    encode = msgspec.json.encode
    rows = list(zip(*columns.values(), strict=True))
    return encode(rows).decode(), encode(labels).decode(), encode(probabilities).decode()


def unpacked(lines: Iterable[Mapping[str, Any]], wanted: Container[str] | None) -> Iterator[dict[str, Any]]:
    """Return the lines of predictions that stand in lines of batches, the last row of a request first.

    Args:
        wanted: The ids of those that are; all if None.
    """
    for line in lines:
        rows, labels, probabilities = (decoded(line[name]) for name in ("rows", "labels", "probabilities"))
        head = {name: value for name, value in line.items() if name not in ("rows", "labels", "probabilities", "size")}
        for index in reversed(range(len(labels))):
            name = f"{line['request_id']}-{index}"
            if wanted is None or name in wanted:
                yield head | {"prediction_id": name, "row": rows[index], "label": labels[index], "probabilities": probabilities[index]}
