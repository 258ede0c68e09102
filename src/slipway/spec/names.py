"""The names in a model's file: its own, the one under which MLflow registers its versions, and those of types that it trusts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from slipway.errors import SpecError

LONGEST_NAME = 128  # files and folders are named after a model
LONGEST_REGISTERED_NAME = 256  # the width of MLflow's column
NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def refuse_name(name: str) -> None:
    """Refuse a name that cannot be a part of an address, or the name of a file."""
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise SpecError(
            "a model's name is lower-case letters, digits and hyphens: it becomes part of an address. It begins and ends with a letter "
            f"or a digit, and has at most {LONGEST_NAME} characters."
        )


def refuse_registered_name(name: str, example: str) -> None:
    """Refuse what MLflow refuses, which it does after the training."""
    addressed = not {*"/:@"} & {*name} and name != "." and not name.startswith("..")  # by models:/NAME@ALIAS
    if not (addressed and name.strip() and name.isprintable() and len(name) <= LONGEST_REGISTERED_NAME):
        raise SpecError(
            f"registered_as={name[:60]!r} is no name for a model in MLflow: expected 1 to {LONGEST_REGISTERED_NAME} characters without "
            f"/, : and @. Write, for example, {example!r}."
        )


def refuse_types(types: Sequence[str]) -> None:
    """Refuse what names no type of a module, and a type that is named twice."""
    for name in types:
        if "." not in name or not all(part.isidentifier() for part in name.split(".")):
            raise SpecError(f'trusted names {name!r}, which is no type in a module; write, for example, "lightgbm.sklearn.LGBMClassifier".')
        if types.count(name) > 1:
            raise SpecError(f"trusted names {name!r} twice; once is enough.")
