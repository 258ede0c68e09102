"""Whether a search is possible: each value that it offers is one that the estimator, the target or the preparation takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_type_hints

from slipway.errors import SpecError
from slipway.problems.classification.target import Target
from slipway.problems.estimators import Distribution, Estimator, objection, offered, takes_parameter, with_value
from slipway.problems.regression.target import Quantity
from slipway.spec.annotations import mismatches, words
from slipway.spec.parts import Preparation

PREPARATION = "preparation."
Space = Mapping[str, Distribution]


def refuse_unknown(estimator: Estimator, space: Space) -> None:
    """Refuse a parameter that neither the estimator nor the preparation has."""
    known = set(estimator.get_params()) | {PREPARATION + name for name in Preparation.__slots__}
    if unknown := sorted(name for name in set(space) - known if not takes_parameter(estimator, name)):
        meant = sorted(name for name in known if "__" in name and name.rpartition("__")[2] in unknown)
        hint = f" In a pipeline they are named after their step: {', '.join(meant)}." if meant else ""
        raise SpecError(
            f"{type(estimator).__name__} has no parameter {unknown}; search_space keys must be estimator parameters, "
            f"or {PREPARATION}<field> with one of {sorted(Preparation.__slots__)}.{hint}"
        )


def refuse_parameters(estimator: Estimator, space: Space) -> None:
    """Refuse values that the estimator does not take, which it says itself only when it is fitted."""
    fixed = {name: value for name, value in estimator.get_params().items() if name not in space}
    if objected := objection(estimator, fixed):
        raise SpecError(f"estimator={type(estimator).__name__}(...): {objected}")


def refuse_searched(estimator: Estimator, space: Space) -> None:
    """Refuse a search that would try what the estimator does not take."""
    for name, distribution in space.items():
        for value in () if name.startswith(PREPARATION) else offered(distribution):
            if not _is_kept(value):
                raise SpecError(
                    f"search_space[{name!r}] offers {value!r}, which a study cannot keep: expected None, True, False, numbers or texts. "
                    "Search the parameters of a step, as step__parameter, or write a file for each estimator."
                )
            if objected := objection(estimator, {name: value}):
                raise SpecError(f"search_space[{name!r}] offers {value!r}. {objected}")


def _is_kept(value: Any) -> bool:
    """Return whether the journal of a study, which is JSON, can hold a value."""
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


def refuse_choices(estimator: Estimator, space: Space, target: Target | Quantity) -> None:
    """Refuse a search that would try an estimator that does not fit the target."""
    lists, first = choices(space), estimator
    for name, values in lists.items():
        first = with_value(first, name, values[0])
    for name, values in lists.items():
        for value in values:
            target.require_estimator(with_value(first, name, value), f"search_space[{name!r}] offers {value!r}: ")


def refuse_ways(space: Space) -> None:
    """Refuse a search over what the preparation cannot do."""
    for name, hint in get_type_hints(Preparation).items():
        distribution = space.get(PREPARATION + name)
        if distribution is not None and not hasattr(distribution, "choices"):
            raise SpecError(f"search_space['{PREPARATION}{name}'] needs CategoricalDistribution([...]), with {words(hint)}.")
        for way in getattr(distribution, "choices", ()):
            if any(mismatches(way, hint)):
                raise SpecError(f"search_space: {PREPARATION}{name}={way!r} is not {words(hint)}.")


def choices(space: Space) -> dict[str, tuple[Any, ...]]:
    """Return the parameters of the estimator that are chosen from a list, and the list."""
    own = {name: distribution for name, distribution in space.items() if not name.startswith(PREPARATION)}
    return {name: tuple(distribution.choices) for name, distribution in own.items() if hasattr(distribution, "choices")}


def describe(value: Any) -> str:
    """Return a stable text for an estimator or a distribution, used to name studies."""
    return f"{type(value).__name__}({', '.join(f'{key}={item!r}' for key, item in sorted(vars(value).items()))})"
