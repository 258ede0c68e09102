"""Users and keys as the handlers of these pages find them."""

from __future__ import annotations

import asyncio
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
from slipway.pages.access.registered import AccessEntry, RegisteredKind, registered_key, registered_user
from slipway.pages.prediction.words import Phrase, Vocabulary


@dataclass(frozen=True, slots=True)
class Target:
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


async def everything(parts: Parts, call: Call) -> tuple[list[AccessEntry], list[AccessEntry], AccessSnapshot]:
    """Return the users and the keys, each by name, and the snapshot that they are of."""
    language, snapshot = language_of(parts, call.request), await parts.gatekeeper.registered()
    used = await asyncio.to_thread(_last_uses, Path(parts.configuration.home))
    locked = await asyncio.to_thread(parts.workers.locked)
    sessions = await parts.gatekeeper.pages.of_users()
    users = [
        registered_user(language, name, user, used.get(f"user-{name}"), sessions[name], locked.get(name))
        for name, user in sorted(snapshot.users.items())
    ]
    keys = [registered_key(language, name, key, used.get(f"key-{name}")) for name, key in sorted(snapshot.records.items())]
    return users, keys, snapshot


async def target(parts: Parts, call: Call, id: str) -> Target:
    """Return the user or key of an id such as `user:anna`. Raises RequestError: 404, there is none."""
    users, keys, snapshot = await everything(parts, call)
    kind, _, name = id.partition(":")
    records: dict[RegisteredKind, dict[str, User] | dict[str, ApiKey]] = {"user": snapshot.users, "key": snapshot.records}
    for shown in (*users, *keys):
        if shown.id == id:
            return Target(shown, records[shown.kind][name], snapshot)
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
