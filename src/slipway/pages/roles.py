"""Roles in words."""

from __future__ import annotations

from collections.abc import Iterable

from slipway.access.callers import Grant
from slipway.pages.languages import Language
from slipway.pages.texts import text


def in_words(language: Language, grants: Iterable[Grant]) -> str:
    """Return what these roles allow, such as `make predictions (toy), read the audit log`."""
    found = (f"{text(language, f'role.{grant.role}')}{f' ({grant.model})' if grant.model else ''}" for grant in sorted(grants, key=str))
    return ", ".join(found)
