"""Sessions of the pages: a random text in a cookie, and a record of the session in the access file.

They and the tokens of `POST /sessions` are kept apart: a token opens no page, and a cookie is no credential of the API. So no other
website can use the API through a visitor's browser.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from slipway.access import second_factor, users
from slipway.access.callers import Caller, Grant
from slipway.access.last_use import LastUse
from slipway.access.records import AccessFile, ApiKey, OpenSession, User, change
from slipway.access.store import AccessSnapshot, AccessStore
from slipway.errors import SlipwayError

LONGEST = 12 * 3_600.0  # seconds after which a person signs in again, however busy the session is
MOST = 20  # sessions of one user; the oldest is ended

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PageSession:
    """An open session. `id` names it and gives no access. Without a second factor, only the page that sets one up is shown.

    `user` is None for a person of a provider, which asks for the second factor itself.
    """

    id: str = field(repr=False)
    caller: Caller
    user: User | None
    opened: float
    expires: float

    @property
    def second_factor(self) -> bool:
        return self.user is None or self.user.second_factor is not None


class PageSessions:
    """The sessions of the pages in one home folder, for all workers.

    A session ends `minutes` after its last request, and `LONGEST` seconds after it was opened.
    """

    def __init__(self, home: Path, store: AccessStore, minutes: float, *, provider: bool = False, last_use: LastUse | None = None) -> None:
        """`provider`: whether there is one, without which sessions of its people end. `last_use`: where to note who was here."""
        self._home, self._store, self._seconds, self._provider = home, store, minutes * 60, provider
        self._last_use = last_use or LastUse(home)

    def open(self, name: str, user: User, address: str) -> str:
        """Open a session of a user who has just signed in, and return the text of its cookie. It writes a file; call it in a thread."""
        now = time.time()
        return self._added(OpenSession(name, user.generation, address, now, now + self._seconds))

    async def open_for(self, caller: Caller, address: str) -> str:
        """Open a session of a person whom the provider has identified, and return the text of its cookie."""
        now, grants = time.time(), tuple(sorted(map(str, caller.grants)))
        session = OpenSession(caller.name, "", address, now, now + self._seconds, "oidc", grants)
        token = await asyncio.to_thread(self._added, session)
        await self._store.look()
        return token

    def _added(self, session: OpenSession) -> str:
        token = secrets.token_urlsafe(32)

        def edit(content: AccessFile) -> AccessFile:
            own = [digest for digest, other in content.sessions.items() if _owner(other) == _owner(session)]
            surplus = own[: max(0, len(own) - MOST + 1)]
            kept = {digest: other for digest, other in content.sessions.items() if digest not in surplus}
            return msgspec.structs.replace(content, sessions=kept | {digest_of(token): session})

        change(self._home, edit)
        return token

    async def find(self, token: str) -> PageSession | None:
        """Return the open session of a cookie, or None.

        Raises:
            UndecidedError: The access file is damaged, or cannot be read.
        """
        if not token:
            return None
        digest = digest_of(token)
        snapshot = self._store.recent() or await self._store.look()
        if digest not in snapshot.sessions:
            snapshot = await self._store.look()  # another worker may have opened it a moment ago
        session = snapshot.sessions.get(digest)
        if session is None or (found := self._valid(digest, session, snapshot)) is None:
            return None
        self._last_use.note(found.caller)
        await self._renew(found)
        return found

    async def of_caller(self, caller: Caller) -> dict[str, OpenSession]:
        """Return a person's open sessions by id, the newest first."""
        snapshot, owner = await self._store.look(), str(caller)
        own = {id: session for id, session in snapshot.sessions.items() if _owner(session) == owner and self._valid(id, session, snapshot)}
        return dict(sorted(own.items(), key=lambda item: -item[1].opened))

    async def of_users(self) -> Counter[str]:
        """Return how many open sessions each user has, by name."""
        snapshot = await self._store.look()
        valid = (session.user for id, session in snapshot.sessions.items() if self._valid(id, session, snapshot) and session.kind == "user")
        return Counter(valid)

    async def end(self, id: str, caller: Caller) -> bool:
        """End a session of this person; return whether there was one."""
        ended = False

        def edit(content: AccessFile) -> AccessFile:
            nonlocal ended
            ended = id in content.sessions and _owner(content.sessions[id]) == str(caller)
            rest = {other: session for other, session in content.sessions.items() if other != id}
            return msgspec.structs.replace(content, sessions=rest) if ended else content

        await asyncio.to_thread(change, self._home, edit)
        await self._store.look()
        return ended

    async def end_all(self, caller: Caller) -> None:
        """End every session of a person, and of a user every token of the API."""

        def edit(content: AccessFile) -> AccessFile:
            rest = {id: session for id, session in content.sessions.items() if _owner(session) != str(caller)}
            return msgspec.structs.replace(content, sessions=rest)

        await asyncio.to_thread(change, self._home, edit)
        if caller.kind == "user":
            await asyncio.to_thread(users.sign_out, self._home, caller.name)
        await self._store.look()

    async def keys_of(self, caller: Caller) -> dict[str, ApiKey]:
        """Return the keys that were made for a user, by name."""
        snapshot = await self._store.look()
        return {key: record for key, record in snapshot.records.items() if record.owner == caller.name and caller.kind == "user"}

    async def set_up_second_factor(self, session: PageSession, secret: str, code: str, address: str) -> tuple[str, list[str]] | None:
        """Give the user of a session a second factor, and return a new cookie and the recovery codes; None if the code is wrong.

        Every session that was opened without the second factor ends.

        Raises:
            UnknownUserError: The user was changed in the meantime, or has a second factor.
        """
        name, step = session.caller.name, second_factor.used_step(secret, code, time.time(), 0)
        if step is None or session.user is None:
            return None
        generation = session.user.generation

        def set_up() -> tuple[str, list[str]]:
            user, codes = users.set_up_second_factor(self._home, name, generation, secret, step)
            return self.open(name, user, address), codes

        done = await asyncio.to_thread(set_up)
        await self._store.look()
        return done

    async def form_secret(self) -> str:
        """Return the secret that signs the tokens of forms; "" while there is nobody who could send one."""
        snapshot = self._store.recent() or await self._store.look()
        if snapshot.session_secret:
            return snapshot.session_secret
        snapshot = await self._store.look()
        if not snapshot.users and not (self._provider and snapshot.keys):  # a file that was removed must not be made again by a visitor
            return ""
        content = await asyncio.to_thread(change, self._home, _with_secret)
        await self._store.look()
        return content.session_secret

    def _valid(self, id: str, session: OpenSession, snapshot: AccessSnapshot) -> PageSession | None:
        if time.time() >= session.expires:
            return None
        if session.kind == "oidc":
            caller = Caller(session.user, "oidc", frozenset(map(Grant.parse, session.grants)))
            return PageSession(id, caller, None, session.opened, session.expires) if self._provider else None
        user = snapshot.users.get(session.user)
        if user is None or user.generation != session.generation:
            return None
        return PageSession(id, snapshot.callers[session.user], user, session.opened, session.expires)

    async def _renew(self, session: PageSession) -> None:
        """Let a session go on while it is used. Half of its time must be over, so that few requests write the file."""
        now = time.time()
        until = min(now + self._seconds, session.opened + LONGEST)
        if session.expires - now > self._seconds / 2 or until <= session.expires:
            return

        def edit(content: AccessFile) -> AccessFile:
            if (stored := content.sessions.get(session.id)) is None:
                return content
            longer = msgspec.structs.replace(stored, expires=until)
            return msgspec.structs.replace(content, sessions=content.sessions | {session.id: longer})

        try:
            await asyncio.to_thread(change, self._home, edit)
        except SlipwayError as error:
            logger.warning("a session was not prolonged, and ends sooner: %s", error)


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode("latin-1", "replace")).hexdigest()


def _owner(session: OpenSession) -> str:
    """Return the person as `str(caller)` does."""
    return f"{session.kind}:{session.user}"


def _with_secret(content: AccessFile) -> AccessFile:
    return content if content.session_secret else msgspec.structs.replace(content, session_secret=secrets.token_hex(32))
