"""The explanation of one answer."""

from __future__ import annotations

from typing import Literal, cast

import msgspec

from slipway.bundle.contract import Contract
from slipway.problems.serving import Answer, ClassLabel

Scale = Literal["log-odds", "log-ratio", "probability", "number", "log(number)", "log(1 + number)"]


class Explanation(msgspec.Struct, frozen=True):
    """What each column adds to one answer: `base` and all `contributions` together are `margin`, on one `scale`.

    The scale is the one that the model adds up in. `margin` is of the class `of`, None for a number:

    - log-odds: log(p / (1 - p)), where p is the probability of the class.
    - log-ratio: log(p / g), where g is the geometric mean of the probabilities of all classes.
    - probability: p itself.
    - number, log(number), log(1 + number): the predicted number in `unit`, or its natural logarithm.

    `base` is the mean margin of the background, which is `background` held-out rows of the version's own test. `contributions` are in the
    order of the contract's columns. `errors` are their standard errors if they are sampled, None if they are exact.
    """

    scale: Scale
    of: ClassLabel | None
    unit: str
    base: float
    margin: float
    contributions: tuple[float, ...]
    errors: tuple[float, ...] | None
    background: int

    @property
    def method(self) -> Literal["exact", "sampled"]:
        return "exact" if self.errors is None else "sampled"


def explained_class(contract: Contract, label: Answer) -> ClassLabel:
    """Return the class whose margin is explained: the positive one, or the one that was answered if there is no positive one."""
    return contract.positive if contract.positive is not None else cast(ClassLabel, label)
