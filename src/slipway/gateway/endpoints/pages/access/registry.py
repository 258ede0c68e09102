"""Users and keys as the handlers of these pages find them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from slipway.access.last_use import last_uses
from slipway.access.records import ApiKey, User
from slipway.access.store import AccessSnapshot
from slipway.gateway.endpoints.browser.languages import language_of
from slipway.gateway.parts import Parts
from slipway.gateway.replies import NOT_FOUND, RequestError
from slipway.gateway.routing import Call
from slipway.pages.access.registered import AccessEntry, registered_key, registered_user
from slipway.pages.languages import Language
from slipway.pages.prediction.words import Phrase, Vocabulary


@dataclass(frozen=True, slots=True)
class AccessHolder:
    """The user or key that a page is about, and all the others at the same time."""

    shown: AccessEntry
    record: User | ApiKey
    all: AccessSnapshot

    @property
    def is_user(self) -> bool:
        return self.shown.kind == "user"

    def address(self, page: str, done: str = "") -> str:
        """Return the address of one of the pages about it, such as `/access/roles?of=user:anna`."""
        return f"/access/{page}?of={self.shown.kind}:{quote(self.shown.name, safe='')}{f'&done={done}' if done else ''}"


@dataclass(frozen=True, slots=True)
class Registry:
    """Users and keys at one moment: `used` says when each was last here, by `user-NAME` and `key-NAME`; see `AccessEntry` for the rest."""

    language: Language
    all: AccessSnapshot
    used: dict[str, float]
    locked: dict[str, float]
    sessions: Mapping[str, int]

    def user(self, name: str) -> AccessEntry:
        """Return a user as pages show it."""
        user, sessions = self.all.users[name], self.sessions.get(name, 0)
        return registered_user(self.language, name, user, self.used.get(f"user-{name}"), sessions, self.locked.get(name))

    def key(self, name: str) -> AccessEntry:
        """Return a key as pages show it."""
        return registered_key(self.language, name, self.all.records[name], self.used.get(f"key-{name}"))


async def registry(parts: Parts, call: Call) -> Registry:
    """Return users and keys as they are now. Raises UndecidedError: their file cannot be read."""
    snapshot = await parts.gatekeeper.registered()
    return Registry(
        language=language_of(parts, call.request),
        all=snapshot,
        used=await asyncio.to_thread(_last_uses, Path(parts.configuration.home)),
        locked=await asyncio.to_thread(parts.workers.locked),
        sessions=await parts.gatekeeper.pages.of_users(),
    )


async def target(parts: Parts, call: Call, id: str) -> AccessHolder:
    """Return the user or key of an id such as `user:anna`. Raises RequestError: 404, there is none."""
    found = await registry(parts, call)
    kind, _, name = id.partition(":")
    if kind == "user" and name in found.all.users:
        return AccessHolder(found.user(name), found.all.users[name], found.all)
    if kind == "key" and name in found.all.records:
        return AccessHolder(found.key(name), found.all.records[name], found.all)
    raise RequestError(404, NOT_FOUND, f"there is no {'key' if kind == 'key' else 'user'} called {name[:64]!r}; perhaps it was revoked.")


def models(parts: Parts, call: Call) -> dict[str, Phrase]:
    """Return the titles of the models in service by name, in the reader's language; of others only the name."""
    language, found = language_of(parts, call.request), dict[str, Phrase]()
    for name in parts.fleet.models():
        deployment = parts.fleet.find(name)
        found[name] = Vocabulary(deployment.contract, deployment.words, language).title if deployment else Phrase(name)
    return found


def _last_uses(home: Path) -> dict[str, float]:
    try:
        return last_uses(home)
    except OSError:  # when somebody was last here is worth less than the page
        return {}
