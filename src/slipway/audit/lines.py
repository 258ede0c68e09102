"""The entries of the log: answers, shadows, refused requests, and acts of administration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import repeat
from time import time as now
from typing import Any, ClassVar, Protocol

import msgspec

from slipway.audit.batches import MANY, packed
from slipway.audit.databases.tables import ADMINISTRATION, ANONYMOUS, BATCHES, EXPLANATIONS, PREDICTIONS, REFUSALS, SHADOWS, Row, Table
from slipway.audit.subjects.pseudonyms import Ring
from slipway.bundle.contract import Contract
from slipway.explaining.explanation import Explanation
from slipway.problems.serving import Answer

LONGEST = 300
NOBODY = (None, None, None)


class LogEntry(Protocol):
    """An entry that becomes `size` lines of one table. One that `seals` subject ids needs the ring of keys."""

    @property
    def table(self) -> Table: ...

    @property
    def size(self) -> int: ...

    @property
    def seals(self) -> bool: ...

    def rows(self, ring: Ring | None) -> list[Row]: ...


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to one request: n rows by column, n labels, (n, classes) probabilities.

    `time` is in seconds since 1970, `key` is the caller's name, `address` the caller's address. `subjects` are n ids of the persons in the
    rows, None for a row without one.
    """

    request_id: str
    time: float
    key: str
    contract: Contract
    columns: Mapping[str, Sequence[Any]]
    labels: list[Answer]
    probabilities: list[list[float]]
    latency_ms: float
    subjects: Sequence[str | None] | None = None
    address: str = ""

    @property
    def table(self) -> Table:
        if self.seals:
            return PREDICTIONS
        return BATCHES if self.size >= MANY else ANONYMOUS

    @property
    def size(self) -> int:
        return len(self.labels)

    @property
    def seals(self) -> bool:
        return self.subjects is not None and any(subject is not None for subject in self.subjects)

    def rows(self, ring: Ring | None) -> list[Row]:
        contract, encode, request = self.contract, msgspec.json.encode, self.request_id
        head = (request, iso(self.time), clean(self.key), contract.model, contract.version, contract.run_id)
        tail = (self.latency_ms, clean(self.address))
        if self.table is BATCHES:
            return [(*head, self.size, *packed(self.columns, self.labels, self.probabilities), *tail)]
        answers = zip(zip(*self.columns.values(), strict=True), self.labels, self.probabilities, self._sealed(ring), strict=True)
        return [
            (f"{request}-{index}", *head, encode(row).decode(), label, encode(odds).decode(), *tail, *sealed)
            for index, (row, label, odds, sealed) in enumerate(answers)
        ]

    def _sealed(self, ring: Ring | None) -> Iterable[Row]:
        if ring is None or self.subjects is None or not self.seals:
            return repeat((), len(self.labels))
        named = enumerate(self.subjects)
        return [NOBODY if subject is None else ring.seal(subject, prediction_id(self.request_id, index)) for index, subject in named]


@dataclass(frozen=True, slots=True)
class Shadowed:
    """The shadows of an answered request of n rows: n labels and (n, classes) probabilities of the version that did not answer.

    `agrees` says for each label whether it is that of the answer. `time` is the request's, so that both are deleted together;
    `latency_ms` is that of the scoring alone.
    """

    table: ClassVar[Table] = SHADOWS

    request_id: str
    time: float
    contract: Contract
    labels: list[Answer]
    probabilities: list[list[float]]
    agrees: list[bool]
    latency_ms: float

    seals: ClassVar[bool] = False

    @property
    def size(self) -> int:
        return len(self.labels)

    def rows(self, ring: Ring | None) -> list[Row]:
        contract, encode = self.contract, msgspec.json.encode
        head = (iso(self.time), contract.model, contract.version, contract.run_id)
        answers = enumerate(zip(self.labels, self.probabilities, self.agrees, strict=True))
        return [
            (prediction_id(self.request_id, index), *head, label, encode(odds).decode(), int(agrees), self.latency_ms)
            for index, (label, odds, agrees) in answers
        ]


@dataclass(frozen=True, slots=True)
class Explained:
    """What was said about why, of an answered request of n rows. `time` is the request's, so that both are deleted together."""

    table: ClassVar[Table] = EXPLANATIONS

    request_id: str
    time: float
    contract: Contract
    explanations: Sequence[Explanation]

    seals: ClassVar[bool] = False

    @property
    def size(self) -> int:
        return len(self.explanations)

    def rows(self, ring: Ring | None) -> list[Row]:
        contract, encode = self.contract, msgspec.json.encode
        head = (iso(self.time), contract.model, contract.version, contract.run_id)
        return [(prediction_id(self.request_id, index), *head, encode(one).decode()) for index, one in enumerate(self.explanations)]


@dataclass(frozen=True, slots=True)
class Refused:
    """One request that was refused. `key` is the caller's name, empty if unknown; `code` is the reply's `error_code`.

    It contains no values of rows, and `path` has no query.
    """

    table: ClassVar[Table] = REFUSALS

    request_id: str
    time: float
    key: str
    address: str
    method: str
    path: str
    status: int
    code: str
    violations: int = 0

    size: ClassVar[int] = 1
    seals: ClassVar[bool] = False

    def rows(self, ring: Ring | None) -> list[Row]:
        caller = (clean(self.key), clean(self.address), clean(self.method), clean(self.path))
        return [(self.request_id, iso(self.time), *caller, self.status, self.code, self.violations)]


@dataclass(frozen=True, slots=True)
class Administered:
    """Who did what ("revoked a key") to which user, key or model. `about` must not contain a secret or a subject id."""

    table: ClassVar[Table] = ADMINISTRATION

    who: str
    what: str
    about: str
    time: float = field(default_factory=now)

    size: ClassVar[int] = 1
    seals: ClassVar[bool] = False

    def rows(self, ring: Ring | None) -> list[Row]:
        return [(iso(self.time), clean(self.who), clean(self.what), clean(self.about, 1_000_000))]


def prediction_id(request_id: str, index: int) -> str:
    """Return the id of one row of a request: the X-Request-Id of the reply, and the row's number from 0."""
    return f"{request_id}-{index}"


def iso(time: float) -> str:
    """Return seconds since 1970 as UTC, rounded down to milliseconds."""
    thousandths = int(time * 1000)
    return f"{_second(thousandths // 1000)}.{thousandths % 1000:03d}+00:00"


@lru_cache(maxsize=64)  # many requests come in one second
def _second(whole: int) -> str:
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def clean(text: str, longest: int = LONGEST) -> str:
    """Return a text from outside shortened and without control characters, for databases and terminals."""
    text = text[:longest]
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
