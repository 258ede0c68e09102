"""The nodes of the trees of a `model.onnx`, read without the package onnx, which would cost a gateway 40 MB and seconds.

The format is Protocol Buffers' (https://protobuf.dev/programming-guides/encoding); the numbers of the fields are those of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from slipway.errors import BundleError

GRAPH, NODE, ATTRIBUTE, NAME, FLOATS, INTS = 7, 1, 5, 1, 7, 8
VARINT, EIGHT_BYTES, DELIMITED, FOUR_BYTES = 0, 1, 2, 5  # how the content of a field ends
NEEDED = tuple(f"nodes_{name}" for name in ("treeids", "featureids", "values", "truenodeids", "falsenodeids"))

Array = npt.NDArray[np.int64] | npt.NDArray[np.float32]


def attributes(model: bytes, place: str) -> dict[str, Array]:
    """Return the numeric attributes of the first node of a graph, by name. `place` is named in the error.

    Raises:
        BundleError: It is not a graph of this form.
    """
    try:
        graph = next(content for number, content in _fields(model) if number == GRAPH)
        node = next(content for number, content in _fields(graph) if number == NODE)
        found = dict(_attribute(content) for number, content in _fields(node) if number == ATTRIBUTE)
        if missing := [name for name in NEEDED if name not in found]:
            raise ValueError(f"it has no {missing[0]}")
        return found
    except (StopIteration, ValueError, IndexError) as error:
        raise BundleError(f"{place}: expected a graph of trees, received another file ({error}). Release the model again.") from None


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the content of each delimited field; other fields are left out."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case 2:
                length, at = _varint(message, at)
                yield key >> 3, message[at : at + length]
                at += length
            case 0:
                _, at = _varint(message, at)
            case 5:
                at += 4
            case 1:
                at += 8
            case kind:
                raise ValueError(f"field of kind {kind}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7


def _attribute(content: bytes) -> tuple[str, Array]:
    """Return the name and the numbers of an attribute; none if they are of another type.

    A forest has a million numbers, so they are read by numpy. Each is a field of its own: a key and a number.
    """
    if content[0] != NAME << 3 | DELIMITED:
        raise ValueError("an attribute does not begin with its name")
    end = 2 + content[1]
    name, numbers = content[2:end].decode(), content[end:]
    if numbers[:1] == bytes([FLOATS << 3 | FOUR_BYTES]):
        records = np.frombuffer(numbers[: len(numbers) // 5 * 5], dtype=[("key", "u1"), ("number", "<f4")])
        count = int(np.argmin(np.append(records["key"], 0) == FLOATS << 3 | FOUR_BYTES))
        return name, records["number"][:count].copy()
    if numbers[:1] == bytes([INTS << 3 | VARINT]):
        read = _varints(np.frombuffer(numbers, dtype=np.uint8))
        keys, values = read[0::2], read[1::2]
        return name, values[keys == INTS << 3 | VARINT]
    return name, np.empty(0, dtype=np.int64)


def _varints(content: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Read numbers of seven bits a byte, the lowest first; the last byte of each is below 128."""
    ends = np.flatnonzero(content < 128)
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(ends[-1] + 1) - np.repeat(starts, ends - starts + 1)
    parts = (content[: ends[-1] + 1] & 127).astype(np.int64) << (7 * place)
    numbers: npt.NDArray[np.int64] = np.add.reduceat(parts, starts)
    return numbers
