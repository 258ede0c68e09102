"""Users and keys as the pages of administrators list them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from slipway.access.callers import Grant
from slipway.access.last_use import since
from slipway.access.records import ApiKey, User
from slipway.pages.languages import Language
from slipway.pages.moments import day, moment
from slipway.pages.roles import in_words

RegisteredKind = Literal["user", "key"]


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """A user or a key. Texts are in the reader's language, and "" where there is nothing to say, as for a key that never expires.

    `sessions` and `locked`, until when the user may not try to sign in, are of users; `owner` and `expires` are of keys.
    """

    kind: RegisteredKind
    name: str
    grants: tuple[str, ...]
    roles: str
    created: str
    used: str
    second_factor: bool = False
    sessions: int = 0
    locked: str = ""
    owner: str = ""
    expires: str = ""
    expired: bool = False

    @property
    def id(self) -> str:
        """Return the text that names it in addresses and forms."""
        return f"{self.kind}:{self.name}"


def registered_user(language: Language, name: str, user: User, used: float | None, sessions: int, locked: float | None) -> AccessEntry:
    """Return a user as pages show it.

    Args:
        used: When a user of that name was last here, in Unix seconds.
        locked: Until when the user may not try to sign in, in Unix seconds.
    """
    return AccessEntry(
        kind="user",
        name=name,
        grants=user.grants,
        roles=_roles(language, user.grants),
        created=_day(language, user.created),
        used=_used(language, user.created, used),
        second_factor=user.second_factor is not None,
        sessions=sessions,
        locked=moment(language, locked) if locked else "",
    )


def registered_key(language: Language, name: str, key: ApiKey, used: float | None) -> AccessEntry:
    """Return a key as pages show it; `used` is when a key of that name was last used, in Unix seconds."""
    return AccessEntry(
        kind="key",
        name=name,
        grants=key.grants,
        roles=_roles(language, key.grants),
        created=_day(language, key.created),
        used=_used(language, key.created, used),
        owner=key.owner,
        expires=day(language, key.expires) if key.expires else "",
        expired=key.expires is not None and key.expires <= time.time(),
    )


def _roles(language: Language, grants: tuple[str, ...]) -> str:
    return in_words(language, map(Grant.parse, grants))


def _day(language: Language, created: str) -> str:
    return day(language, datetime.fromisoformat(created).timestamp())


def _used(language: Language, created: str, used: float | None) -> str:
    found = since(created, used)
    return moment(language, found) if found else ""
