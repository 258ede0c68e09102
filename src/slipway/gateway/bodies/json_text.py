"""JSON whose objects have no repeated key. msgspec silently keeps the last value of a repeated key, which may be the wrong one.

Each colon outside a string belongs to one key. So a body with more colons outside strings than decoded keys repeats a key, however that
key is escaped. Nearly always the whole body has as many colons as keys, and the check costs only this count.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from typing import Any

import msgspec

from slipway.bundle.contract import Contract
from slipway.gateway.bodies.refusing import refusal
from slipway.gateway.replies import BAD_REQUEST, RequestError
from slipway.rows.checks import LISTED, SHOWN, Unreadable, Violation

Refusal = Callable[[Contract, Sequence[Violation], int], RequestError]

BOM = b"\xef\xbb\xbf"
UNREADABLE = (b"NaN", b"Infinity")
DIGITS = 4_000  # Python converts no longer whole number
LONG_NUMBER = re.compile(rb"[0-9]{300}|[eE][+]?[0-9]{3}")
CONTAINERS = (dict, list)
NOT_PUNCTUATION = bytes(set(range(256)) - set(b'":'))


def decode(body: bytes, contract: Contract, refuse: Refusal = refusal) -> Any:
    """Decode a body in UTF-8, with or without a byte order mark.

    Args:
        refuse: Makes the error for repeated keys, from the violations and their number.
    Raises:
        RequestError: 400, the body is not JSON, is nested too deeply, or repeats a key: the violations name row and column.
    """
    if body.startswith(BOM):
        body = body[len(BOM) :]
    try:
        content = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        if not body.strip():
            raise _malformed("the body is empty; expected JSON.") from None
        content = _leniently(body)
        if content is None:
            raise _malformed(f"the body is not valid JSON: {error}.{_hint(body)}") from None
    except RecursionError:
        raise _malformed("the body is nested too deeply to be rows.") from None
    if not keys_are_unique(body, content):
        raise _repetition(body, contract, refuse)
    return content


def _leniently(body: bytes) -> Any:
    """Decode a body with NaN, Infinity or a number beyond a double, as Python's `json.dumps` writes them, so that they can be named by row.

    Return None for a body that is wrong in any other way.
    """
    if not any(word in body for word in UNREADABLE) and not LONG_NUMBER.search(body):
        return None
    try:
        content = json.loads(body.decode("utf-8"), parse_constant=Unreadable, parse_float=_float, parse_int=_int)
        msgspec.json.encode(content, enc_hook=lambda cell: cell.text)  # a lone surrogate is no text
    except (ValueError, RecursionError):
        return None
    return content


def _float(text: str) -> float | Unreadable:
    value = float(text)
    return value if isfinite(value) else Unreadable(text)


def _int(text: str) -> int | Unreadable:
    return int(text) if len(text) < DIGITS else Unreadable(text)


def _hint(body: bytes) -> str:
    """Return what is probably meant by a body that is not JSON."""
    first = body.lstrip()[:1]
    if b"," in body.partition(b"\n")[0] and first not in (b"{", b"["):
        return " If it is CSV, send it with Content-Type: text/csv."
    if b"'" in body[:100] and b'"' not in body[:100]:
        return " JSON needs double quotes; in Python, json.dumps writes them."
    return ""


def keys_are_unique(body: bytes, content: Any) -> bool:
    """Return whether no object of a body repeats a key; `content` is the decoded body."""
    found = _keys_at_the_top(content)
    if body.count(b":") == found:
        return True
    return _keys_written(body) in (found, _keys(content))


def _keys_at_the_top(content: Any) -> int:
    """Count the keys of the outermost object, of its objects, and of the objects in its lists: at most all keys."""
    if type(content) is not dict:
        return 0
    total = len(content)
    for value in content.values():
        if type(value) is dict:
            total += len(value)
        elif type(value) is list and set(map(type, value)) == {dict}:
            total += sum(map(len, value))
    return total


def _keys_written(body: bytes) -> int:
    """Count the colons outside strings, in valid JSON."""
    if b"\\" in body:  # escaped backslashes first: a backslash that is left before a quote escapes it
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return sum(map(len, body.translate(None, NOT_PUNCTUATION).split(b'"')[::2]))


def _keys(content: Any) -> int:
    total, waiting = 0, [content]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            total += len(value)
            waiting += [inner for inner in value.values() if type(inner) in CONTAINERS]
        elif type(value) is list:
            waiting += [inner for inner in value if type(inner) in CONTAINERS]
    return total


def _repetition(body: bytes, contract: Contract, refuse: Refusal) -> RequestError:
    """Decode the body again, objects as tuples of pairs, to find the repeated keys and their rows."""
    try:
        content = json.loads(body, object_pairs_hook=tuple, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        content = ()
    if violations := [Violation(row, name[:SHOWN], "every key once", f"it {times} times") for row, name, times in _in_rows(content)]:
        return refuse(contract, violations[:LISTED], len(violations))
    names = [name for pairs in (content, *_objects_in(content)) for name, _ in _repeated(pairs)]
    which = f": {names[0][:SHOWN]!r} occurs more than once" if names else ""
    return _malformed(f"expected every key of an object once{which}.")


def _in_rows(content: Any) -> Iterator[tuple[int, str, int]]:
    for value in _values(content):
        if type(value) is list:
            for row, pairs in enumerate(value):
                yield from ((row, name, times) for name, times in _repeated(pairs))


def _objects_in(content: Any) -> Iterator[Any]:
    return (value for value in _values(content) if type(value) is tuple)


def _values(content: Any) -> list[Any]:
    return [value for _, value in content] if type(content) is tuple else []


def _repeated(pairs: Any) -> list[tuple[str, int]]:
    if type(pairs) is not tuple:
        return []
    return [(name, times) for name, times in Counter(name for name, _ in pairs).items() if times > 1]


def _malformed(message: str) -> RequestError:
    return RequestError(400, BAD_REQUEST, message)
