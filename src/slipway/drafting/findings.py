"""What was found in a table: the values that one step of drafting passes to the next."""

from __future__ import annotations

from dataclasses import dataclass, field

from slipway.spec import Feature, Quantity, Table, Target


@dataclass(frozen=True, slots=True)
class Found:
    """What a column is, and why. `feature` is None if it is left out. `ask` is what only a person can say of it, "" if nothing.

    `groups`: it names a person or a thing that several rows are about.
    """

    name: str
    feature: Feature | None
    why: str
    ask: str = ""
    groups: bool = False


@dataclass(frozen=True, slots=True)
class TableAt:
    """Where the rows are: the address, the name of the file, what kind of table it is, and the checksum."""

    origin: str
    file: str
    table: Table
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class AdoptedVersion:
    """A version of MLflow whose fitted model was stored as `file`, beside the model's file, and the types that this file needs."""

    version: str
    registered_as: str
    file: str
    sha256: str
    predicts: str
    trusted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that the file will say. `asks` are the open questions to a person, the most important first.

    `families`: the figures of boosted trees and of a linear model, if they were compared. `linear`: the file has a linear model.
    """

    name: str
    source: TableAt
    columns: tuple[Found, ...]
    target: Target | Quantity
    port: int
    metric: str
    floor: float
    baselines: dict[str, float]
    slices: tuple[str, ...]
    asks: tuple[str, ...] = field(default=())
    by: str = ""
    group: str = ""
    linear: bool = False
    families: dict[str, float] = field(default_factory=dict)
    adopted: AdoptedVersion | None = None  # in place of an estimator
